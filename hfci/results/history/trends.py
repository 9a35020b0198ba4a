"""Where it is going: what many runs, oldest first, say together.

A run is compared with earlier ones of the same *scope* (tier, device, and what was asked for) only: a nightly run on a
GPU between two on a CPU has none of their cases, and nothing vanished. All arrays are gone through run by run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfci.cases.outcome import RED, Outcome
from hfci.results.comparison import Shift
from hfci.results.history.columns import BIT, CODE, OUTCOMES
from hfci.results.history.runs import Log, Point
from hfci.results.history.slowdowns import slowdowns

__all__ = ["WINDOW", "Flake", "Streak", "Trends", "make_trends"]

# Runs over which flakes are told: two months of nights. A flake that shows once in twenty runs is seen there with 95 %,
# and one that was mended is forgotten before it is history.
WINDOW = 60

# What speaks for a case and what against it. The others say nothing: not applicable or not available, and what was not
# executed anew. A case that did not run is red, but no sign of flakiness.
GOOD = (Outcome.PASSED, Outcome.KNOWN_FAILURE, Outcome.REUSED)
GREEN = (Outcome.PASSED, Outcome.KNOWN_FAILURE)

ABSENT = len(OUTCOMES)


@dataclass(frozen=True)
class Streak:
    """A case that is red in the newest run: the first bad run, in how many it was red since, the last good run.

    A run in which it is absent or was not executed says nothing: it neither ends a streak nor extends it.
    """

    case: str
    run: str
    started: str
    commit: str | None
    runs: int
    last_good: str | None = None


@dataclass(frozen=True)
class Flake:
    """A case that both passed and failed on the same fingerprint: in how many runs each, and the last that failed.

    Where records have no fingerprint, runs of the same commit and versions tested the same.
    """

    case: str
    fingerprint: str
    passed: int
    failed: int
    last_run: str


@dataclass(frozen=True)
class Trends:
    """What many runs say together.

    - `points`: the runs, oldest first
    - `streaks`: of the cases that are red in the newest run, by case
    - `flaky`: over the newest `WINDOW` runs, the most frequent first
    - `slower`, `heavier`: levels that rose and stayed, the largest step first
    - `added`, `vanished`: cases that the newest run has and the one before it of its scope has not, and the reverse
    - `changes`: by case, from which point on it had which outcome; None is absent
    """

    points: tuple[Point, ...]
    streaks: Mapping[str, Streak]
    flaky: tuple[Flake, ...]
    slower: tuple[Shift, ...]
    heavier: tuple[Shift, ...]
    added: tuple[str, ...]
    vanished: tuple[str, ...]
    changes: Mapping[str, tuple[tuple[int, Outcome | None], ...]]


def make_trends(log: Log) -> Trends:
    """Go through all runs of `log`; 400 runs of 200,000 cases take seconds, and half a gigabyte."""
    course = _Course(log)
    added, vanished = _comings_and_goings(log)
    return Trends(
        points=tuple(log.points),
        streaks=course.streaks(),
        flaky=tuple(_flakes(log)),
        slower=slowdowns(log, "duration_s"),
        heavier=slowdowns(log, "peak_memory_bytes"),
        added=added,
        vanished=vanished,
        changes=course.changes(),
    )


class _Course:
    """The outcomes of all cases in the order of the runs: what is now, since when, and all that changed."""

    def __init__(self, log: Log) -> None:
        """Go through the runs once."""
        self._log = log
        size = log.size
        self._first_bad = np.full(size, -1, np.int32)
        self._bad_runs = np.zeros(size, np.int32)
        self._last_good = np.full(size, -1, np.int32)
        self._changes: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        state = np.full(size, ABSENT, np.uint8)
        before: dict[str, NDArray[Any]] = {}
        is_bad, is_good = _table(RED), _table(GOOD)
        for run, scope in enumerate(log.scopes):
            cases, outcomes = log.column(run, "case"), log.column(run, "outcome")
            self._streak(run, cases[is_bad[outcomes]], cases[is_good[outcomes]])
            if scope in before and not np.array_equal(before[scope], cases):
                gone = np.setdiff1d(before[scope], cases, assume_unique=True)
                self._change(run, state, gone, np.full(len(gone), ABSENT, np.uint8))
            self._change(run, state, cases, outcomes)
            before[scope] = cases
        self._newest = cases[is_bad[outcomes]] if log.scopes else np.array([], np.int32)

    def streaks(self) -> dict[str, Streak]:
        """Return the streaks of what is red in the newest run."""
        streaks = {}
        for case in self._newest.tolist():
            first = self._log.points[self._first_bad[case]]
            good = int(self._last_good[case])
            name = self._log.name(case)
            streaks[name] = Streak(
                case=name,
                run=first.run,
                started=first.started,
                commit=first.commit,
                runs=int(self._bad_runs[case]),
                last_good=self._log.points[good].run if good >= 0 else None,
            )
        return streaks

    def changes(self) -> dict[str, tuple[tuple[int, Outcome | None], ...]]:
        """Return all changes, by case; equal ones share their memory."""
        if not self._changes:
            return {}
        runs, cases, outcomes = (np.concatenate(parts) for parts in zip(*self._changes, strict=True))
        order = np.argsort(cases, kind="stable")
        cases = cases[order]
        codes = (runs[order] * (ABSENT + 1) + outcomes[order]).tolist()
        begins = np.flatnonzero(np.r_[True, cases[1:] != cases[:-1]])
        shared: dict[tuple[int, ...], tuple[tuple[int, Outcome | None], ...]] = {}
        by_case = {}
        for case, begin, end in zip(cases[begins].tolist(), begins, [*begins[1:], len(cases)], strict=True):
            key = tuple(codes[begin:end])
            if key not in shared:
                pairs = (divmod(code, ABSENT + 1) for code in key)
                shared[key] = tuple((run, None if code == ABSENT else OUTCOMES[code]) for run, code in pairs)
            by_case[self._log.name(case)] = shared[key]
        return by_case

    def _streak(self, run: int, bad: NDArray[Any], good: NDArray[Any]) -> None:
        self._last_good[good] = run
        self._first_bad[good] = -1
        self._bad_runs[good] = 0
        begun = bad[self._first_bad[bad] < 0]
        self._first_bad[begun] = run
        self._bad_runs[bad] += 1

    def _change(self, run: int, state: NDArray[Any], cases: NDArray[Any], outcomes: NDArray[Any]) -> None:
        changed = np.flatnonzero(state[cases] != outcomes)
        if len(changed):
            state[cases[changed]] = outcomes[changed]
            self._changes.append((np.full(len(changed), run), cases[changed], outcomes[changed]))


def _flakes(log: Log) -> Iterator[Flake]:
    """Yield what both passed and failed: keyed by case and identity, those that failed first, as they are few."""
    window = range(max(0, len(log.points) - WINDOW), len(log.points))
    green = sum(BIT[outcome] for outcome in GREEN)
    failing = [np.array([], np.int64)]
    for run in window:
        seen = log.column(run, "seen")
        is_failing = (seen & BIT[Outcome.FAILED]) > 0
        if is_failing.any():
            failing.append(_keys(log, run)[is_failing])
    keys = np.unique(np.concatenate(failing))
    counts = np.zeros((3, len(keys)), np.int32)
    passed, failed, last = counts
    for run in window if len(keys) else ():
        here = _keys(log, run)
        places = np.minimum(np.searchsorted(keys, here), len(keys) - 1)
        is_known = keys[places] == here
        places, seen = places[is_known], log.column(run, "seen")[is_known]
        has_failed = (seen & BIT[Outcome.FAILED]) > 0
        passed[places] += (seen & green) > 0
        failed[places] += has_failed
        last[places[has_failed]] = run
    flaky = np.flatnonzero(passed)
    for place in flaky[np.argsort(-np.minimum(passed, failed)[flaky], kind="stable")].tolist():
        case, run = int(keys[place] >> 32), int(last[place])
        name, tested = log.name(case), log.identity(run, case)
        yield Flake(name, tested, int(passed[place]), int(failed[place]), log.points[run].run)


def _keys(log: Log, run: int) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = log.column(run, "case").astype(np.int64) << 32 | log.column(run, "identity")
    return keys


def _comings_and_goings(log: Log) -> tuple[tuple[str, ...], tuple[str, ...]]:
    newest = len(log.scopes) - 1
    earlier = next((run for run in reversed(range(newest)) if log.scopes[run] == log.scopes[newest]), None)
    if earlier is None:
        return (), ()
    before, now = log.column(earlier, "case"), log.column(newest, "case")
    added, vanished = np.setdiff1d(now, before), np.setdiff1d(before, now)
    return tuple(sorted(map(log.name, added.tolist()))), tuple(sorted(map(log.name, vanished.tolist())))


def _table(outcomes: Sequence[Outcome]) -> NDArray[np.bool_]:
    """Return, by an outcome's code, whether it is among `outcomes`."""
    table = np.zeros(len(OUTCOMES), np.bool_)
    table[[CODE[outcome] for outcome in outcomes]] = True
    return table
