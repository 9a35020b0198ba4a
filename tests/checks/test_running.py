"""One forward for a check: neither what was asked before it nor how its inputs are made changes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from hfci.checks.asking import load_check
from hfci.checks.running import outputs_of, reference, reference_forward, run
from hfci.checks.tensors import named_tensors, same_bits
from hfci.tiny import TinyModel, build_tiny


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


class Drawing(TinyModel):
    """A tiny model whose inputs are drawn from the generator that its forward draws from too."""

    def inputs(self, rows: Sequence[int] = (0, 1)) -> dict[str, Any]:
        torch.rand(3)
        return super().inputs(rows)


def test_inputs_that_draw_do_not_change_what_the_forward_draws() -> None:
    bert = build_tiny("bert", "BertModel")
    bert.model.get_submodule("embeddings").register_forward_hook(lambda _, __, given: torch.rand_like(given))
    drawing = Drawing(**{each.name: getattr(bert, each.name) for each in dataclasses.fields(TinyModel) if each.init})
    made = drawing.inputs()
    for one, other in (
        (outputs_of(drawing), outputs_of(drawing, made)),
        map(named_tensors, (run(drawing), run(drawing, made))),
    ):
        assert one.keys() == other.keys()
        assert all(same_bits(tensor, other[name]) for name, tensor in one.items())


def test_the_reference_forward_is_run_once_and_is_that_of_one_tiny_model() -> None:
    tiny, ran = build_tiny("bert", "BertModel"), []
    tiny.model.register_forward_hook(lambda *_: ran.append("here"))
    outputs, numbers = reference_forward(tiny), reference(tiny)
    assert ran == ["here"]
    assert same_bits(outputs.last_hidden_state, numbers["last_hidden_state"])
    assert not outputs.last_hidden_state.requires_grad
    assert reference_forward(tiny, output_hidden_states=True).hidden_states
    assert reference_forward(dataclasses.replace(tiny)) is not outputs
    assert len(ran) == 3
