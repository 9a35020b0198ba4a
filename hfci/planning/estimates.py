"""What cases are expected to need on a kind of runner: measured there, or elsewhere, or like what was measured."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from statistics import median

from hfci.cases.case import Case
from hfci.cases.manifest import Manifest
from hfci.planning.requirements import Need, Requirements

__all__ = ["SET_UP", "START_UP", "Estimate", "Estimator"]

# What is taken where nothing was measured on a kind of runner.

# Seconds of a job before its workers start: checkout, and the environment from a cache.
SET_UP = 60.0

# Seconds until a worker has imported torch and transformers and collected its files: a run of bert's smoke tier with
# one worker takes 5.8 processor-seconds, of which its cases have 0.6 (transformers 5.24.0, torch 2.13.0, CPU). Workers
# begin together, each on a core of its own.
START_UP = 6.0

# Within a check, seconds grow with about this power of the parameters: on half of the 6,484 cases of a smoke and a
# functional run, fitted on the other half, the typical error of a file's seconds is least for 0.2 to 0.3 (factor 1.22).
EXPONENT = 0.25
USUAL_PARAMETERS = 100_000

# Where nothing at all was measured: the mean seconds of the checks in these runs, and the largest of their workers.
SECONDS: Mapping[str | None, float] = {
    "builds_tiny": 0.12,
    "forward_is_finite": 0.06,
    "forward_is_deterministic": 0.05,
    "batch_is_independent": 0.08,
    "save_load_roundtrip": 0.22,
    "gradients_reach_every_parameter": 0.21,
    "component_is_exercised": 0.49,
}
USUAL_SECONDS = 0.12
USUAL_MEMORY = int(1.2 * 2**30)

# Where the ID of a case has the name of its architecture, if it is of one.
WHOLE = "-"

# The family and the size of what the manifest does not know.
UNLIKE: tuple[str | None, float] = (None, 1.0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a case is expected to need: seconds and bytes, and whether each of them was measured, or is a guess."""

    seconds: float
    memory: int
    is_measured: bool
    is_memory_measured: bool


class Estimator:
    """Estimates the needs of cases on one kind of runner.

    A case that was measured on another kind takes as much longer as the cases that both have measured, in the median.
    One that was measured nowhere takes the median of its check and family, at its number of parameters; all of them
    together as long, in proportion, as those that were measured. Its memory is the largest of its family.

    `set_up` and `start_up` are what jobs there take before their first case, in the median: until hfci begins, and from
    there until a worker has collected its cases.
    """

    def __init__(self, manifest: Manifest, requirements: Requirements, runner: str, device: str) -> None:
        """Take what was measured; `runner` is the name that the records bear, or else they name the device."""
        self._manifest = manifest
        own = next((name for name in (runner, device) if name in requirements.runners), runner)
        self._everything = _measured(requirements, own)
        begun = requirements.runners.get(own)
        self.set_up = median(begun.set_up) if begun and begun.set_up else SET_UP
        self.start_up = median(begun.start_up) if begun and begun.start_up else START_UP
        axis = f"device={device}"
        self._known = {case: need for case, need in self._everything.items() if axis in case}

    def estimate(self, case: Case) -> Estimate:
        """Return what `case` is expected to need."""
        known = self._known.get(case.id)
        if known is not None and known.memory is not None:
            return Estimate(known.seconds, known.memory, True, True)
        family, size = self._traits.get(f"{case.model_type}/{case.architecture or WHOLE}", UNLIKE)
        memory = self._largest.get(family, self._largest[None])
        if known is not None:
            return Estimate(known.seconds, memory, True, False)
        return Estimate(self._fit.seconds(case.check, family, size), memory, False, False)

    @cached_property
    def _traits(self) -> dict[str, tuple[str | None, float]]:
        """By model type and architecture, as in a case's ID: the family, and the parameters' part in the seconds."""
        return {
            f"{row.model_type}/{name}": (arch.family, _size(arch.parameters))
            for row in self._manifest.model_types
            for name, arch in ((WHOLE, row.architecture(None)), *zip(row.names, row.architectures, strict=True))
        }

    @cached_property
    def _fit(self) -> _Fit:
        return _Fit.of(self._known or self._everything, self._traits)

    @cached_property
    def _largest(self) -> dict[str | None, int]:
        """The largest memory by family, and, under None, of all."""
        largest: dict[str | None, int] = {}
        for case, need in self._known.items():
            if need.memory is not None:
                family, _ = self._traits.get(case.rpartition("/")[0], UNLIKE)
                if need.memory > largest.get(family, 0):
                    largest[family] = need.memory
        return {**largest, None: max(largest.values(), default=USUAL_MEMORY)}


@dataclass(frozen=True)
class _Fit:
    """Seconds of a case without the part of its parameters: medians by check and family, by check, and of all."""

    medians: Mapping[tuple[str | None, ...], float]
    scale: float  # medians leave out what is slow: so much more all of them take together

    @classmethod
    def of(cls, known: Mapping[str, Need], traits: Mapping[str, tuple[str | None, float]]) -> _Fit:
        like: dict[tuple[str | None, ...], list[float]] = defaultdict(list)
        sizes: dict[tuple[str | None, ...], float] = defaultdict(float)
        for case, need in known.items():
            architecture, _, rest = case.rpartition("/")
            family, size = traits.get(architecture, UNLIKE)
            key = rest.partition("[")[0], family
            like[key].append(need.seconds / size)
            sizes[key] += size
        medians = {key: median(seconds) for key, seconds in like.items()}
        estimated = math.fsum(medians[key] * size for key, size in sizes.items())
        for check in {check for check, _ in like}:
            medians[check,] = median(chain.from_iterable(seconds for key, seconds in like.items() if key[0] == check))
        if like:
            medians[()] = median(chain.from_iterable(like.values()))
        took = math.fsum(need.seconds for need in known.values())
        return cls(medians, took / estimated if estimated else 1.0)

    def seconds(self, check: str | None, family: str | None, size: float) -> float:
        for key in ((check, family), (check,), ()):
            if key in self.medians:
                return self.medians[key] * size * self.scale
        return SECONDS.get(check, USUAL_SECONDS) * size


def _measured(requirements: Requirements, runner: str) -> dict[str, Need]:
    """Return what was measured on `runner`, and what only others know of the same cases, at its speed."""
    own = requirements.needs(runner)
    needs = dict(own)
    for other in sorted(requirements.runners.keys() - {runner}):
        theirs = requirements.needs(other)
        both = [own[case].seconds / need.seconds for case, need in theirs.items() if case in own and need.seconds > 0]
        ratio = median(both) if both else 1.0
        for case, need in theirs.items():
            needs.setdefault(case, Need(need.seconds * ratio, need.memory))
    return needs


def _size(parameters: int | None) -> float:
    return math.pow((parameters or USUAL_PARAMETERS) / USUAL_PARAMETERS, EXPONENT)
