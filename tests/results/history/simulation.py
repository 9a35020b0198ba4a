"""Histories made up for tests, and what they say, worked out the plain way."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hfci.cases.records import Record
from hfci.results import read_results
from hfci.results.history import History

from ..support import record, save

GREEN = ("passed", "known-failure")
GOOD = (*GREEN, "reused")
RED = ("failed", "not-run")

MIB = 2**20


@dataclass(frozen=True)
class Year:
    """What is wrong with a year of nights: which case from or in which run; everything else is as always."""

    runs: int = 365
    cases: int = 60
    regression: tuple[int, int] = (3, 290)
    slow: tuple[int, int] = (5, 200)
    heavy: tuple[int, int] = (7, 250)
    flaky: tuple[int, int] = (11, 13)
    slow_for_a_while: int = 17
    one_outlier: int = 19
    tiny: int = 23

    def name(self, case: int) -> str:
        """Return the ID of a case."""
        return record(f"model{case}", "forward_is_finite", "passed").case

    def night(self, night: int, random: random.Random) -> list[Record]:
        """Return the records of one night: a machine like no other, noise with heavy tails, and what is wrong."""
        machine = 1.4 ** (night / self.runs) * random.lognormvariate(0, 0.05) * (1.3 if random.random() < 0.05 else 1)
        return [self._record(case, night, machine, random) for case in range(self.cases)]

    def _record(self, case: int, night: int, machine: float, random: random.Random) -> Record:
        seconds = 1.0 + case % 7
        memory = 600 * MIB
        if case == self.tiny:
            seconds = 0.005 * (4 if night >= 150 else 1)
        if case == self.slow[0] and night >= self.slow[1]:
            seconds *= 2
        if case == self.slow_for_a_while and 100 <= night < 160:
            seconds *= 2
        if case == self.one_outlier and night == self.runs - 1:
            seconds *= 40
        if case == self.heavy[0] and night >= self.heavy[1]:
            memory *= 2
        seconds *= machine * random.lognormvariate(0, 0.15) * (5 if random.random() < 0.01 else 1)
        outcome = "passed"
        if case == self.regression[0] and night >= self.regression[1]:
            outcome = "failed"
        if case in self.flaky and night % 20 == 10:
            outcome = "failed"
        return record(
            f"model{case}",
            "forward_is_finite",
            outcome,
            duration_s=seconds,
            peak_memory_bytes=int(memory * random.lognormvariate(0, 0.03)),
            # What changed is seen in the fingerprint, a flake is not; night by night little does.
            fingerprint=f"{case}-{night // 40}-{case == self.regression[0] and night >= self.regression[1]}",
        )

    def save(self, folder: Path, seed: int) -> None:
        """Write the records of all nights."""
        numbers = random.Random(seed)
        begin = datetime(2025, 1, 1, 3, tzinfo=UTC)
        for night in range(self.runs):
            started = (begin + timedelta(days=night)).isoformat()
            fields = {"commit": f"{night:040x}", "branch": "main", "started": started}
            save(folder, night_name(night), *self.night(night, numbers), **fields)


def night_name(night: int) -> str:
    return f"night-{night:03}"


def add_all(history: Path, folder: Path) -> None:
    with History.open(history, create=True) as opened:
        opened.add(read_results([folder]))


@dataclass(frozen=True)
class PlainRun:
    """One run of a small history: the records of each attempt, by case."""

    run: str
    commit: str | None
    attempts: Sequence[Sequence[Record]]
    names: tuple[str, ...] = ()

    @property
    def last(self) -> dict[str, Record]:
        """Return the latest record of each case."""
        return {one.case: one for attempt in self.attempts for one in attempt}

    def identity(self, of: Record) -> str:
        """Return what tells whether two records tested the same."""
        return of.fingerprint or (f"commit {self.commit}" if self.commit else f"run {self.run}")

    def seen(self, case: str) -> set[str]:
        """Return all outcomes of a case in the run."""
        return {str(one.outcome) for attempt in self.attempts for one in attempt if one.case == case}

    def save(self, folder: Path, started: str) -> None:
        """Write its files."""
        for number, attempt in enumerate(self.attempts, 1):
            fields = {"started": started, "commit": self.commit, "attempt": number, "names": self.names}
            save(folder / self.run, self.run, *attempt, branch="main", **fields)


def plain_streaks(runs: Sequence[PlainRun]) -> dict[str, tuple[str, int, str | None]]:
    """Return, of each case that is red in the last run: the first bad run, how many, the last good run."""
    found = {}
    for case, newest in runs[-1].last.items():
        if newest.outcome not in RED:
            continue
        first, count, good = "", 0, None
        for run in reversed(runs):
            outcome = run.last[case].outcome if case in run.last else None
            if outcome in GOOD:
                good = run.run
                break
            if outcome in RED:
                first, count = run.run, count + 1
        found[case] = (first, count, good)
    return found


def plain_flakes(runs: Sequence[PlainRun]) -> set[tuple[str, int, int, str]]:
    """Return, of each case and what it tested: in how many runs it passed and failed, and the last that failed."""
    passed: dict[tuple[str, str], list[str]] = defaultdict(list)
    failed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for run in runs:
        for case, one in run.last.items():
            key = case, run.identity(one)
            seen = run.seen(case)
            if seen & set(GREEN):
                passed[key].append(run.run)
            if "failed" in seen:
                failed[key].append(run.run)
    return {(key[0], len(passed[key]), len(failed[key]), failed[key][-1]) for key in passed.keys() & failed.keys()}


def plain_changes(runs: Sequence[PlainRun]) -> dict[str, tuple[tuple[int, str | None], ...]]:
    """Return each case's outcomes as changes; a run of other names says nothing of a case that it lacks."""
    found: dict[str, list[tuple[int, str | None]]] = defaultdict(list)
    for case in {case for run in runs for case in run.last}:
        state: str | None = None
        for index, run in enumerate(runs):
            if case in run.last:
                now: str | None = str(run.last[case].outcome)
            else:
                before = next((one for one in reversed(runs[:index]) if one.names == run.names), None)
                now = None if before is not None and case in before.last else state
            if now != state:
                found[case].append((index, now))
                state = now
    return {case: tuple(changes) for case, changes in found.items()}
