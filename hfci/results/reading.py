"""Records files become results: the latest record of every case, and a count of what is torn, missing or superseded.

The files are streamed, each time anew: what is kept of a record in memory is where it lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from hfci.errors import NothingToDo, UsageError
from hfci.testing.outcomes import Outcome
from hfci.testing.records import PATTERN, SCHEMA, Header, Record

__all__ = ["Results", "read_results", "records_files"]

# From each older schema to the next: what the header said then, as it is said now. Records have only gained fields
# that may be left out.
MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda head: {**head, "schema": 2, "names": None, "checks": None},
}

OUTCOMES = tuple(Outcome)
_RECORDS = msgspec.json.Decoder(Record)


@dataclass(frozen=True)
class Results:
    """The records of one or several runs; iterating reads them from their files, oldest run first.

    - `headers`: of each file, in that order
    - `torn`: last lines that were cut off
    - `missing`: records that a header promises and its file lacks, beyond those that `absent` names
    - `superseded`: records of cases that a later attempt or run has too
    - `unsteady`: cases that ended differently in two attempts of one run
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
        for offset, record in _records(path):
            if record is not None and self.places[record.case] >> 4 == _place(part, offset) >> 4:
                yield record

    @property
    def runs(self) -> tuple[str, ...]:
        """The IDs of the runs, the oldest first."""
        return tuple(dict.fromkeys(head.run for head in self.headers))

    def of_run(self, run: str) -> Results:
        """Return the results of one of the runs alone; those of the only one are these."""
        if self.runs == (run,):
            return self
        return _index([(head, path) for head, path in zip(self.headers, self.files, strict=True) if head.run == run])

    def lacking(self, absent: Iterable[Record]) -> Results:
        """Return the results with these records of what has not run; they account for missing ones."""
        absent = tuple(record for record in absent if record.case not in self.places)
        return replace(self, absent=(*self.absent, *absent), missing=max(0, self.missing - len(absent)))

    def settled(self, records: Iterable[Record]) -> Results:
        """Return the results with these records of what needed no job."""
        return replace(self, absent=(*self.absent, *(record for record in records if record.case not in self.places)))


def read_results(paths: Iterable[Path], run: str | None = None) -> Results:
    """Read files, and folders with everything below them; with `run`, only what is of that run, be it nothing.

    Raises NothingToDo where there is no records file and no run is named; UsageError for a schema that this hfci does
    not read, a line that is no record, two records of a case in one file, or two different files of one attempt.
    """
    parts: dict[tuple[str, int | None, int], tuple[Header, Path]] = {}
    torn = 0
    for path in records_files(paths, needed=run is None):
        head = _header(path)
        if head is None:
            torn += 1
            continue
        if run not in (None, head.run):
            continue
        _, known = parts.setdefault((head.run, head.shard, head.attempt), (head, path))
        if _digest(known) != _digest(path):
            raise UsageError(f"{known} and {path} differ, and are of the same attempt of run {head.run}; which is it?")
    found = _index(list(parts.values()))
    # A file that was cut off in its header promised something: at least one record.
    return replace(found, torn=found.torn + torn, missing=found.missing + torn)


def records_files(paths: Iterable[Path], *, needed: bool = True) -> list[Path]:
    """Return the records files that `paths` are or contain, each once; if it is `needed`, there is at least one."""
    paths = list(paths)
    for path in paths:
        if not path.exists():
            raise UsageError(f"no such file or folder: {path}")
    found = {
        file.resolve(): file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob(PATTERN)))
    }
    if needed and not found:
        raise NothingToDo(f"no {PATTERN} in {', '.join(map(str, paths))}")
    return list(found.values())


def _index(parts: list[tuple[Header, Path]]) -> Results:
    """Go through every line once: is it a record, and is it the latest of its case?"""
    begun: dict[str, str] = {}
    for head, _ in parts:
        begun[head.run] = min(head.started, begun.get(head.run, head.started))
    parts = sorted(parts, key=lambda part: (begun[part[0].run], part[0].run, part[0].attempt, part[0].shard or 0))
    last = {(head.run, head.shard): index for index, (head, _) in enumerate(parts)}
    places: dict[str, int] = {}
    unsteady: set[str] = set()
    torn = missing = superseded = 0
    for part, (head, path) in enumerate(parts):
        count = 0
        for offset, record in _records(path):
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
                if parts[before][0].run == head.run and (earlier ^ place) & 0xF:
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


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _header(path: Path) -> Header | None:
    """Return the header of a file; None where it was cut off before its end."""
    where = f"{path}:1"
    with path.open("rb") as file:
        line = file.readline()
    try:
        data = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        if not line.endswith(b"\n"):
            return None
        raise UsageError(f"{where} is not JSON: {error}") from error
    if not isinstance(data, dict) or "schema" not in data:
        raise UsageError(f"{where}: a records file begins with a header line")
    while (schema := data["schema"]) != SCHEMA:
        migrate = MIGRATIONS.get(schema) if isinstance(schema, int) else None
        if migrate is None:
            readable = ", ".join(map(str, (*MIGRATIONS, SCHEMA)))
            raise UsageError(f"{where}: records of schema {schema!r}; this hfci reads {readable}")
        data = migrate(data)
    try:
        return msgspec.convert(data, Header)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: no header of schema {SCHEMA}: {error}") from error


def _records(path: Path) -> Iterator[tuple[int, Record | None]]:
    """Yield each record with the offset of its line; None for a last line that was cut off."""
    with path.open("rb") as file:
        offset = len(file.readline())
        for number, line in enumerate(file, 2):
            try:
                yield offset, _RECORDS.decode(line)
            except msgspec.DecodeError as error:
                if line.endswith(b"\n"):
                    raise UsageError(f"{path}:{number} is no record of schema {SCHEMA}: {error}") from error
                yield offset, None
            offset += len(line)
