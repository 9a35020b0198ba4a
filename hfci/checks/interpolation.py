"""Do the places of an image's patches follow its size?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.floor import different
from hfci.checks.running import outputs_of, reference
from hfci.checks.tensors import floating
from hfci.errors import StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["places_of_patches_are_interpolated"]

_FLAG = "interpolate_pos_encoding"
_IMAGE = "pixel_values"


def places_of_patches_are_interpolated(tiny: TinyModel) -> None:
    """Assert that, asked to interpolate the places of patches, it takes an image of another shape, too.

    An image of the size that it is made for gives what it gives without, one twice as wide or high finite numbers.
    Asked not to, it refuses each of these as it refuses one of both.

    Raises `NotApplicable` where it is fed no image by the usual name.
    """
    inputs = tiny.inputs()
    if _IMAGE not in inputs:
        raise NotApplicable(f"it is fed no {_IMAGE}")
    problems = different(tiny, outputs_of(tiny, inputs | {_FLAG: True}), reference(tiny))
    problems = [f"of the size that it is made for, it changes {problem}" for problem in problems]
    refusal = _refusal(tiny, _doubled(_doubled(inputs, -1), -2))
    for what, side in (("twice as high", -2), ("twice as wide", -1)):
        larger = _doubled(inputs, side)
        given = floating(outputs_of(tiny, larger | {_FLAG: True}))
        problems += [f"{what}, {name} is not finite" for name, tensor in given.items() if not _is_finite(tensor)]
        if (said := _refusal(tiny, larger)) is not refusal:
            kinds = [error.__name__ if error else "nothing" for error in (said, refusal)]
            problems.append(f"{what}, not asked to interpolate, it raises {kinds[0]}, of both {kinds[1]}")
    if problems:
        raise AssertionError("; ".join(problems))


def _doubled(inputs: dict[str, Any], side: int) -> dict[str, Any]:
    return inputs | {_IMAGE: torch.cat([inputs[_IMAGE], inputs[_IMAGE].flip(side)], side)}


def _refusal(tiny: TinyModel, inputs: dict[str, Any]) -> type[BaseException] | None:
    """Return what kind of error it raises of them where it is asked not to interpolate."""
    try:
        outputs_of(tiny, inputs | {_FLAG: False})
    except StageError as error:
        return type(error.__cause__ or error)
    return None


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
