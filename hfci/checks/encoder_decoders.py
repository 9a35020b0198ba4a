"""Do an encoder and its decoder fit together, however they are handed what they read?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.catalog.facts import forward_parameters
from hfci.checks.applicability import NotApplicable
from hfci.checks.floor import different
from hfci.checks.running import outputs_of, reference
from hfci.checks.sequences import other_tokens
from hfci.tiny import TinyModel

__all__ = ["encoder_decoder_consistency"]

_GIVEN = ("logits", "last_hidden_state")


def encoder_decoder_consistency(tiny: TinyModel) -> None:
    """Assert that given what the encoder gave it gives what it gives for the encoder's inputs.

    And, where it makes the decoder's tokens of labels, that it gives for labels what it gives for these tokens.

    Raises `NotApplicable` where its forward runs no encoder.
    """
    inputs, wanted = tiny.inputs(), _decoded(reference(tiny))
    required = _required(tiny)
    kept = {
        name: value
        for name, value in inputs.items()
        if name.startswith("decoder_") or name == "attention_mask" or name in required
    }
    given = outputs_of(tiny, kept | {"encoder_outputs": _encoded(tiny)})
    problems = [f"given what its encoder gave, {problem}" for problem in different(tiny, _decoded(given), wanted)]
    if shifts := _shifting(tiny):
        tokens = other_tokens(tiny, inputs["decoder_input_ids"])
        without = {name: value for name, value in inputs.items() if name != "decoder_input_ids"}
        labelled = outputs_of(tiny, without | {"labels": tokens})
        told = outputs_of(tiny, {**inputs, "decoder_input_ids": shifts(labels=tokens)})
        problems += [f"given labels, {problem}" for problem in different(tiny, _decoded(labelled), _decoded(told))]
    if problems:
        raise AssertionError(f"it gives others: {'; '.join(problems)}")


def _encoded(tiny: TinyModel) -> Any:
    """Return what its encoder gives within a forward; raises `NotApplicable` where that runs none."""
    given: list[Any] = []
    handle = tiny.model.get_encoder().register_forward_hook(lambda _, __, outputs: given.append(outputs))
    try:
        outputs_of(tiny)
    finally:
        handle.remove()
    if not given:
        raise NotApplicable("its forward runs no encoder of the kind that get_encoder gives")
    return given[0]


def _required(tiny: TinyModel) -> set[str]:
    parameters = inspect.signature(tiny.model.forward).parameters.values()
    return {each.name for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD}


def _shifting(tiny: TinyModel) -> Any:
    """Return how it makes the decoder's tokens of labels; None where it takes none, or knows no first token."""
    takes = "labels" in forward_parameters(type(tiny.model)) and "decoder_input_ids" in tiny.inputs()
    takes = takes and getattr(tiny.config, "decoder_start_token_id", None) is not None
    return getattr(tiny.model, "prepare_decoder_input_ids_from_labels", None) if takes else None


def _decoded(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in outputs.items() if name in _GIVEN and torch.is_floating_point(tensor)}
