"""What is done to models to break their caches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from hfci.catalog.facts import forward_parameters
from hfci.checks.tensors import floating, named_tensors

__all__ = ["cache_forgets_what_it_holds", "positions_start_anew"]

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
