"""What asks for all memory is told so, and what comes after it has it again."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hfci.checks.limited_memory import at_most

_SIZE = 3 << 30


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says how much memory a process has")
def test_more_than_a_limit_is_refused_and_less_is_not() -> None:
    with at_most(_SIZE // 2):
        with pytest.raises(MemoryError):
            np.empty(_SIZE, np.uint8)
        assert np.ones(_SIZE // 100, np.uint8).all()
    assert np.empty(_SIZE, np.uint8).nbytes == _SIZE
