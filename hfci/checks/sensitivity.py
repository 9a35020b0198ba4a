"""Does each parameter, and each argument of the forward, matter to what a model gives?"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hfci.checks.exceptions import names_excepted
from hfci.checks.floor import allowed
from hfci.checks.inert_parameters import unexplained
from hfci.checks.perturbing import perturbed
from hfci.checks.running import outputs_of, outside_cache, reference
from hfci.checks.tensors import relative_difference
from hfci.errors import StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["ENOUGH", "argument_factors", "every_input_matters", "every_parameter_matters", "parameter_factors"]

# A parameter is moved by so many times its own size: as far as if it were dropped, or another stood in its place.
_STEP = 1.0
# One that an exception says is faint is moved by so many times its size: it must be seen then, as rounding is not.
_FAR = 100.0
# By so many times what two computations of an output may differ by (`floor.allowed`) must one move: then what is a
# tenth as wrong is seen too.
ENOUGH = 10.0

# The rows, beside those that are fed, whose inputs an argument is given.
_OTHER_ROWS = (2, 3)

# Arguments in which a token has a number; those are other ones in every row.
_TOKENS = "input_ids"


def every_parameter_matters(tiny: TinyModel) -> None:
    """Assert that each parameter, moved alone by its own size, moves an output far beyond what comparisons allow.

    What stands in a cache is no such output: keys that are kept and never read matter to nothing. A parameter that
    moves none is accepted where a rule in `data/inert.toml`, or an exception to `gradients_reach_every_parameter`, says
    why it does nothing, and it does nothing; or where an exception says what makes it faint, and moved a hundred times
    as far it moves one by more than comparisons allow. Tied parameters are one.
    """
    factors = parameter_factors(tiny)
    low = {name: factor for name, factor in factors.items() if factor < ENOUGH}
    patterns = names_excepted(tiny, "every_parameter_matters", "faint")
    faint = [name for name in low if any(re.fullmatch(pattern, name) for pattern in patterns)]
    far = parameter_factors(tiny, faint, step=_FAR)
    claims = unexplained(tiny, [name for name in low if far.get(name, 0.0) <= 1], _limits(tiny))
    if claims:
        raise AssertionError(
            f"{len(claims)} of {len(factors)} parameters, moved by their own size, move no output by "
            f"{ENOUGH:g} times what comparisons allow:\n"
            + "\n".join(
                f"{name}: by {low[name]:.2g} times{claims[name]}" for name in sorted(claims, key=low.__getitem__)
            )
        )


def parameter_factors(
    tiny: TinyModel, names: Collection[str] | None = None, *, step: float = _STEP
) -> dict[str, float]:
    """Return parameter, of `names` or each → how far, moved by its own size, it moves the output that it moves most.

    As a multiple of what two computations of that may differ by; infinite where another shape, other whole numbers or
    an error come of it. It is moved by `step` times its size.
    """
    limits = _limits(tiny)
    factors = {}
    for name, parameter in tiny.model.named_parameters():
        if (names is None or name in names) and parameter.is_floating_point() and parameter.numel():
            with perturbed(tiny.model, {name}, step, "matters"):
                factors[name] = _factor(tiny, limits)
    return factors


def every_input_matters(tiny: TinyModel) -> None:
    """Assert that each argument, given otherwise alone, moves an output far beyond what comparisons allow.

    It is given what other rows have for it. What every row has alike, since it says how the others are to be read (a
    mask, sizes, kinds of tokens), is turned to its contrary in its second half. An error counts: it was read. Tokens
    and measured numbers must differ from row to row.

    This sees each argument alone, and anything that it moves. What images, sounds and videos do to a text, together
    with all that is said of them, and which text, `cross_modal_inputs_matter` sees; places that are not among its
    inputs, and the order of tokens, `positions_matter`.
    """
    unread = names_excepted(tiny, "every_input_matters", "unread")
    problems = [f"{name} is the same in every row" for name in _alike(tiny)]
    for name, factor in argument_factors(tiny).items():
        if name not in unread and factor < ENOUGH:
            problems.append(f"another {name} moves no output by more than {factor:.2g} times what comparisons allow")
        if name in unread and factor > 1:
            problems.append(f"an exception says that it reads no {name} ({unread[name]}), and it does")
    if problems:
        raise AssertionError("; ".join(problems))


def argument_factors(tiny: TinyModel) -> dict[str, float]:
    """Return argument → how far, given otherwise, it moves the output that it moves most, as `parameter_factors` does.

    Of a mapping, as the inputs of a bundle are, and masks by kind of attention, each entry is one: `NAME.ENTRY`.
    Settings, which are no tensors, are left out.
    """
    inputs, limits = tiny.inputs(), _limits(tiny)
    factors = {}
    for path, value, other in _arguments(inputs, tiny.inputs(_OTHER_ROWS)):
        given = _contrary(value) if _same(value, other) else other
        factors[".".join(path)] = _factor(tiny, limits, _with(inputs, path, given))
    return factors


def _arguments(
    inputs: Mapping[str, Any], others: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield where each argument stands, what it is, and what it is for other rows."""
    for name, value in inputs.items():
        path = (*above, name)
        if isinstance(value, Mapping):
            yield from _arguments(value, others[name], path)
        elif isinstance(value, Tensor) or not _same(value, others[name]):
            yield path, value, others[name]


def _alike(tiny: TinyModel) -> list[str]:
    """Return the arguments that hold tokens, or numbers other than 0 and 1, and are the same in other rows."""
    return [
        ".".join(path)
        for path, value, other in _arguments(tiny.inputs(), tiny.inputs(_OTHER_ROWS))
        if _same(value, other)
        and (path[-1].endswith(_TOKENS) or (value.is_floating_point() and bool(((value != 0) & (value != 1)).any())))
    ]


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, Tensor):
        return value.shape == other.shape and torch.equal(value, other)
    if dataclasses.is_dataclass(value):
        return _same(list(vars(value).values()), list(vars(other).values()))
    if isinstance(value, list | tuple):
        return len(value) == len(other) and all(map(_same, value, other))
    return bool(value == other)


def _contrary(value: Tensor) -> Tensor:
    """Return it with 0 for 1, and 1 for 0, in the second half of its last dimension."""
    contrary = value.clone()
    half = contrary[..., value.shape[-1] // 2 :] if value.ndim else contrary
    half.copy_(half == 0)
    return contrary


def _with(inputs: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return `inputs` with `value` in the place at `path`."""
    name, *rest = path
    return {**inputs, name: _with(inputs[name], tuple(rest), value) if rest else value}


def _limits(tiny: TinyModel) -> dict[str, float]:
    """Return what two computations of each output may differ by, but of those in a cache; of all if all are in one."""
    return {name: allowed(tiny, name) for name in outside_cache(tiny, reference(tiny)) or reference(tiny)}


def _factor(tiny: TinyModel, limits: Mapping[str, float], inputs: dict[str, Any] | None = None) -> float:
    """Return by how many times its limit the output moves that moves most, with the model or its inputs changed."""
    before = reference(tiny)
    try:
        after = outputs_of(tiny, inputs)
    except StageError:
        return math.inf
    return max(
        math.inf
        if name not in after or after[name].shape != before[name].shape
        else relative_difference(before[name], after[name]) / limit
        for name, limit in limits.items()
    )
