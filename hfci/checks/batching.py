"""Does a row of a batch give what it gives alone? And an image beside one of another shape?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.double import in_double
from hfci.checks.exceptions import names_excepted, reason
from hfci.checks.running import outputs_of, reference
from hfci.checks.tensors import FLOAT_ERROR, floating, relative_difference
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["batch_is_independent", "unequal_images_equal_alone"]

CHECK = "batch_is_independent"

# The arguments that say of how many patches each image is high and wide, in their last two numbers.
GRIDS = ("grid_thw", "image_grid_thw", "image_grid_hw", "spatial_shapes", "target_sizes")

# What is made of the inputs of a batch; None leaves them as they are.
Change = Callable[[Mapping[str, Any]], dict[str, Any]] | None

# Rows closer than this to each other could leak into one another unseen.
_ROWS_DIFFER = 1e-2
# What amplification makes of float error at most: measured, 1.6e-3 (dac). Above it float32 alone decides, so that a
# fault of a float32 kernel is no float error.
_AMPLIFIED = 1e-2
# How much two computations may differ in float64, whose numbers are half a billion times finer than those of float32:
# some operations inside, softmax or a norm, are float32 in many models.
_DOUBLE_ERROR = 1e-9


def batch_is_independent(tiny: TinyModel) -> None:
    """Assert that each row of a batch of two gives what it gives alone, field by field, up to float error.

    A model that amplifies, a codec say, amplifies float error too. So a small difference that float32 shows is
    measured again in float64, against a tolerance that is five orders finer: a leak is as large there, float error is
    not.

    Each field is cut into rows along the dimensions that grow with the batch: the first, also where it holds
    rows times something, or another (time first, stacked layers), or two (each image's score for each text).
    A field of one shape whatever the batch must hold the same values throughout. Where an exception says that
    random numbers are drawn by design, the batch size decides what is drawn, so row 0 beside row 1 is
    compared with row 0 beside row 2 instead. Where one says that a field is interleaved, the first part of every
    row and then the second of every row, its rows are put together first.
    """
    if leaks := _find_leaks(tiny, None):
        raise AssertionError(f"rows depend on the batch they are in: {leaks}")


def unequal_images_equal_alone(tiny: TinyModel) -> None:
    """Assert what `batch_is_independent` does of a batch whose last image is half as high and twice as wide.

    It has as many patches as it had, in another grid, so that nothing else of the inputs changes. Raises
    `NotApplicable` where no image is so high that it can be halved.
    """
    inputs = tiny.inputs()
    if not any(name in inputs and inputs[name][-1, -2] % 4 == 0 for name in GRIDS):
        raise NotApplicable("it is given no grid of patches, or none that is four patches high")
    if leaks := _find_leaks(tiny, _widened):
        raise AssertionError(f"images of another shape in the batch change what one gives: {leaks}")


def _widened(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with the grid of the last image half as high and twice as wide."""
    changed = dict(inputs)
    for name in GRIDS:
        if name in inputs:
            grid = inputs[name].clone()
            grid[-1, -2] //= 2
            grid[-1, -1] *= 2
            changed[name] = grid
    return changed


def _find_leaks(tiny: TinyModel, change: Change) -> str:
    """Return in which fields and rows a row beside another differs from alone, and by how much; empty where in none."""
    leaks = _leaks(tiny, FLOAT_ERROR, change)
    if leaks and max(leaks.values()) <= _AMPLIFIED and (double := _running_in_double(tiny)) is not None:
        leaks = _leaks(double, _DOUBLE_ERROR, change)
    if not leaks:
        return ""
    shown = "; ".join(f"{where} by {difference:.1e}" for where, difference in leaks.items())
    return (
        f"{shown} (of the field's magnitude; float error is at most {FLOAT_ERROR:.0e}, in float64 {_DOUBLE_ERROR:.0e})"
    )


def _leaks(tiny: TinyModel, tolerance: float, change: Change) -> dict[str, float]:
    """Return in which field and row, and by how much, a row beside another differs by over `tolerance` from alone.

    `change` is made of the inputs of the last row, in the batch and alone.
    """
    whole = reference(tiny) if change is None else outputs_of(tiny, change(tiny.inputs()))
    together = _compared(tiny, whole)
    last = tiny.inputs((1,)) if change is None else change(tiny.inputs((1,)))
    alone = [_compared(tiny, outputs_of(tiny, inputs)) for inputs in (tiny.inputs((0,)), last)]
    if not _telling(tiny, together):
        raise AssertionError(f"no floating output of {tiny.architecture} is left to compare")
    _assert_rows_differ([_telling(tiny, outputs) for outputs in alone])

    if reason(tiny, "forward_is_deterministic", "draws") is None:
        parts, wanted = _rows(tiny, together, alone), dict(enumerate(alone))
    else:
        other = _compared(tiny, outputs_of(tiny, tiny.inputs((0, 2))))
        parts, wanted = _rows(tiny, together, alone)[:1], {0: _rows(tiny, other, alone)[0]}
    return {
        f"{name} row {row}": difference
        for row, outputs in enumerate(parts)
        for name, part in outputs.items()
        if (difference := relative_difference(part, wanted[row][name])) > tolerance
    }


def _running_in_double(tiny: TinyModel) -> TinyModel | None:
    """Return a copy of `tiny` that computes in float64, or None where its forward does not run in it."""
    double = in_double(tiny)
    try:
        outputs_of(double)
    except StageError:
        return None
    return double


def _compared(tiny: TinyModel, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the fields that, as an exception says, mix the rows of a batch."""
    mixing = names_excepted(tiny, CHECK, "mixing_outputs")
    return {
        name: tensor
        for name, tensor in outputs.items()
        if not any(name == field or name.startswith((f"{field}.", f"{field}[")) for field in mixing)
    }


def _telling(tiny: TinyModel, outputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the fields by which rows are told from one another: floating ones, or the codes of who gives no others."""
    return outputs if reason(tiny, "forward_is_finite", "codes_only") else floating(outputs)


def _rows(
    tiny: TinyModel, together: Mapping[str, Tensor], alone: Sequence[Mapping[str, Tensor]]
) -> list[dict[str, Tensor]]:
    """Cut a batch's fields into its rows, each row's fields named as they are where the row is alone."""
    rows: list[dict[str, Tensor]] = [{} for _ in alone]
    interleaved = names_excepted(tiny, CHECK, "interleaved_outputs")
    for name, tensor in together.items():
        owner, own_name = _owner(name, together, alone)
        if owner is not None:
            rows[owner][own_name] = tensor
            continue
        shapes = [outputs[name].shape for outputs in alone if name in outputs]
        if name in interleaved:
            tensor = torch.cat([tensor[row :: len(alone)] for row in range(len(alone))])
        for row, part in enumerate(_parts(tensor, shapes)):
            rows[row][name] = part
    for row, outputs in enumerate(alone):
        if strays := outputs.keys() ^ rows[row].keys():
            raise AssertionError(f"row {row} alone and the batch return different fields: {', '.join(sorted(strays))}")
        for name, part in rows[row].items():
            if part.shape != outputs[name].shape:
                raise AssertionError(
                    f"{name} {tuple(together[name].shape)} is not made up of its rows: row {row} alone is "
                    f"{tuple(outputs[name].shape)}"
                )
    return rows


def _owner(name: str, together: Mapping[str, Tensor], alone: Sequence[Mapping[str, Tensor]]) -> tuple[int | None, str]:
    """Return which row a list's entry belongs to, and its name alone; None where the list does not grow.

    Some outputs are a list with an entry an image, so that the batch has as many entries as its rows
    together.
    """
    match = re.fullmatch(r"(.*)\[(\d+)\]", name)
    if match is None:
        return None, name
    stem, index = match.group(1), int(match.group(2))

    def length(outputs: Mapping[str, Tensor]) -> int:
        return sum(re.fullmatch(rf"{re.escape(stem)}\[\d+\]", key) is not None for key in outputs)

    lengths = [length(outputs) for outputs in alone]
    if length(together) != sum(lengths) or 0 in lengths:
        return None, name
    for row, count in enumerate(lengths):
        if index < count:
            return row, f"{stem}[{index}]"
        index -= count
    return None, name


def _parts(together: Tensor, alone: Sequence[torch.Size]) -> list[Tensor]:
    """Cut a tensor into its rows along every dimension that grows with the batch.

    Where two grow a row's part is its block on the diagonal; where none does, each row's part is the whole. A
    model may drop the first dimension where the row is alone.
    """
    if all((len(alone), *shape) == together.shape for shape in alone):
        return list(together)
    parts = [together for _ in alone]
    for dim in range(together.dim()):
        sizes = [shape[dim] for shape in alone if len(shape) == together.dim()]
        if all(size == together.shape[dim] for size in sizes) or sum(sizes) != together.shape[dim]:
            continue
        start = 0
        for row, size in enumerate(sizes):
            parts[row] = parts[row].narrow(dim, start, size)
            start += size
    return parts


def _assert_rows_differ(alone: Sequence[Mapping[str, Tensor]]) -> None:
    """Assert that the two rows give different outputs: a leak between equal rows could not be seen."""
    first, second = alone
    differences = {
        name: float("inf") if tensor.shape != second[name].shape else relative_difference(tensor, second[name])
        for name, tensor in first.items()
        if name in second
    }
    largest = max(differences.values(), default=0.0)
    if largest < _ROWS_DIFFER:
        raise AssertionError(
            "the two rows give the same outputs, so a leak between them could not be seen; largest "
            f"difference {largest:.1e} of the field's magnitude, at least {_ROWS_DIFFER:.0e} wanted"
        )
