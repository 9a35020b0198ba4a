"""How far float error alone moves a tiny model's outputs: the noise floor, measured on that very model.

What two ways to compute one thing may differ by follows from it, and from nothing that is compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from torch import Tensor

from hfci.checks.double import in_double
from hfci.checks.goldens import CAP, FLOOR, tolerance
from hfci.checks.perturbing import perturbed
from hfci.checks.running import copied, outputs_of, reference
from hfci.checks.tensors import floating, relative_difference
from hfci.errors import Deviation, StageError
from hfci.tiny import TinyModel
from hfci.tiny.layout import lay_out

__all__ = ["allowed", "deviation", "different", "misaligned", "misshapen", "noise_of"]

# What rounding to float32 moves a number by.
_ROUNDING = 2.0**-24


def noise_of(tiny: TinyModel) -> Mapping[str, float]:
    """Return how far each floating field of the outputs moves, relative to its largest value, by float error alone.

    Between float32 and float64, or with every weight rounded once more where its forward knows no float64, and with
    weights and inputs that lie elsewhere in memory. It is measured once.
    """
    if tiny.noise is None:
        again = list(_conditions(tiny))
        tiny.noise = {
            name: max(_moved(tensor, other.get(name)) for other in again)
            for name, tensor in floating(reference(tiny)).items()
        }
    return tiny.noise


def _conditions(tiny: TinyModel) -> Iterator[Mapping[str, Tensor]]:
    if (double := _outputs_in_double(tiny)) is not None:
        yield double
    else:
        with perturbed(tiny.model, {name for name, _ in tiny.model.named_parameters()}, _ROUNDING, "rounding"):
            yield outputs_of(tiny)
    yield outputs_of(misaligned(tiny))


def misaligned(tiny: TinyModel) -> TinyModel:
    """Return a copy of `tiny` whose weights and inputs lie elsewhere in memory, as `hfci.tiny.layout` says."""
    moved_to = replace(copied(tiny), layout="misaligned")
    lay_out(moved_to.model, moved_to.layout)
    return moved_to


def _outputs_in_double(tiny: TinyModel) -> Mapping[str, Tensor] | None:
    """Return what a copy in float64 gives; None where its forward does not run in it, or makes no numbers."""
    try:
        outputs = outputs_of(in_double(tiny))
    except (StageError, RuntimeError):
        return None
    return None if any(tensor.isnan().any() for tensor in floating(outputs).values()) else outputs


def _moved(tensor: Tensor, other: Tensor | None) -> float:
    return math.inf if other is None or other.shape != tensor.shape else relative_difference(tensor, other)


def allowed(tiny: TinyModel, field: str) -> float:
    """Return what two computations of a field may differ by, relative to its largest value.

    Of a field that the plain forward does not give, such as the state of a layer, by what its noisiest one may. Where
    float error moves it so far that this would be over the cap, it is the cap, where faults begin.
    """
    noise = noise_of(tiny)
    return tolerance(noise.get(field, max(noise.values(), default=FLOOR))) or CAP


def different(tiny: TinyModel, got: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """Return which fields of `wanted` `got` lacks, or has with another shape or other numbers, and by how much."""
    ordered = sorted(wanted, key=got.__contains__)  # what is missing first
    found = (deviation(tiny, name, got.get(name), wanted[name]) for name in ordered)
    return [str(one) for one in found if one is not None]


def deviation(tiny: TinyModel, name: str, got: Tensor | None, wanted: Tensor) -> Deviation | None:
    """Return how far an output is from what is wanted, in words where it has another shape; None if near enough."""
    if (unlike := misshapen(name, got, wanted)) is not None or got is None:
        return unlike
    difference = relative_difference(got.to(wanted.device), wanted)
    # no noise need be measured for what is closer than any tolerance
    if difference > FLOOR and difference > (limit := allowed(tiny, name)):
        return Deviation(name, "", difference, limit)
    return None


def misshapen(name: str, got: Tensor | None, wanted: Tensor) -> Deviation | None:
    """Return what is wrong with an output whatever its numbers are: it is missing, or has another shape."""
    if got is None:
        return Deviation(name, "is missing")
    if got.shape != wanted.shape:
        return Deviation(name, f"is {tuple(got.shape)}, not {tuple(wanted.shape)}")
    return None
