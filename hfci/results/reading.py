"""Records files become results: every case once, and a count of what is torn, missing or superseded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hfci.errors import NothingToDo, UsageError
from hfci.testing.records import SCHEMA, Record

__all__ = ["Results", "read_results", "records_files"]

PATTERN = "records-*.jsonl"
FIELDS = {field.name for field in fields(Record)}


@dataclass(frozen=True)
class Results:
    """The records of one or several runs."""

    headers: tuple[Mapping[str, Any], ...]
    records: tuple[Record, ...]  # the latest of each case
    torn: int  # last lines that were cut off
    missing: int  # records that a header promises and its file lacks
    superseded: int  # records of cases that a later run has too


@dataclass(frozen=True)
class _File:
    header: Mapping[str, Any] | None
    records: tuple[Record, ...]
    torn: int


def read_results(paths: Iterable[Path]) -> Results:
    """Read files, and folders with everything below them.

    Raises NothingToDo where there is no records file, UsageError for a schema that this hfci does not read,
    a line that is no record, or two different files of one run.
    """
    files = [_read(path) for path in records_files(paths)]
    with_header = [(file.header, file) for file in files if file.header is not None]
    ordered = sorted(with_header, key=lambda pair: (pair[0]["started"], pair[0]["run"]))
    runs: dict[str, _File] = {}
    for head, file in ordered:
        if runs.setdefault(head["run"], file) != file:
            raise UsageError(f"two files of run {head['run']} differ; a run is written once")
    latest: dict[str, Record] = {}
    for file in runs.values():
        latest.update((record.case, record) for record in file.records)
    written = sum(len(file.records) for file in runs.values())
    return Results(
        headers=tuple(file.header for file in runs.values() if file.header is not None),
        records=tuple(latest.values()),
        torn=sum(file.torn for file in files),
        missing=sum(max(0, file.header["planned"] - len(file.records)) for file in runs.values() if file.header),
        superseded=written - len(latest),
    )


def records_files(paths: Iterable[Path]) -> list[Path]:
    """Return the records files that `paths` are or contain, each once."""
    paths = list(paths)
    for path in paths:
        if not path.exists():
            raise UsageError(f"no such file or folder: {path}")
    found = {
        file.resolve(): file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob(PATTERN)))
    }
    if not found:
        raise NothingToDo(f"no {PATTERN} in {', '.join(map(str, paths))}")
    return list(found.values())


def _read(path: Path) -> _File:
    header: Mapping[str, Any] | None = None
    records: dict[str, Record] = {}
    torn = 0
    for number, line, is_whole in _lines(path):
        where = f"{path}:{number}"
        try:
            data = json.loads(line)
        except ValueError as error:
            if is_whole:
                raise UsageError(f"{where} is not JSON: {error}") from error
            torn += 1
            continue
        if header is None:
            header = _header(data, where)
        else:
            record = _record(data, where)
            records[record.case] = record
    return _File(header, tuple(records.values()), torn if header is not None else max(torn, 1))


def _lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield number, line, line.endswith(b"\n")


def _header(data: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(data, dict) or "schema" not in data:
        raise UsageError(f"{where}: a records file begins with a header line")
    if data["schema"] != SCHEMA:
        raise UsageError(f"{where}: records of schema {data['schema']!r}; this hfci reads {SCHEMA}")
    lacking = {"run", "started", "device", "planned"} - data.keys()
    if lacking:
        raise UsageError(f"{where}: the header lacks {', '.join(sorted(lacking))}")
    return data


def _record(data: Any, where: str) -> Record:
    if not isinstance(data, dict):
        raise UsageError(f"{where}: a record is an object")
    if data.keys() != FIELDS:
        wrong = ", ".join(sorted(data.keys() ^ FIELDS))
        raise UsageError(f"{where}: a record has exactly the fields of schema {SCHEMA}; missing or unknown: {wrong}")
    return Record(**data)
