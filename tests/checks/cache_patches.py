"""What is done to models to break their caches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import StaticCache

from hfci.catalog.facts import forward_parameters
from hfci.checks.tensors import floating, named_tensors

__all__ = [
    "beams_stay_in_place",
    "cache_forgets_what_it_holds",
    "chunks_are_read_backwards",
    "drafts_are_taken_back_from_the_front",
    "kinds_are_told_of_the_first_chunk",
    "positions_start_anew",
    "reset_does_nothing",
    "static_caches_hold_more",
]

Edit = Callable[[dict[str, Any], Any], None]


def _behind_a_cache(edit: Edit) -> Callable[[nn.Module], None]:
    """Return a patch by which a model's arguments are edited at each call that goes on from a filled cache."""

    def patch(model: nn.Module) -> None:
        name = forward_parameters(type(model))["cache"]

        def hook(_: nn.Module, given: Any, options: dict[str, Any]) -> Any:
            cache = options.get(name)
            if cache is not None and floating(named_tensors(cache)):
                edit(options, cache)
            return given, options

        model.register_forward_pre_hook(hook, with_kwargs=True)

    patch.__name__ = edit.__name__
    return patch


@_behind_a_cache
def positions_start_anew(options: dict[str, Any], _cache: Any) -> None:
    options["position_ids"] = torch.arange(options["input_ids"].shape[1])[None]


@_behind_a_cache
def cache_forgets_what_it_holds(_options: dict[str, Any], cache: Any) -> None:
    for tensor in floating(named_tensors(cache)).values():
        tensor.zero_()


@_behind_a_cache
def chunks_are_read_backwards(options: dict[str, Any], _cache: Any) -> None:
    options["input_ids"] = options["input_ids"].flip(1)


@_behind_a_cache
def kinds_are_told_of_the_first_chunk(options: dict[str, Any], _cache: Any) -> None:
    options.pop("token_type_ids", None)


def reset_does_nothing(model: Any) -> None:
    """Let the caches that the model gives ignore that they are reset."""

    def hook(_: nn.Module, __: Any, outputs: Any) -> None:
        outputs[forward_parameters(type(model))["cache"]].reset = lambda: None

    model.register_forward_hook(hook)


def beams_stay_in_place(model: Any) -> None:
    """Let the caches that the model gives ignore which beams are kept."""

    def hook(_: nn.Module, __: Any, outputs: Any) -> None:
        if (cache := outputs.get(forward_parameters(type(model))["cache"])) is not None:
            cache.reorder_cache = lambda _: None

    model.register_forward_hook(hook)


def drafts_are_taken_back_from_the_front(model: Any) -> None:
    """Let the caches that the model gives forget the oldest tokens where the last are to be taken back."""

    def hook(_: nn.Module, __: Any, outputs: Any) -> None:
        if (cache := outputs.get(forward_parameters(type(model))["cache"])) is None:
            return

        def crop(of_all: int) -> None:
            for layer in getattr(cache, "self_attention_cache", cache).layers:
                layer.keys, layer.values = (each.roll(of_all, -2) for each in (layer.keys, layer.values))
            type(cache).crop(cache, of_all)

        cache.crop = crop

    model.register_forward_hook(hook)


def static_caches_hold_more(model: Any) -> None:
    """Let what a static cache holds grow with each call."""
    name = forward_parameters(type(model))["cache"]

    def hook(_: nn.Module, given: Any, options: dict[str, Any]) -> Any:
        cache = options.get(name)
        if isinstance(getattr(cache, "self_attention_cache", cache), StaticCache):
            for tensor in floating(named_tensors(cache)).values():
                tensor.mul_(1.1)
        return given, options

    model.register_forward_pre_hook(hook, with_kwargs=True)
