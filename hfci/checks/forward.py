"""One forward: finite everywhere, and the same when repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from hfci.checks.divergence import first_different, first_not_finite, have_other_bits
from hfci.checks.exceptions import names_excepted, reason
from hfci.checks.running import outputs_of, reference
from hfci.checks.tensors import floating, named_tensors, relative_difference, same_bits
from hfci.errors import Differs
from hfci.tiny.random_numbers import generator_states

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["forward_is_deterministic", "forward_is_finite"]

FINITE, DETERMINISTIC = "forward_is_finite", "forward_is_deterministic"


def forward_is_finite(tiny: TinyModel) -> None:
    """Assert that every floating tensor in the outputs, however nested, holds finite values only.

    A field that an exception names as masked may hold -inf beside finite values, and nothing else. A
    forward that gives codes only, as one says, must give some, not all the same, and no floating tensor.
    """
    every = reference(tiny)
    outputs = floating(every)
    masked = names_excepted(tiny, FINITE, "masked_outputs")
    if reason(tiny, FINITE, "codes_only"):
        _assert_codes_only(tiny.architecture, every)
    elif not outputs:
        raise AssertionError(f"the forward of {tiny.architecture} returns no floating tensor")
    broken = [
        f"{name} {tuple(tensor.shape)}: {bad} of {tensor.numel()} values ({int(tensor.isnan().sum())} NaN)"
        for name, tensor in outputs.items()
        if (bad := int((~_allowed(tensor, masked=name in masked)).sum()))
    ]
    if broken:
        raise Differs(f"outputs are not finite: {'; '.join(broken)}", first_not_finite(tiny))


def _assert_codes_only(architecture: str, outputs: Mapping[str, torch.Tensor]) -> None:
    if real := floating(outputs):
        raise AssertionError(f"an exception says that it gives codes only, and these are none: {', '.join(real)}")
    if not any(bool((tensor != tensor.flatten()[0]).any()) for tensor in outputs.values() if tensor.numel()):
        raise AssertionError(f"the forward of {architecture} returns no codes that differ from each other")


def _allowed(tensor: torch.Tensor, *, masked: bool) -> torch.Tensor:
    finite = torch.isfinite(tensor)
    return finite | tensor.isneginf() if masked and finite.any() else finite


def forward_is_deterministic(tiny: TinyModel) -> None:
    """Assert that two forwards of the same inputs give the same bits, and leave the inputs and random numbers alone.

    Where an exception says that the architecture draws random numbers by design, both start from the same seed.
    """
    inputs = tiny.inputs()
    before = {name: tensor.clone() for name, tensor in named_tensors(inputs).items()}
    by_design = reason(tiny, DETERMINISTIC, "draws") is not None
    states = generator_states()
    first = outputs_of(tiny, inputs, seed=by_design)
    drawn = [of for of, state in generator_states().items() if state != states[of]]
    # Clones, because a model may return its own buffers or its inputs, which the second forward could change.
    first = {name: tensor.clone() for name, tensor in first.items()}

    after = named_tensors(inputs)
    changed = [name for name in before if name not in after or not same_bits(before[name], after[name])]
    if changed:
        raise AssertionError(f"the forward changed its inputs: {', '.join(changed)}")

    # New ones, since a session of a video remembers, beside its tensors, what it has seen.
    second = outputs_of(tiny, tiny.inputs(), seed=by_design)
    if strays := first.keys() ^ second.keys():
        raise AssertionError(f"two forwards return different fields: {', '.join(sorted(strays))}")
    different = [
        f"{name} {_difference(first[name], second[name])}" for name in first if not same_bits(first[name], second[name])
    ]
    if different:
        again = " although the seed was reset" if by_design else ""
        module = first_different(tiny, tiny, have_other_bits, seed=by_design)
        raise Differs(f"two forwards of the same inputs differ{again}: {'; '.join(different)}", module)
    if drawn and not by_design:
        raise AssertionError(f"the forward draws {' and '.join(drawn)} random numbers in eval mode")


def _difference(left: torch.Tensor, right: torch.Tensor) -> str:
    if left.shape != right.shape or left.dtype != right.dtype:
        return f"is {left.dtype} {tuple(left.shape)}, then {right.dtype} {tuple(right.shape)}"
    return f"by {relative_difference(left, right):.1e} of its magnitude"
