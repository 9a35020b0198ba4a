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


def test_a_buffer_that_a_forward_has_lengthened_is_no_difference() -> None:
    tiny = build_tiny("xglm")
    positions = tiny.model.embed_positions
    positions.make_weights(2 * len(positions.weights), tiny.config.d_model, positions.padding_idx)
    moves_to_meta_and_back(tiny)
