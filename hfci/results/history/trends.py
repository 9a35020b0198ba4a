"""Where it is going: what many runs, oldest first, say together.

A run is compared with earlier ones of the same *scope* (tier, device, and what was asked for) only: a nightly run on a
GPU between two on a CPU has none of their cases, and nothing vanished. All arrays are gone through run by run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfci.cases.outcome import RED, Outcome
from hfci.results.comparison import Shift
from hfci.results.history.columns import CODE, OUTCOMES
from hfci.results.history.episodes import Episode, find_episodes
from hfci.results.history.flakes import WINDOW, Flake, find_flakes
from hfci.results.history.runs import Log, Point
from hfci.results.history.slowdowns import slowdowns

__all__ = ["WINDOW", "Flake", "Streak", "Trends", "make_trends"]

# What speaks for a case and what against it. The others say nothing: not applicable or not available, and what was not
# executed anew. A case that did not run is red, but no sign of flakiness.
GOOD = (Outcome.PASSED, Outcome.KNOWN_FAILURE, Outcome.REUSED)

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
class Trends:
    """What many runs say together.

    - `points`: the runs, oldest first
    - `streaks`: of the cases that are red in the newest run, by case
    - `flaky`: over the newest `WINDOW` runs, the most frequent first
    - `slower`, `heavier`: levels that rose and stayed, the largest step first
    - `added`, `vanished`: cases that the newest run has and the one before it of its scope has not, and the reverse
    - `changes`: by case, from which point on it had which outcome; None is absent
    - `causes`: those that are open, by fingerprint, the oldest first
    """

    points: tuple[Point, ...]
    streaks: Mapping[str, Streak]
    flaky: tuple[Flake, ...]
    slower: tuple[Shift, ...]
    heavier: tuple[Shift, ...]
    added: tuple[str, ...]
    vanished: tuple[str, ...]
    changes: Mapping[str, tuple[tuple[int, Outcome | None], ...]]
    causes: Mapping[str, Episode] = field(default_factory=dict)


def make_trends(log: Log) -> Trends:
    """Go through all runs of `log`; 400 runs of 200,000 cases take seconds, and half a gigabyte."""
    course = _Course(log)
    added, vanished = _comings_and_goings(log)
    return Trends(
        points=tuple(log.points),
        streaks=course.streaks(),
        flaky=tuple(find_flakes(log)),
        slower=slowdowns(log, "duration_s"),
        heavier=slowdowns(log, "peak_memory_bytes"),
        added=added,
        vanished=vanished,
        changes=course.changes(),
        causes=find_episodes(log),
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
