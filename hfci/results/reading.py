"""Records files become results: the latest record of every case, and a count of what is torn, missing or superseded.

The files are streamed, each time anew: what is kept of a record in memory is where it lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from hfci.cases.outcome import Outcome
from hfci.cases.reading import Part, find_parts, read_records
from hfci.cases.records import Header, Record
from hfci.errors import UsageError

__all__ = ["Results", "read_results"]

OUTCOMES = tuple(Outcome)


@dataclass(frozen=True)
class Results:
    """The records of one or several runs; iterating reads them from their files, oldest run first.

    - `headers`: of each file, in that order
    - `torn`: last lines that were cut off
    - `missing`: records that a header announces and its file lacks, beyond those that `absent` names
    - `superseded`: records of cases that a later attempt or run has too
    - `unsteady`: cases that ended differently in two attempts of one run
    - `lost`: cases that are `not-run` although their records say `unavailable`, each with the reason
    - `quarantined`: cases whose records say `failed` and that are flaky, each with the reason
    - `left_out`: by model type, how many cases a budget had no time for; nobody planned them
    - `absent`: records of cases that no job recorded: `not-run` though they were expected, or settled without one
    """

    headers: tuple[Header, ...]
    torn: int
    missing: int
    superseded: int
    unsteady: frozenset[str]
    files: tuple[Path, ...]
    places: Mapping[str, int]
    absent: tuple[Record, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)
    quarantined: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Record]:
        """Yield the latest record of each case, then those that are absent."""
        for _, records in self.parts():
            yield from records
        yield from self.absent

    def __len__(self) -> int:
        """Return how many cases there are."""
        return len(self.places) + len(self.absent)

    def __contains__(self, case: object) -> bool:
        """Tell whether somebody recorded the case of this ID."""
        return case in self.places

    def parts(self) -> Iterator[tuple[Header, Iterator[Record]]]:
        """Yield each file's header, with those of its records that are the latest of their case."""
        for part, (head, path) in enumerate(zip(self.headers, self.files, strict=True)):
            yield head, self._latest(part, path)

    def _latest(self, part: int, path: Path) -> Iterator[Record]:
        is_judged = bool(self.lost or self.quarantined)
        begin, places, is_every = _place(part, 0) >> 4, self.places, not self.superseded
        for offset, record in read_records(path):
            if record is not None and (is_every or places[record.case] >> 4 == begin | offset):
                yield self._judged(record) if is_judged else record

    def _judged(self, record: Record) -> Record:
        outcome, why = Outcome.NOT_RUN, self.lost.get(record.case)
        if why is None:
            outcome, why = Outcome.QUARANTINED, self.quarantined.get(record.case)
        if why is None:
            return record
        reason = "; ".join(filter(None, (record.reason, why)))
        return msgspec.structs.replace(record, outcome=outcome, reason=reason)

    @property
    def runs(self) -> tuple[str, ...]:
        """The IDs of the runs, the oldest first."""
        return tuple(dict.fromkeys(head.run for head in self.headers))

    def of_run(self, run: str) -> Results:
        """Return the results of one of the runs alone; those of the only one are these."""
        if self.runs == (run,):
            return self
        parts = map(Part, self.headers, self.files)
        return _index([part for part in parts if part.head.run == run])

    def lacking(self, absent: Iterable[Record]) -> Results:
        """Return the results with these records of what has not run; they account for missing ones."""
        absent = tuple(record for record in absent if record.case not in self.places)
        return replace(self, absent=(*self.absent, *absent), missing=max(0, self.missing - len(absent)))

    def losing(self, lost: Mapping[str, str]) -> Results:
        """Return the results in which these cases are `not-run`, each for the reason given."""
        return replace(self, lost={**self.lost, **lost})

    def quarantining(self, quarantined: Mapping[str, str]) -> Results:
        """Return the results in which these cases are `quarantined`, each for the reason given."""
        return replace(self, quarantined={**self.quarantined, **quarantined})

    def announcing(self, count: int) -> Results:
        """Return the results with so many missing records more."""
        return replace(self, missing=self.missing + count)

    def settled(self, records: Iterable[Record]) -> Results:
        """Return the results with these records of what needed no job."""
        return replace(self, absent=(*self.absent, *(record for record in records if record.case not in self.places)))


def read_results(paths: Iterable[Path], run: str | None = None) -> Results:
    """Read files, and folders with everything below them; with `run`, only what is of that run, be it nothing.

    Raises NothingToDo where there is no records file and no run is named; UsageError for what cannot be read, be it for
    a schema that this hfci does not know, two records of a case in one file, or two different files of one attempt.
    """
    parts, torn = find_parts(paths, run, needed=run is None)
    results = _index(parts)
    # A file that was cut off in its header announced something: at least one record.
    return replace(results, torn=results.torn + torn, missing=results.missing + torn)


def _index(parts: list[Part]) -> Results:
    """Go through every line once: is it a record, and is it the latest of its case?"""
    last = {(head.run, head.shard): index for index, (head, _) in enumerate(parts)}
    places: dict[str, int] = {}
    unsteady: set[str] = set()
    torn = missing = superseded = 0
    for part, (head, path) in enumerate(parts):
        count = 0
        for offset, record in read_records(path):
            if record is None:
                torn += 1
                continue
            count += 1
            earlier = places.get(record.case)
            place = _place(part, offset, record.outcome)
            if earlier is not None:
                superseded += 1
                before = _part_of(earlier)
                if before == part:
                    raise UsageError(f"{path}: two records of {record.case}; a file has one of each case")
                if parts[before].head.run == head.run and (earlier ^ place) & 0xF:
                    unsteady.add(record.case)
            places[record.case] = place
        if last[head.run, head.shard] == part:
            missing += max(0, head.planned - count)
    return Results(
        headers=tuple(head for head, _ in parts),
        torn=torn,
        missing=missing,
        superseded=superseded,
        unsteady=frozenset(unsteady),
        files=tuple(path for _, path in parts),
        places=places,
    )


# A place is one number, since there is one for every case: the file's index, the offset in it, the outcome's index.


def _place(part: int, offset: int, outcome: Outcome | None = None) -> int:
    return (part << 48 | offset) << 4 | (OUTCOMES.index(outcome) if outcome is not None else 0)


def _part_of(place: int) -> int:
    return place >> 52
