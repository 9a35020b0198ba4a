"""Ways to break a model that show where it is compiled, exported, split over processes or quantised."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache

__all__ = [
    "a_batch_of_three_apart",
    "another_token_kept_compiled",
    "half_the_gradient_compiled",
    "louder_compiled",
    "louder_whole",
]


def _edited(edit: Any) -> Any:
    def hook(_: nn.Module, __: Any, given: Any) -> Any:
        return edit(given) if isinstance(given, Tensor) else (edit(given[0]), *given[1:])

    def patch(module: nn.Module) -> None:
        module.register_forward_hook(hook)

    patch.__name__ = edit.__name__.removeprefix("_")
    return patch


def _louder_compiled(given: Tensor) -> Tensor:
    return given * 1.01 if torch.compiler.is_compiling() else given


def _half_the_gradient_compiled(given: Tensor) -> Tensor:
    return given / 2 + given.detach() / 2 if torch.compiler.is_compiling() else given


def _a_batch_of_three_apart(given: Tensor) -> Tensor:
    return given * 1.0 if given.shape[0] == 3 else given


def _louder_whole(given: Tensor) -> Tensor:
    return given * 1.01


louder_compiled = _edited(_louder_compiled)
half_the_gradient_compiled = _edited(_half_the_gradient_compiled)
a_batch_of_three_apart = _edited(_a_batch_of_three_apart)
# Where others load the class from its checkpoint, they load it whole.
louder_whole = _edited(_louder_whole)


def another_token_kept_compiled(attention: nn.Module) -> None:
    """Have its layer of the cache hold, where it is compiled, the first token in place of the last; outputs stay."""

    def hook(_: nn.Module, __: Any, given: dict[str, Any], ___: Any) -> None:
        if torch.compiler.is_compiling():
            layer = next(value for value in given.values() if isinstance(value, Cache)).layers[attention.layer_idx]
            layer.keys = torch.cat([layer.keys[:, :, :-1], layer.keys[:, :, :1]], dim=2)

    attention.register_forward_hook(hook, with_kwargs=True)
