"""The compatibility map: which model type works on which transformers, torch and Python, by the records of many runs.

What was not run is not known, and stands there as not run; what a release does not have yet, the wheels say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from packaging.version import InvalidVersion, Version

from hfci.cases.outcome import EXECUTED, Outcome
from hfci.cases.records import Header, Record
from hfci.errors import UsageError
from hfci.parsing import UNREADABLE, Filled
from hfci.releases.first_releases import first_release, read_first_releases
from hfci.results.reading import Results
from hfci.results.text import first_line

__all__ = [
    "Combination",
    "Compatibility",
    "FirstBad",
    "ModelTypeCompatibility",
    "State",
    "compatibility_of",
    "read_expected",
]


class State(StrEnum):
    """How a model type is on one combination of versions."""

    WORKS = "works"
    PARTLY = "partly"
    FAILS = "fails"
    ABSENT = "not there"
    UNAVAILABLE = "unavailable"
    NOT_APPLICABLE = "not applicable"
    NOT_RUN = "not run"


MEANING = {
    State.WORKS: "every case that ran passed",
    State.PARTLY: "some cases passed, some failed",
    State.FAILS: "no case passed",
    State.ABSENT: "this release does not have it",
    State.UNAVAILABLE: "it wants a package that was not installed",
    State.NOT_APPLICABLE: "it has nothing to test",
    State.NOT_RUN: "nobody knows",
}

BAD = (State.PARTLY, State.FAILS)


class Combination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Versions that ran together, and the newest run of them; `reason` says why there is none."""

    transformers: Filled
    torch: Filled
    python: Filled
    run: str | None = None
    tiers: tuple[str, ...] = ()
    reason: str | None = None

    def __str__(self) -> str:
        """Return the versions in words."""
        return f"transformers {self.transformers}, torch {self.torch}, Python {self.python}"

    @property
    def versions(self) -> tuple[str, str, str]:
        """Its versions; of torch without how it was built, of Python without its patch."""
        torch, python = self.torch.partition("+")[0], ".".join(self.python.split(".")[:2])
        return self.transformers, torch, python


class FirstBad(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The oldest combination on which something of a model type fails: its place in the list, a case, why."""

    combination: Annotated[int, msgspec.Meta(ge=0)]
    case: str
    reason: str


class ModelTypeCompatibility(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model type.

    - `since`: the first release that has it; None where the oldest that is known had it already
    - `works_from`, `works_until`: the oldest and the newest release on which it worked on each combination that ran
    - `states`: on each combination, in their order
    """

    model_type: str
    since: str | None
    works_from: str | None
    works_until: str | None
    first_bad: FirstBad | None
    states: tuple[State, ...]


class Compatibility(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The map; `known_since` is the release whose model types have no `since`."""

    schema: Literal[1] = 1
    known_since: str
    combinations: tuple[Combination, ...]
    model_types: tuple[ModelTypeCompatibility, ...]

    @property
    def ran(self) -> tuple[int, ...]:
        """The places of the combinations that ran."""
        return tuple(place for place, one in enumerate(self.combinations) if one.run is not None)

    @property
    def not_run(self) -> dict[str, list[Combination]]:
        """Why they did not run, nothing where nobody says → the other combinations."""
        found: dict[str, list[Combination]] = {}
        for one in self.combinations:
            if one.run is None:
                found.setdefault(one.reason or "", []).append(one)
        return found

    def counts(self, place: int) -> dict[State, int]:
        """Return how many model types are in each state on a combination, none left out."""
        counted = dict.fromkeys(State, 0)
        for row in self.model_types:
            counted[row.states[place]] += 1
        return {state: count for state, count in counted.items() if count}


@dataclass
class _Seen:
    """What the records of one combination say of a model type."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    bad: tuple[str, str] | None = None

    @property
    def state(self) -> State:
        found = set(self.outcomes.values())
        passed = bool(found & {Outcome.PASSED, Outcome.REUSED})
        if found & {*EXECUTED} - {Outcome.PASSED}:
            return State.PARTLY if passed else State.FAILS
        if passed:
            return State.WORKS
        if Outcome.NOT_RUN in found:
            return State.NOT_RUN
        return State.UNAVAILABLE if Outcome.UNAVAILABLE in found else State.NOT_APPLICABLE


def compatibility_of(
    results: Results, expected: Iterable[Combination] = (), model_types: Iterable[str] = ()
) -> Compatibility:
    """Return the map of all runs in `results`; of what was `expected` and has no record it says so.

    A row have all that were run, all that came after the oldest release that is known, and `model_types`.
    """
    seen: dict[tuple[str, str, str], dict[str, _Seen]] = {}
    about: dict[tuple[str, str, str], Combination] = {}
    for run in results.runs:
        part = results.of_run(run)
        combination = _combination(part.headers)
        key = combination.versions
        tiers = (*about[key].tiers, *combination.tiers) if key in about else combination.tiers
        about[key] = msgspec.structs.replace(combination, tiers=tuple(dict.fromkeys(tiers)))
        for record in part:
            _take(seen.setdefault(key, {}).setdefault(record.model_type, _Seen()), record)
    for one in expected:
        about.setdefault(one.versions, one)
    ordered = sorted(about.values(), key=_order)
    every = sorted({name for rows in seen.values() for name in rows} | _known() | {*model_types}, key=_alphabetically)
    by_place = [seen.get(one.versions, {}) for one in ordered]
    return Compatibility(
        known_since=str(read_first_releases().since),
        combinations=tuple(ordered),
        model_types=tuple(_row(name, ordered, by_place) for name in every),
    )


def read_expected(path: Path) -> tuple[Combination, ...]:
    """Read a list of combinations, such as `hfci compatibility --matrix` prints; UsageError for what is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Combination, ...])
    except (OSError, *UNREADABLE) as error:
        raise UsageError(f"{path} is no list of combinations: {error}") from error


def _take(seen: _Seen, record: Record) -> None:
    seen.outcomes[record.case] = record.outcome
    if record.outcome in (Outcome.FAILED, Outcome.KNOWN_FAILURE) and seen.bad is None:
        said = f"{record.error.type}: {record.error.message}" if record.error is not None else record.reason or ""
        seen.bad = record.case, first_line(said)


def _combination(headers: Sequence[Header]) -> Combination:
    first = headers[0]
    versions = {name: first.versions.get(name) or "unknown" for name in ("transformers", "torch", "python")}
    return Combination(
        **versions, run=first.run, tiers=tuple(dict.fromkeys(head.tier for head in headers if head.tier is not None))
    )


def _row(name: str, combinations: Sequence[Combination], seen: Sequence[Mapping[str, _Seen]]) -> ModelTypeCompatibility:
    since = first_release(name)
    states = tuple(
        rows[name].state if name in rows else _unseen(one, since) for one, rows in zip(combinations, seen, strict=True)
    )
    ran: dict[str, set[State]] = {}
    for one, state in zip(combinations, states, strict=True):
        if state in (State.WORKS, *BAD):
            ran.setdefault(one.transformers, set()).add(state)
    works = [version for version, found in ran.items() if found == {State.WORKS}]
    bad = next((place for place, state in enumerate(states) if state in BAD), None)
    told = seen[bad][name].bad if bad is not None else None
    return ModelTypeCompatibility(
        model_type=name,
        since=since,
        works_from=works[0] if works else None,
        works_until=works[-1] if works else None,
        first_bad=FirstBad(combination=bad, case=told[0], reason=told[1]) if bad is not None and told else None,
        states=states,
    )


def _unseen(combination: Combination, since: str | None) -> State:
    return State.ABSENT if since is not None and _number(combination.transformers) < Version(since) else State.NOT_RUN


def _alphabetically(name: str) -> tuple[str, str]:
    return name.casefold(), name


def _known() -> set[str]:
    return {name for row in read_first_releases().release for name in row.model_types}


def _order(combination: Combination) -> tuple[Version, ...]:
    return tuple(map(_number, combination.versions))


def _number(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")
