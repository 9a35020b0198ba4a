"""Parameters that a model itself keeps gradients from: which they are, and lifting the cut to prove it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from hfci.checks.exceptions import names_excepted

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["LIFTS", "Cuts", "frozen_in", "lifted"]

Cuts = frozenset[Callable[..., Any]]

_SET_GRAD_ENABLED: Callable[..., Any] = torch._C._set_grad_enabled

# Which of the two ways to cut a graph are made to do nothing, the one that takes less first: a straight-through
# estimator (`x + (round(x) - x).detach()`) has a gradient because of its cut.
LIFTS: tuple[Cuts, ...] = (
    frozenset({_SET_GRAD_ENABLED}),
    frozenset({_SET_GRAD_ENABLED, Tensor.detach, torch.detach}),
)


class _Lifted(TorchFunctionMode):
    def __init__(self, cuts: Cuts) -> None:
        super().__init__()
        self._cuts = cuts

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Collection[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func not in self._cuts:
            return func(*args, **(kwargs or {}))
        return func(True) if func is _SET_GRAD_ENABLED else args[0]


@contextmanager
def lifted(cuts: Cuts) -> Iterator[None]:
    """Make `cuts`, of `LIFTS` or none, do nothing: gradients stay on under `no_grad`, `detach` gives what it got."""
    with _Lifted(cuts) if cuts else nullcontext():
        yield


def frozen_in(tiny: TinyModel, names: Collection[str]) -> tuple[str, ...]:
    """Return those of `names` that an exception says the model itself keeps gradients from."""
    frozen = names_excepted(tiny, "gradients_reach_every_parameter", "frozen")
    return tuple(name for name in names if any(re.fullmatch(pattern, name) for pattern in frozen))
