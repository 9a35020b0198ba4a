"""Does a class that generates in a way of its own give a row what it gives it alone, and what it gave it before?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.double import in_double
from hfci.checks.exceptions import excused, names_excepted
from hfci.checks.generation import start_of
from hfci.checks.running import copied, seeded
from hfci.checks.tensors import FLOAT_ERROR, named_tensors, relative_difference
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.random_numbers import seed_generators

__all__ = ["own_generate_keeps_rows_apart"]

CHECK = "own_generate_keeps_rows_apart"

# What a forward takes of what is to be generated, by the beginning of its name.
_TO_COME = ("decoder_", "labels", "future_values", "use_cache")
_NEW_TOKENS = 5


def own_generate_keeps_rows_apart(tiny: TinyModel) -> None:
    """Assert that generate gives a row of a batch what it gives it alone, and the batch at last what it gave it first.

    One copy of the model is asked it all, so that what it keeps of one text shows in the next. It computes in float64
    where its generate runs in it: there no two scores are so close that float error decides between them. A row that
    ends sooner alone is compared as far as it goes. Where another seed has it give something else it draws what it
    gives; then it is asked only whether it gives the same by the same seed, and something for each row.

    Raises `NotApplicable` where an exception says that it wants what no tiny configuration can tell it; StageError
    (`forward`) where generate does not come to its end.
    """
    if (why := excused(tiny, CHECK)) is not None:
        raise NotApplicable(why)
    tiny, first = _running(tiny)
    alone = [_generated(tiny, (row,)) for row in (0, 1)]
    draws = bool(_unlike(_generated(tiny, (0, 1), tiny.seed + 1), first))
    if problems := _unlike(_generated(tiny, (0, 1)), first):
        raise AssertionError(f"asked again, its generate gives something else: {'; '.join(problems)}")
    if problems := [f"{name}: {len(tensor)} rows of 2" for name, tensor in first.items() if len(tensor) != 2]:
        raise AssertionError(f"its generate does not give something for each row: {'; '.join(problems)}")
    for row, outputs in enumerate(() if draws else alone):
        if problems := _unlike(*_as_far_as_both_go({name: first[name][row] for name in first}, outputs)):
            raise AssertionError(f"row {row} alone, its generate gives something else: {'; '.join(problems)}")


def _running(tiny: TinyModel) -> tuple[TinyModel, dict[str, Tensor]]:
    """Return a copy of `tiny`, in float64 where its generate runs in it, and what it gives first."""
    try:
        double = in_double(tiny)
        return double, _generated(double, (0, 1))
    except StageError:
        single = copied(tiny)
        return single, _generated(single, (0, 1))


def _generated(tiny: TinyModel, rows: Sequence[int], seed: int | None = None) -> dict[str, Tensor]:
    """Return what generate gives for these rows of inputs, by name, from the tiny model's seed or another."""
    parameters = inspect.signature(type(tiny.model).generate).parameters
    takes_more = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    left_out = names_excepted(tiny, CHECK, "left_out")
    given = {"max_new_tokens": _NEW_TOKENS, **start_of(tiny)}
    given |= {
        name: value
        for name, value in tiny.inputs(rows).items()
        if not name.startswith(_TO_COME) and name not in left_out
    }
    taken = {name: value for name, value in given.items() if takes_more or name in parameters}
    with torch.no_grad(), seeded(tiny):
        if seed is not None:
            seed_generators(seed, tiny.device)
        try:
            made: Any = tiny.model.generate(**taken)
        except Exception as error:
            raise StageError("forward", tiny.model_type, tiny.architecture, error) from error
    fields = named_tensors({"generated": made})
    return {name: tensor.clone() for name, tensor in fields.items() if tensor.ndim}  # a single number is of all rows


def _as_far_as_both_go(
    beside: Mapping[str, Tensor], alone: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return a row of a batch and that row alone, with a dimension for it or none, each cut to the other's shape."""
    row, only = dict(beside), dict(alone)
    for name in beside.keys() & alone.keys():
        one, other = beside[name], alone[name]
        other = other[0] if other.ndim == one.ndim + 1 else other
        both = tuple(slice(min(sizes)) for sizes in zip(one.shape, other.shape, strict=False))
        row[name], only[name] = one[both], other[both]
    return row, only


def _unlike(got: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """Return in which of the fields of two answers differ, which are whole numbers or close to one another."""
    found = [f"{name} is in one alone" for name in sorted(got.keys() ^ wanted.keys())]
    for name in sorted(got.keys() & wanted.keys()):
        one, other = got[name], wanted[name]
        if one.shape != other.shape:
            found.append(f"{name} is {tuple(one.shape)}, not {tuple(other.shape)}")
        elif one.is_floating_point():
            if (difference := relative_difference(one, other)) > FLOAT_ERROR:
                found.append(f"{name} by {difference:.1e}")
        elif not torch.equal(one, other):
            found.append(f"{name} in {int((one != other).sum())} of {one.numel()} places")
    return found
