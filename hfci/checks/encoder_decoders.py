"""Do an encoder and its decoder fit together, however they are handed what they read?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.catalog.facts import forward_parameters
from hfci.checks.applicability import NotApplicable
from hfci.checks.attention import with_each_attention
from hfci.checks.floor import different
from hfci.checks.running import outputs_of, reference
from hfci.checks.sequences import other_tokens
from hfci.checks.tensors import floating
from hfci.tiny import TinyModel

__all__ = ["cross_attention_mask_hides_padding", "encoder_decoder_consistency", "handed_over"]

# How many of the last places of the first row are masked.
_MASKED = 3
_GIVEN = ("logits", "last_hidden_state")
# A label that no loss counts, and no table of embeddings has a row for.
_IGNORED = -100


def encoder_decoder_consistency(tiny: TinyModel) -> None:
    """Assert that given what the encoder gave it gives what it gives for the encoder's inputs.

    And, where it makes the decoder's tokens of labels, that it gives for labels, one of which is to be ignored, what it
    gives for these tokens.

    Raises `NotApplicable` where its forward runs no encoder.
    """
    inputs, wanted = tiny.inputs(), _decoded(reference(tiny))
    outputs = outputs_of(tiny, handed_over(tiny))
    problems = [f"given what its encoder gave, {problem}" for problem in different(tiny, _decoded(outputs), wanted)]
    if shifts := _shifting(tiny):
        tokens = other_tokens(tiny, inputs["decoder_input_ids"])
        tokens[0, -2] = _IGNORED  # whose token, the last one, may be masked
        without = {name: value for name, value in inputs.items() if name != "decoder_input_ids"}
        labelled = outputs_of(tiny, without | {"labels": tokens})
        shifted = outputs_of(tiny, {**inputs, "decoder_input_ids": shifts(labels=tokens)})
        found, expected = (
            {name: tensor[:, :-1] for name, tensor in _decoded(each).items()} for each in (labelled, shifted)
        )
        problems += [f"given labels, {problem}" for problem in different(tiny, found, expected)]
    if problems:
        raise AssertionError(f"it gives others: {'; '.join(problems)}")


def cross_attention_mask_hides_padding(tiny: TinyModel) -> None:
    """Assert that what an encoder gave for places that are masked changes nothing of what is decoded.

    And that what it gave for the others does. The last places of the first row are masked, by `attention_mask` where
    the model has an encoder of its own, else by `encoder_attention_mask`; with attention step by step and by torch's
    kernel.

    Raises `NotApplicable` where it is handed no states of an encoder, or not one for each place of a mask.
    """
    inputs, name, mask_name = tiny.inputs(), "encoder_hidden_states", "encoder_attention_mask"
    if name not in inputs:
        if "encoder_outputs" not in forward_parameters(type(tiny.model)):
            raise NotApplicable("it is handed no states of an encoder, as it is fed here")
        inputs, name, mask_name = handed_over(tiny), "encoder_outputs", "attention_mask"
    states = inputs[name] if isinstance(inputs[name], Tensor) else inputs[name][0]
    real = torch.ones(states.shape[:2], dtype=torch.long, device=states.device)
    real[0, -_MASKED:] = 0
    if name == "encoder_outputs" and tiny.inputs().get("input_ids", states).shape != real.shape:
        raise NotApplicable("its encoder gives no state for each place of a text")
    problems = []
    for implementation, one in with_each_attention(tiny):
        plain, hidden, seen = (
            _crossing(one, inputs | {name: _with_states(inputs[name], each), mask_name: real})
            for each in (states, _louder(states, real == 0), _louder(states, real == 1))
        )
        problems += [
            f"{implementation}: what is masked changes {difference}" for difference in different(tiny, hidden, plain)
        ]
        if not different(tiny, seen, plain):
            problems.append(f"{implementation}: what is not masked changes nothing")
    if problems:
        raise AssertionError("; ".join(problems))


def _louder(states: Tensor, where: Tensor) -> Tensor:
    """Return states that are others in some places: those of the place before, and louder."""
    return torch.where(where[..., None], 2 * states.roll(1, dims=1) + 1, states)


def _with_states(encoded: Any, states: Tensor) -> Any:
    """Return what an encoder gave with these states in place of its own."""
    if isinstance(encoded, Tensor):
        return states
    return type(encoded)({**encoded, "last_hidden_state": states})


def _crossing(tiny: TinyModel, inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the fields that it gives, but for those of its encoder and what it keeps of that in a cache."""
    outputs = floating(outputs_of(tiny, inputs))
    return {name: tensor for name, tensor in outputs.items() if name.isidentifier() and not name.startswith("encoder_")}


def handed_over(tiny: TinyModel) -> dict[str, Any]:
    """Return its inputs with what its encoder gives for them in their place."""
    required = _required(tiny)
    kept = {
        name: value
        for name, value in tiny.inputs().items()
        if name.startswith("decoder_") or name == "attention_mask" or name in required
    }
    return kept | {"encoder_outputs": _encoded(tiny)}


def _encoded(tiny: TinyModel) -> Any:
    """Return what its encoder gives within a forward; raises `NotApplicable` where that runs none."""
    encoded: list[Any] = []
    handle = tiny.model.get_encoder().register_forward_hook(lambda _, __, outputs: encoded.append(outputs))
    try:
        outputs_of(tiny)
    finally:
        handle.remove()
    if not encoded:
        raise NotApplicable("its forward runs no encoder of the kind that get_encoder gives")
    return encoded[0]


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
