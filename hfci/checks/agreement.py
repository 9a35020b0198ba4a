"""Do two computations of one model's outputs agree, beyond what float error and ties among numbers explain?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hfci.checks.floor import deviation
from hfci.checks.perturbing import perturbed
from hfci.checks.tensors import MASKED, relative_difference
from hfci.errors import Deviation

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["at_worst", "disagreements"]

# Where two computations differ, every weight is moved by so much of its size, so many times: what moves as far by that
# alone says nothing. Sixteen roundings: what the fused kernels of a compiler leave out or add, layer after layer.
_NUDGE, _NUDGES = 2.0**-20, ("first tie", "second tie", "third tie")
# What moves an output as far as a nudge does, up to this, is no more than another nudge.
_FACTOR = 8.0


def disagreements(
    tiny: TinyModel, got: Mapping[str, Tensor], wanted: Mapping[str, Tensor], again: Callable[[], Mapping[str, Tensor]]
) -> list[Deviation]:
    """Return which of the tensors `wanted`, of `tiny` itself, `got` lacks, or has with another shape or other numbers.

    `again` makes what is wanted once more, of the model of `tiny` with weights that are its own but for their last
    bits: a tensor that comes of a choice among numbers as good as equal (a top-k, a code) differs there as well, and is
    no disagreement.
    """
    found = [one for name in wanted if (one := _deviation(tiny, name, got.get(name), wanted[name])) is not None]
    if not any(one.difference is not None for one in found):
        return found
    moved = dict.fromkeys((one.output for one in found), 0.0)
    for label in _NUDGES:
        with perturbed(tiny.model, {name for name, _ in tiny.model.named_parameters()}, _NUDGE, label):
            other = again()
        for name in moved:
            same_shape = name in other and other[name].shape == wanted[name].shape
            moved[name] = max(moved[name], relative_difference(wanted[name], other[name]) if same_shape else math.inf)
    return [one for one in found if one.difference is None or one.difference > _FACTOR * moved[one.output]]


def _deviation(tiny: TinyModel, name: str, got: Tensor | None, wanted: Tensor) -> Deviation | None:
    if got is not None and got.shape == wanted.shape and got.dtype != wanted.dtype:
        return Deviation(name, f"is of {got.dtype}, not {wanted.dtype}")
    found = deviation(tiny, name, got, wanted)
    if found is None or found.difference is None or got is None:
        return found
    return found._replace(place=at_worst(wanted, got))


def at_worst(wanted: Tensor, got: Tensor) -> tuple[int, ...]:
    """Return the place where two tensors of one shape are furthest apart; masked places count last."""
    if not wanted.numel():
        return ()
    left, right = (tensor.detach().cpu() for tensor in (wanted, got))
    if left.is_complex():
        apart = (left - right).abs().double()
    else:
        left, right = left.double(), right.double()
        apart = (left - right).abs()
        apart = torch.where((left < MASKED) & (right < MASKED), -1.0, apart)
    apart = torch.where((left == right) | (torch.isnan(left) & torch.isnan(right)), -1.0, apart).nan_to_num(math.inf)
    return tuple(int(index) for index in torch.unravel_index(apart.argmax(), apart.shape))
