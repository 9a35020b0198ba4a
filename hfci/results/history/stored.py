"""The rows of a history's runs: read, written, forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfci.cases.reading import parse_header
from hfci.errors import UsageError
from hfci.results.history.columns import LAYOUT, SPEEDS, Columns, decode, decode_cases, encode
from hfci.results.history.flakes import WINDOW
from hfci.results.history.ingestion import Part, Run, scope_of
from hfci.results.history.runs import Point

__all__ = [
    "StoredRun",
    "drop_unused",
    "find_run",
    "forget_identities",
    "has_column",
    "read_column",
    "read_columns",
    "read_parts",
    "read_runs",
    "read_speeds",
    "write_details",
    "write_run",
]


@dataclass(frozen=True)
class StoredRun:
    """A run of the history; `number` is None where it is not in it yet."""

    number: int | None
    point: Point
    scope: str

    @property
    def asked(self) -> object:
        """The tiers and devices that were asked for."""
        return json.loads(self.scope)[0]

    @property
    def is_whole(self) -> bool:
        """Whether everything was asked for: no names, no checks."""
        _, names, checks = json.loads(self.scope)
        return bool(names == checks == [[]])


def find_run(connection: Connection, name: str) -> int | None:
    """Return the number of the run of that ID; None where there is none."""
    row = connection.execute("SELECT id FROM runs WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def read_runs(connection: Connection, branch: str | None = None) -> list[StoredRun]:
    """Return the runs, of one branch or all, the oldest first."""
    rows = connection.execute("SELECT id, point, scope, branch FROM runs ORDER BY started, name")
    return [
        StoredRun(number, msgspec.json.decode(point, type=Point), scope)
        for number, point, scope, of_branch in rows
        if branch is None or of_branch == branch
    ]


def read_parts(connection: Connection, run: int | None) -> list[Part]:
    """Return the parts of a run by their numbers, of which the first is 1; none of no run."""
    rows = connection.execute("SELECT header, digest, recorded FROM parts WHERE run = ? ORDER BY number", (run,))
    return [Part(parse_header(header, "what the history holds of a run"), *rest) for header, *rest in rows]


def read_columns(connection: Connection, run: int) -> Columns:
    """Return all columns of a run."""
    return {name: read_column(connection, run, name) for name in LAYOUT}


def read_speeds(connection: Connection, run: int) -> Columns:
    """Return what a run measured of speeds; nothing where it measured none, or an older hfci added it."""
    query = "SELECT name, data FROM columns WHERE run = ? AND name LIKE 'speed_%'"
    found = {name: decode(name, data) for name, data in connection.execute(query, (run,)) if name in SPEEDS}
    if found and found.keys() != SPEEDS.keys():
        raise UsageError(f"this history is damaged: it lacks columns of speeds of run {run}; restore a copy")
    return found or {name: np.zeros(0, kind) for name, kind in SPEEDS.items()}


def has_column(connection: Connection, run: int, name: str) -> bool:
    """Tell whether the history has a column of a run: it may be too old for it."""
    query = "SELECT 1 FROM columns WHERE run = ? AND name = ?"
    return connection.execute(query, (run, name)).fetchone() is not None


def read_column(connection: Connection, run: int, name: str) -> NDArray[Any]:
    """Return one column of a run; UsageError where the history lacks it or it is damaged."""
    row = connection.execute("SELECT data FROM columns WHERE run = ? AND name = ?", (run, name)).fetchone()
    if row is not None:
        return decode_cases(row[0]) if name == "case" else decode(name, row[0])
    if name == "cause":  # an older hfci added the run
        return np.zeros(len(read_column(connection, run, "case")), LAYOUT[name])
    if name != "identity":
        raise UsageError(f"this history is damaged: it lacks the column {name} of run {run}; restore a copy")
    # Too old to tell flakes by: equal to no other run's.
    return np.full(len(read_column(connection, run, "case")), run, LAYOUT[name])


def write_run(
    connection: Connection,
    number: int | None,
    point: Point,
    parts: Sequence[Part],
    columns: Columns,
    speeds: Columns,
) -> int:
    """Write a run, over what is there of it under its number; return the number."""
    scope = scope_of([part.header for part in parts])
    row = (point.run, point.started, point.branch, scope, msgspec.json.encode(point).decode())
    if number is None:
        number = connection.execute("INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?)", row).lastrowid
        assert number is not None
    else:
        update = "UPDATE runs SET name = ?, started = ?, branch = ?, scope = ?, point = ? WHERE id = ?"
        connection.execute(update, (*row, number))
    connection.executemany(
        "INSERT OR IGNORE INTO parts VALUES (?, ?, ?, ?, ?)",
        [(number, i, part.digest, part.recorded, msgspec.json.encode(part.header)) for i, part in enumerate(parts, 1)],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO columns VALUES (?, ?, ?)",
        [(number, name, encode(name, column)) for name, column in {**columns, **speeds}.items()],
    )
    return number


def write_details(connection: Connection, number: int, run: Run, columns: Columns) -> None:
    """Write what cases said; `columns` are all of the run, of which `run` was added.

    Where an earlier attempt comes later, what the latest one said stays.
    """
    cases = np.array([detail.case for detail in run.details], LAYOUT["case"])
    added, now = (of["part"][np.searchsorted(of["case"], cases)] for of in (run.columns, columns))
    for detail, is_latest in zip(run.details, added == now, strict=True):
        insert = "INSERT OR REPLACE" if is_latest else "INSERT OR IGNORE"
        connection.execute(f"{insert} INTO details VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (number, *detail))


def forget_identities(connection: Connection) -> None:
    """Drop, beyond the window of flakes, what only flakes need and is the largest column where commits are many."""
    connection.execute(
        "DELETE FROM columns WHERE name = 'identity' AND run IN (SELECT id FROM (SELECT id,"
        " row_number() OVER (PARTITION BY branch ORDER BY started DESC, name DESC) AS age FROM runs) WHERE age > ?)",
        (WINDOW,),
    )


def drop_unused(connection: Connection) -> int:
    """Drop the cases that no run has, and return how many they were; and the subjects that no case has."""
    cases = np.array([number for (number,) in connection.execute("SELECT id FROM cases")], dtype=np.int64)
    used = np.zeros(cases.max(initial=0) + 1, np.bool_)
    for (data,) in connection.execute("SELECT data FROM columns WHERE name = 'case'"):
        used[decode_cases(data)] = True
    unused = cases[~used[cases]].tolist()
    connection.executemany("DELETE FROM cases WHERE id = ?", [(number,) for number in unused])
    connection.execute("DELETE FROM subjects WHERE id NOT IN (SELECT subject FROM cases)")
    return len(unused)
