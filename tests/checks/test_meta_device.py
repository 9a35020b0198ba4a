"""What moving to the meta device and back needs."""

from __future__ import annotations

import sys

import pytest

from hfci.checks.meta_device import moves_to_meta_and_back
from hfci.errors import StageError
from hfci.testing.verdicts import judge
from hfci.tiny import build_tiny


def test_without_accelerate_it_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(StageError) as told:
        moves_to_meta_and_back(build_tiny("bert"))
    verdict = judge(told.value, building=False)
    assert (verdict["outcome"], verdict["reason"]) == ("unavailable", "needs accelerate: pip install accelerate")
