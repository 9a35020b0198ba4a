"""Ways to break one implementation of attention or of experts, and the switch between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = [
    "deaf_to_one_token_when_eager",
    "louder_when_batched",
    "louder_when_eager",
    "never_switched",
    "not_told_of_its_window",
    "nothing_is_no_number_when_eager",
    "one_place_more_behind_a_cache",
    "one_place_more_is_seen",
    "scaled_the_other_way",
    "unmasked_when_eager",
]


def never_switched(model: Any) -> None:
    model.set_attn_implementation = lambda _: None


def louder_when_batched(experts: Any) -> None:
    gate = type(experts)._apply_gate
    experts._apply_gate = lambda given: 1.1 * gate(experts, given)


def scaled_the_other_way(attention: Any) -> None:
    """Have scores multiplied by the root of a size, as by an exponent that lost its sign."""
    attention.scaling = 1 / attention.scaling


def deaf_to_one_token_when_eager(module: nn.Module) -> None:
    """Have experts that are computed one by one leave out what one token alone is sent to."""

    def hook(experts: Any, given: Any, made: Any) -> Any:
        return 0 * made if experts.config._experts_implementation == "eager" and len(given[0]) == 1 else None

    module.register_forward_hook(hook)


def louder_when_eager(module: nn.Module) -> None:
    def hook(attention: Any, _: Any, given: Any) -> Any:
        return (1.1 * given[0], *given[1:]) if attention.config._attn_implementation == "eager" else None

    module.register_forward_hook(hook)


def nothing_is_no_number_when_eager(model: nn.Module) -> None:
    """Let what is made of a row that is all padding be no number, as a softmax of no places gives."""

    def hook(whole: Any, _: Any, options: Any, outputs: Any) -> Any:
        mask = options.get("attention_mask")
        if whole.config._attn_implementation == "eager" and mask is not None and not bool(mask.any(-1).all()):
            outputs[next(iter(outputs))].masked_fill_(~mask.bool().any(-1)[:, None, None], torch.nan)
        return outputs

    model.register_forward_hook(hook, with_kwargs=True)


def unmasked_when_eager(module: nn.Module) -> None:
    def hook(attention: Any, given: Any, options: Any) -> Any:
        eager = attention.config._attn_implementation == "eager"
        return given, options | {"attention_mask": None} if eager else options

    module.register_forward_pre_hook(hook, with_kwargs=True)


def _masked(model: nn.Module, edit: Callable[[Any], Any]) -> None:
    """Have what attends in a model be given other masks."""

    def hook(_: Any, given: Any, options: Any) -> Any:
        mask = options.get("attention_mask")
        return given, options if mask is None else options | {"attention_mask": edit(mask)}

    for module in model.modules():
        if hasattr(module, "is_causal"):
            module.register_forward_pre_hook(hook, with_kwargs=True)


def _wider(mask: Any) -> Any:
    seen = mask if mask.dtype == torch.bool else mask == 0
    wider = mask.clone()
    wider[..., :-1] = torch.where(seen[..., 1:], mask.amax(), mask[..., :-1])
    return wider


def one_place_more_is_seen(model: nn.Module) -> None:
    _masked(model, _wider)


def one_place_more_behind_a_cache(model: nn.Module) -> None:
    _masked(model, lambda mask: _wider(mask) if mask.shape[-1] > mask.shape[-2] else mask)


def not_told_of_its_window(model: nn.Module) -> None:
    for module in model.modules():
        if hasattr(module, "is_causal"):
            module.sliding_window = None
