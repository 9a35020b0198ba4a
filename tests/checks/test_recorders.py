"""What a check asked a model to record is nothing to the next."""

from __future__ import annotations

import pytest
import torch

from hfci.checks.asking import load_check
from hfci.tiny import build_tiny


@pytest.mark.parametrize("asked", ["every_output_flag_fills_its_field", "cache_equals_no_cache"])
def test_what_a_part_recorded_first_does_not_stop_the_whole(asked: str) -> None:
    """Transformers installs its hooks twice where a part of a model was asked before the whole, as here."""
    tiny = build_tiny("phi4_multimodal", "Phi4MultimodalModel")
    with torch.no_grad():
        tiny.forward()
    load_check(asked)(tiny)
    assert tiny.checked == {asked}


def test_hooks_of_others_stay() -> None:
    tiny = build_tiny("bert", "BertModel")
    seen: list[str] = []
    tiny.model.register_forward_hook(lambda *_: seen.append("here"))
    load_check("every_output_flag_fills_its_field")(tiny)
    assert seen
