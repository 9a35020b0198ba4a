"""Reading records: the one reader, for planning as for reporting.

It is strict: what it cannot read is an error, since whoever went on without it would take an older record for the
latest. Only what a killed run leaves behind, a last line that was cut off, is passed over and counted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from hfci.cases.records import PATTERN, SCHEMA, Header, Record
from hfci.confined import inside
from hfci.errors import NothingToDo, UsageError
from hfci.parsing import UNREADABLE, Upgrades, decode

__all__ = ["Part", "find_files", "find_parts", "open_file", "parse_header", "read_lines", "read_records"]

# From each older schema to the next: what the header said then, as it is said now. Records have only gained fields
# that may be left out.
UPGRADES: Upgrades = {
    1: lambda head: {**head, "schema": 2, "names": None, "checks": None},
    2: lambda head: {**head, "schema": 3, "variables": None},
    3: lambda head: {**head, "schema": 4, "packages": None},
    4: lambda head: {**head, "schema": 5},
    5: lambda head: {**head, "schema": 6},
    6: lambda head: {**head, "schema": 7},
    7: lambda head: {**head, "schema": 8},
}

T = TypeVar("T")

_RECORDS = msgspec.json.Decoder(Record)


class Part(NamedTuple):
    """One file of records: what it is about, and where it lies."""

    head: Header
    path: Path


def find_parts(paths: Iterable[Path], run: str | None = None, *, needed: bool = True) -> tuple[list[Part], int]:
    """Return the records files that `paths` are or contain, the oldest run first, and how many have no whole header.

    Of identical copies there is one; with `run`, only what is of that run. Raises NothingToDo where there is no file
    and one is `needed`; UsageError for what cannot be read, for a path that is not there, and for two different files
    of one attempt.
    """
    paths = list(paths)
    files = {file.resolve(): file for file in find_files(paths, PATTERN)}
    if needed and not files:
        raise NothingToDo(f"no {PATTERN} in {', '.join(map(str, paths))}")
    parts: dict[tuple[str, int | None, int], Part] = {}
    torn = 0
    for path in files.values():
        head = _header(path)
        if head is None:
            torn += 1
            continue
        if run not in (None, head.run):
            continue
        known = parts.setdefault((head.run, head.shard, head.attempt), Part(head, path)).path
        if known != path and _digest(known) != _digest(path):
            raise UsageError(f"{known} and {path} differ, and are of the same attempt of run {head.run}; which is it?")
    begun: dict[str, str] = {}
    for head, _ in parts.values():
        begun[head.run] = min(head.started, begun.get(head.run, head.started))
    ordered = sorted(
        parts.values(), key=lambda part: (begun[part.head.run], part.head.run, part.head.attempt, part.head.shard or 0)
    )
    return ordered, torn


def read_records(path: Path) -> Iterator[tuple[int, Record | None]]:
    """Yield each record with the offset of its line; None for a last line that was cut off.

    Raises UsageError for a line that is no record.
    """
    return read_lines(path, _RECORDS, f"is no record of schema {SCHEMA}")


def read_lines(path: Path, decoder: msgspec.json.Decoder[T], wrong: str) -> Iterator[tuple[int, T | None]]:
    """Yield what each line after the header says, with the offset of the line; None for a last one that was cut off.

    Raises UsageError for a line that `decoder` refuses, of which it says that it is `wrong`.
    """
    with open_file(path) as file:
        offset = len(file.readline())
        for number, line in enumerate(file, 2):
            try:
                yield offset, decoder.decode(line)
            except UNREADABLE as error:
                if line.endswith(b"\n"):
                    raise UsageError(f"{path}:{number} {wrong}: {error}") from error
                yield offset, None
            offset += len(line)


def find_files(paths: Iterable[Path], pattern: str) -> Iterator[Path]:
    """Yield the files that `paths` are, and those below folders whose names match `pattern`.

    Raises UsageError for a path that is not there, or is nothing that can be read.
    """
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path, onerror=_refuse):
                folders.sort()
                matches = (Path(folder, name).relative_to(path) for name in sorted(names) if Path(name).match(pattern))
                yield from (_file(inside(path, name)) for name in matches)
        elif path.exists():
            yield _file(path)
        else:
            raise UsageError(f"no such file or folder: {path}")


def _file(path: Path) -> Path:
    """Return the path of a file; a pipe would never end, and a link that leads nowhere has lost what it was for."""
    if not path.is_file():
        raise UsageError(f"{path} is no file that can be read: remove it, or name the files that count")
    return path


def _refuse(error: OSError) -> None:
    raise UsageError(f"cannot look for records in {error.filename}: {error.strerror}") from error


def open_file(path: Path) -> BufferedReader:
    """Open a file of records; UsageError where it cannot be read."""
    try:
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"cannot read the records {path}: {error.strerror}") from error


def _digest(path: Path) -> bytes:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").digest()


def _header(path: Path) -> Header | None:
    """Return the header of a file; None where it was cut off before its end."""
    with open_file(path) as file:
        line = file.readline()
    return None if not line.endswith(b"\n") and not _is_json(line) else parse_header(line, f"{path}:1")


def parse_header(line: bytes, where: str) -> Header:
    """Return the header in a line of JSON, of this schema or an earlier one; UsageError if it is none."""
    return decode(line, Header, "header of records", where, schema=SCHEMA, upgrades=UPGRADES)


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except UNREADABLE:
        return False
    return True
