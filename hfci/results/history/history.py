"""The history: what many runs recorded, in one file that many jobs add to.

`add` keeps of each run, in one transaction, its headers, the counts of its summary, and of each case how it ended, how
long it took and how much memory it needed; 200,000 cases fit half a megabyte. Runs may come in any order, in parts, and
again: a part is known by its digest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from sqlite3 import Connection
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from hfci.errors import NothingToDo, UsageError, nearest
from hfci.results.comparison import Baseline, Observation, machine_of
from hfci.results.history.columns import LAYOUT, OUTCOMES, Columns, measured, merged
from hfci.results.history.database import PATIENCE_S, Database
from hfci.results.history.identifiers import Vocabulary
from hfci.results.history.ingestion import Part, gather, make_point, merged_speeds, parts_of, scope_of
from hfci.results.history.run_series import NewRun, RunLog
from hfci.results.history.runs import Point
from hfci.results.history.stored import (
    StoredRun,
    drop_unused,
    find_run,
    forget_identities,
    has_column,
    read_columns,
    read_parts,
    read_runs,
    read_speeds,
    write_details,
    write_run,
)
from hfci.results.history.trends import Trends, make_trends
from hfci.results.identities import Identity
from hfci.results.reading import Results

__all__ = ["Added", "Failing", "History", "News", "NoBaseline", "Pruned"]

OF_BRANCH = "branch:"


class NoBaseline(UsageError):
    """A branch has no run yet that could be a baseline."""


class News(StrEnum):
    """What a run was to the history."""

    ADDED = "added"
    EXTENDED = "extended"
    KNOWN = "known"


@dataclass(frozen=True)
class Added:
    """A run that was to be added, and what it was to the history."""

    run: str
    news: News


@dataclass(frozen=True)
class Pruned:
    """How many runs were dropped, and how many cases that no other run has."""

    runs: int
    cases: int


@dataclass(frozen=True)
class Failing:
    """What a case said in a run in which it was red, or ended differently in two attempts."""

    run: str
    started: str
    stage: str | None
    error: str | None
    message: str | None
    reason: str | None
    reproduce: str | None


class History:
    """A file of runs; a context manager.

    Every method may raise EnvironmentUnfit, where the disk is full or another process writes for too long, and
    UsageError, where the file is damaged; the history is then as it was.
    """

    def __init__(self, database: Database) -> None:
        """Take an open file; `open` opens one."""
        self._database = database

    @classmethod
    def open(cls, path: Path, create: bool = False, patience_s: float = PATIENCE_S) -> History:
        """Open the history at `path`; with `create`, begin one where there is none.

        Raises UsageError where there is none, what is there is no history, or it is one of a newer hfci.
        """
        return cls(Database.open(path, create=create, patience_s=patience_s))

    def __enter__(self) -> History:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        self._database.close()

    def add(self, results: Results) -> tuple[Added, ...]:
        """Add each run in `results`, oldest first, each wholly or not at all.

        A run that is known with all its parts is left alone; new parts extend it: of each case the latest attempt
        counts. Raises UsageError where a part is known with another content; NothingToDo where there is no run.
        """
        if not results.runs:
            raise NothingToDo("no run to add: each file was cut off in its first line")
        return tuple(self._add(run, results.of_run(run)) for run in results.runs)

    def runs(self, branch: str | None = None) -> tuple[Point, ...]:
        """Return the runs, of one branch or all, the oldest first."""
        with self._database.reading() as connection:
            return tuple(run.point for run in read_runs(connection, branch))

    def baseline(self, name: str, like: Results | None = None) -> Baseline:
        """Return the run of that ID, or for `branch:NAME` the newest green one over everything on that branch.

        With `like`, a branch's baseline is one of the tiers and devices that `like` is of. Raises UsageError, with
        the nearest names, where there is none, and its kind NoBaseline for a branch that has none yet.
        """
        with self._database.reading() as connection:
            run = _named(read_runs(connection), name, like)
            headers = tuple(part.header for part in read_parts(connection, run.number))
            machines, point = frozenset(map(machine_of, headers)), run.point
            return Baseline(point.run, point.started, point.commit, _observations(connection, run), machines, headers)

    def trends(self, branch: str | None = None, newest: Results | None = None) -> Trends:
        """Return what the runs, of one branch or all, say together; `newest` is taken as the last of them.

        Of several runs in `newest` the last one counts; one that the history has already takes its place at the end.
        """
        with self._database.reading() as connection:
            vocabulary = Vocabulary(connection)
            runs = read_runs(connection, branch)
            if newest is None or not newest.runs:
                return make_trends(RunLog(connection, vocabulary, runs))
            last = _new_run(newest.of_run(newest.runs[-1]), vocabulary)
            earlier = [run for run in runs if run.point.run != last.run.point.run]
            return make_trends(RunLog(connection, vocabulary, earlier, last))

    def versions(self, run: str) -> dict[str, str]:
        """Return the versions of what a run was executed with, by package; nothing of a run that is not there."""
        with self._database.reading() as connection:
            parts = read_parts(connection, find_run(connection, run))
        return {name: version for part in parts for name, version in part.header.versions.items() if version}

    def failings(self, case: str) -> tuple[Failing, ...]:
        """Return what a case said whenever it was red, the oldest first; nothing for a case that never was."""
        query = (
            "SELECT runs.name, started, stage, error, message, reason, reproduce FROM details"
            " JOIN cases ON cases.id = case_id JOIN runs ON runs.id = run WHERE cases.name = ? ORDER BY started, run"
        )
        with self._database.reading() as connection:
            return tuple(Failing(*row) for row in connection.execute(query, (case,)))

    def prune(self, *, keep_days: int | None = None, keep_runs: int | None = None) -> Pruned:
        """Drop the runs that are older than `keep_days`, or not among the newest `keep_runs`; then shrink the file.

        Whatever is a baseline stays: the newest green run of each branch, and the newest green one over everything
        of each tier and device there. Raises UsageError where neither limit is given, or one is not positive.
        """
        limits = [limit for limit in (keep_days, keep_runs) if limit is not None]
        if not limits or min(limits) < 1:
            raise UsageError("prune needs a number of days or of runs to keep, at least 1")
        with self._database.writing() as connection:
            runs = read_runs(connection)
            oldest = (datetime.now(UTC) - timedelta(days=keep_days)).isoformat() if keep_days is not None else ""
            newest = runs[-keep_runs:] if keep_runs is not None else runs
            kept = {run.number for run in newest if run.point.started >= oldest} | _baselines(runs)
            dropped = [(run.number,) for run in runs if run.number not in kept]
            connection.executemany("DELETE FROM runs WHERE id = ?", dropped)
            cases = drop_unused(connection) if dropped else 0
        if dropped:
            self._database.shrink()
        return Pruned(len(dropped), cases)

    def _add(self, name: str, results: Results) -> Added:
        parts = list(parts_of(results))
        with self._database.reading() as connection:
            known = _known_parts(connection, name, parts)
            if len(known) == len(_united(known, parts)) and not results.absent:
                return Added(name, News.KNOWN)
        # Other jobs may have written in between: it is looked at again.
        with self._database.writing() as connection:
            known = _known_parts(connection, name, parts)
            parts = _united(known, parts)
            vocabulary = Vocabulary(connection)
            run = gather(results, _numbers(parts), vocabulary)
            columns, speeds, number = run.columns, run.speeds, find_run(connection, name)
            if number is not None:
                earlier = read_columns(connection, number)
                columns = merged(earlier, columns, _ranks(parts))
                speeds = merged_speeds(read_speeds(connection, number), speeds, columns)
                if len(known) == len(parts) and _are_equal(earlier, columns):
                    return Added(name, News.KNOWN)
            vocabulary.save(connection)
            written = write_run(
                connection, number, make_point(name, parts, columns, vocabulary), parts, columns, speeds
            )
            write_details(connection, written, run, columns)
            forget_identities(connection)
        return Added(name, News.ADDED if number is None else News.EXTENDED)


def _known_parts(connection: Connection, name: str, parts: Sequence[Part]) -> list[Part]:
    """Return the parts of a run that the history has; UsageError where one of `parts` is known as another."""
    known = read_parts(connection, find_run(connection, name))
    digests = {part.key: part.digest for part in known}
    for part in parts:
        if digests.get(part.key, part.digest) != part.digest:
            shard = "" if part.header.shard is None else f" at shard {part.header.shard}"
            raise UsageError(
                f"two different files of attempt {part.header.attempt}{shard} of run {name!r}: the history has another "
                "content than this; is it of another run, or was it changed?"
            )
    return known


def _new_run(results: Results, vocabulary: Vocabulary) -> NewRun:
    parts = list(parts_of(results))
    run = gather(results, _numbers(parts), vocabulary)
    point = make_point(results.runs[0], parts, run.columns, vocabulary)
    return NewRun(StoredRun(None, point, scope_of(results.headers)), run, parts)


def _united(known: Sequence[Part], parts: Sequence[Part]) -> list[Part]:
    keys = {part.key for part in known}
    return [*known, *(part for part in parts if part.key not in keys)]


def _numbers(parts: Sequence[Part]) -> dict[tuple[int, int], int]:
    return {part.key: number for number, part in enumerate(parts, 1)}


def _ranks(parts: Sequence[Part]) -> NDArray[np.int64]:
    """Return the rank of each part by its number: later attempts are higher; what nobody recorded is lowest."""
    order = {key: rank for rank, key in enumerate(sorted(part.key for part in parts))}
    return np.array([-1, *(order[part.key] for part in parts)])


def _are_equal(one: Columns, other: Columns) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in LAYOUT)


def _named(runs: Sequence[StoredRun], name: str, like: Results | None) -> StoredRun:
    branches = {f"{OF_BRANCH}{run.point.branch}": run.point.branch for run in runs if run.point.branch is not None}
    asked = json.loads(scope_of(like.headers))[0] if like is not None else None
    for run in reversed(runs):
        if run.point.run == name:
            return run
        is_on_branch = name in branches and run.point.branch == branches[name]
        if is_on_branch and run.point.green and run.is_whole and asked in (None, run.asked):
            return run
    known = [*branches, *(run.point.run for run in runs)]
    if name in branches:
        alike = "" if like is None else " of this tier and device"
        raise NoBaseline(f"the history has no green run over everything{alike} of the branch {branches[name]!r}")
    error = NoBaseline if name.startswith(OF_BRANCH) else UsageError
    raise error(f"the history has no {name!r}.{nearest(name, known)}")


def _baselines(runs: Sequence[StoredRun]) -> set[int | None]:
    """Return the numbers of the runs that are, or may be asked for as, a branch's baseline."""
    green = [run for run in runs if run.point.green]
    newest: dict[object, int | None] = {run.point.branch: run.number for run in green}
    newest.update({(run.point.branch, run.scope): run.number for run in green if run.is_whole})
    return set(newest.values())


def _observations(connection: Connection, run: StoredRun) -> dict[str, Observation]:
    assert run.number is not None
    columns = read_columns(connection, run.number)
    vocabulary = Vocabulary(connection)
    names, words, subjects = vocabulary.names(), vocabulary.words(), vocabulary.subjects()
    observations = {}
    # A digest of what has no fingerprint is of the whole run: equal to no record's, which then is of what changed too.
    is_known = has_column(connection, run.number, "identity")
    for case, outcome, tier, device, cause, tested, duration, memory in zip(
        columns["case"].tolist(),
        columns["outcome"].tolist(),
        columns["tier"].tolist(),
        columns["device"].tolist(),
        columns["cause"].tolist(),
        columns["identity"].tolist(),
        measured(columns["duration_s"], "duration_s").tolist(),
        measured(columns["peak_memory_bytes"], "peak_memory_bytes").tolist(),
        strict=True,
    ):
        number, architecture = vocabulary.about(case)
        subject = subjects[number]
        assert subject is not None
        observations[str(names[case])] = Observation(
            outcome=OUTCOMES[outcome],
            duration_s=duration,
            peak_memory_bytes=round(memory) or None,
            model_type=subject.model_type,
            architecture=architecture,
            check=subject.check,
            tier=words[tier] or "",
            device=words[device],
            tested=tested if is_known else None,
            cause=Identity.parse(words[cause] or "") if cause else None,
        )
    return observations
