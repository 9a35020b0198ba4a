"""This run against an earlier one: what is newly red, mended, gone or new, and what became slower or heavier."""

from __future__ import annotations

import functools
import hashlib
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np

from hfci.cases.outcome import EXECUTED, RED, Outcome
from hfci.cases.records import Header, Record
from hfci.cases.variant import Variant
from hfci.errors import NothingToDo
from hfci.results.differences import Difference, differences
from hfci.results.identities import Identity, identity_of
from hfci.results.noise import FLOORS, beyond_noise
from hfci.results.reading import Results

__all__ = [
    "Baseline",
    "Change",
    "Comparison",
    "Machine",
    "Observation",
    "Shift",
    "baseline_of",
    "compare_results",
    "digest",
    "lost",
    "machine_of",
]

# How a case ended that was as it should be.
GOOD = (Outcome.PASSED, Outcome.KNOWN_FAILURE, Outcome.REUSED)


# The kind of device that was asked for, and the name of the runner in the plan: machines that should have the same
# packages. None is a machine without a plan, such as a person's own.
Machine = tuple[str, str | None]


class Observation(msgspec.Struct, frozen=True):
    """How one case ended in one run.

    - `tested`: the `digest` of its fingerprint; None where it has none
    - `cause`: of what was red; None where that is unknown
    """

    outcome: Outcome
    duration_s: float = 0.0
    peak_memory_bytes: int | None = None
    model_type: str = ""
    architecture: str | None = None
    check: str | None = None
    tier: str = ""
    device: str | None = None
    tested: int | None = None
    cause: Identity | None = None


@dataclass(frozen=True)
class Baseline:
    """An earlier run: how each of its cases ended, by case ID, on which `machines` (`machine_of`), its `headers`."""

    run: str
    started: str
    commit: str | None
    observations: Mapping[str, Observation]
    machines: frozenset[Machine] = frozenset()
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True)
class Change:
    """One case that is not as it was. `before` is None where it is new; `after` and `record` where it vanished."""

    case: str
    before: Outcome | None
    after: Outcome | None
    record: Record | None


@dataclass(frozen=True)
class Shift:
    """A quantity of one case that moved: `duration_s` in seconds, `peak_memory_bytes`, or what was measured of speed.

    `since`, `commit` and `started` are of the first run at the new level, where a history says which; `evidence` is
    what speaks for it, in words.
    """

    case: str
    quantity: str
    before: float
    after: float
    since: str | None = None
    commit: str | None = None
    started: str | None = None
    evidence: str = ""


@dataclass(frozen=True)
class Comparison:
    """What changed since `baseline`.

    - `failing`: red now, and not then
    - `fixed`: red then, executed now and not red
    - `unavailable`, `inapplicable`: good then, and so now: no longer tested
    - `vanished`: in the baseline and in this run's scope, and not in this run
    - `added`: not in the baseline
    - `slower`, `heavier`: beyond what noise explains, the worst first
    - `causes`: of what is fixed, by case: what was wrong with it, where that is known
    - `touched`: of what is red, by case: whether it depends on something that changed; what is unknown is not there
    - `differences`: what is not as it was: packages, processor, threads, commit
    """

    baseline: Baseline
    failing: tuple[Change, ...] = ()
    fixed: tuple[Change, ...] = ()
    unavailable: tuple[Change, ...] = ()
    vanished: tuple[Change, ...] = ()
    added: tuple[Change, ...] = ()
    slower: tuple[Shift, ...] = ()
    heavier: tuple[Shift, ...] = ()
    inapplicable: tuple[Change, ...] = ()
    causes: Mapping[str, Identity] = field(default_factory=dict)
    touched: Mapping[str, bool] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()

    @property
    def is_red(self) -> bool:
        """Whether something newly broke, or is gone."""
        return bool(self.failing or self.vanished)


def baseline_of(results: Results) -> Baseline:
    """Return what `results` say, to be compared with; of several runs, under the name of the newest.

    Raises NothingToDo where they have no run.
    """
    if not results.runs:
        raise NothingToDo("the baseline's records hold no run: each file was cut off in its first line")
    newest = [head for head in results.headers if head.run == results.runs[-1]]
    observations = {record.case: _observation(record) for record in results}
    machines = frozenset(map(machine_of, newest))
    started = min(head.started for head in newest)
    return Baseline(newest[0].run, started, newest[0].commit, observations, machines, tuple(newest))


def machine_of(head: Header) -> Machine:
    """Return on which kind of machine a file of records was made."""
    return _kind(head.device), head.runner


def lost(results: Results, baseline: Baseline) -> dict[str, str]:
    """Return the cases that are unavailable now, and were executed in `baseline` on the same kind of machine, and why.

    A package that is gone, or a release that wants another one, must not take them out of the tests in silence.
    """
    before = {case for case, earlier in baseline.observations.items() if earlier.outcome in (*EXECUTED, Outcome.REUSED)}
    why = f"executed in run {baseline.run}, on the same kind of machine"
    return {
        record.case: why
        for head, records in results.parts()
        if machine_of(head) in baseline.machines
        for record in records
        if record.outcome == Outcome.UNAVAILABLE and record.case in before
    }


def compare_results(results: Results, baseline: Baseline) -> Comparison:
    """Compare `results` with `baseline`, in one pass over their records."""
    by_kind: dict[str, list[Change]] = {name: [] for name in _CHANGES}
    pairs = _Pairs()
    scope = _Scope(results.headers)
    touched: dict[str, bool] = {}
    seen: set[str] = set()
    for record in results:
        seen.add(record.case)
        scope.add(record)
        earlier = baseline.observations.get(record.case)
        before = earlier.outcome if earlier is not None else None
        for name in _changes(before, record.outcome):
            by_kind[name].append(Change(record.case, before, record.outcome, record))
        if earlier is not None and record.outcome in RED and None not in (record.fingerprint, earlier.tested):
            touched[record.case] = digest(record.fingerprint or "") != earlier.tested
        if earlier is not None and before in EXECUTED and record.outcome in EXECUTED:
            pairs.add(record.case, earlier, record)
    vanished = (
        Change(case, earlier.outcome, None, None)
        for case, earlier in baseline.observations.items()
        if case not in seen and scope.covers(case, earlier)
    )
    return Comparison(
        baseline=baseline,
        vanished=tuple(vanished),
        slower=pairs.shifts("duration_s"),
        heavier=pairs.shifts("peak_memory_bytes"),
        causes={
            change.case: cause
            for change in by_kind["fixed"]
            if (cause := baseline.observations[change.case].cause) is not None
        },
        touched=touched,
        differences=differences(baseline.headers, [head for head in results.headers if head.run == results.runs[-1]]),
        **{name: tuple(changes) for name, changes in by_kind.items()},
    )


# What a change of outcome is called.
_CHANGES: Mapping[str, Callable[[Outcome | None, Outcome], bool]] = {
    "failing": lambda before, after: after in RED and before not in RED,
    "fixed": lambda before, after: before in RED and after in (Outcome.PASSED, Outcome.KNOWN_FAILURE),
    "unavailable": lambda before, after: before in GOOD and after == Outcome.UNAVAILABLE,
    "inapplicable": lambda before, after: before in GOOD and after == Outcome.NOT_APPLICABLE,
    "added": lambda before, _: before is None,
}


@functools.cache
def _changes(before: Outcome | None, after: Outcome) -> tuple[str, ...]:
    return tuple(name for name, holds in _CHANGES.items() if holds(before, after))


def _observation(record: Record) -> Observation:
    return Observation(
        outcome=record.outcome,
        duration_s=record.duration_s,
        peak_memory_bytes=record.peak_memory_bytes,
        model_type=record.model_type,
        architecture=record.architecture,
        check=record.check,
        tier=record.tier,
        device=record.device,
        tested=digest(record.fingerprint) if record.fingerprint is not None else None,
        cause=identity_of(record) if record.outcome in RED else None,
    )


def digest(text: str) -> int:
    """Return 32 bits of a text: by these a history knows a fingerprint."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest())


class _Pairs:
    """The quantities of the cases that were executed in both runs: plain numbers, since there may be many."""

    def __init__(self) -> None:
        self._cases: list[str] = []
        self._values = array("d")  # of each case what it took before and now, then its memory before and now

    def add(self, case: str, before: Observation, after: Record) -> None:
        """Take in a case."""
        self._cases.append(case)
        memory = before.peak_memory_bytes or 0, after.peak_memory_bytes or 0
        self._values.extend((before.duration_s, after.duration_s, *memory))

    def shifts(self, quantity: str) -> tuple[Shift, ...]:
        """Return the cases in which both runs measured a quantity that moved beyond noise, the worst first."""
        place = ("duration_s", "peak_memory_bytes").index(quantity)
        both = np.array(self._values).reshape(-1, 2, 2)[:, place]
        (known,) = np.nonzero((both > 0).all(axis=1))
        before, after = both[known].T
        return tuple(
            Shift(self._cases[known[i]], quantity, float(before[i]), float(after[i]))
            for i in beyond_noise(before, after, FLOORS[quantity])
        )


class _Scope:
    """What this run was asked for, by its headers and by what it recorded."""

    def __init__(self, headers: Iterable[Header]) -> None:
        self.headers = tuple({_asked(head): head for head in headers}.values())
        self._needs_variants = any(head.checks is None for head in self.headers)
        self.tiers: set[str] = set()
        self.variants: set[str] = set()
        self.model_types: set[str] = set()
        self.architectures: set[tuple[str, str | None]] = set()

    def add(self, record: Record) -> None:
        """Take in a record of this run."""
        self.tiers.add(record.tier)
        if self._needs_variants:
            self.variants.add(str(Variant.of_case(record.case)))
        self.model_types.add(record.model_type)
        self.architectures.add((record.model_type, record.architecture))

    def covers(self, case: str, earlier: Observation) -> bool:
        """Tell whether this run should have had the case of this ID, which ended as `earlier`.

        A run of some names is held only to the architectures that it has; one of some checks only to these. What is
        unknown, in records of schema 1, is what the run has. A model type's row without a check gives way to its cases.
        """
        is_here = (earlier.model_type, earlier.architecture) in self.architectures
        if earlier.check is None and earlier.model_type in self.model_types:
            return False
        variant = Variant.of_case(case)
        return any(
            earlier.tier in (self.tiers if head.tier is None else (head.tier,))
            and _kind(earlier.device) == _kind(head.device)
            and (head.checks == () or variant.is_among(self.variants if head.checks is None else head.checks))
            and (head.names == () or is_here)
            for head in self.headers
        )


def _asked(head: Header) -> tuple[object, ...]:
    return head.tier, _kind(head.device), head.names, head.checks


def _kind(device: str | None) -> str:
    """Return the kind of a device: a case that was asked to run on `cuda` says `cuda:0`."""
    return (device or "cpu").partition(":")[0]
