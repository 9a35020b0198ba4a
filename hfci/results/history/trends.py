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
from hfci.results.history.columns import CODE, OUTCOMES, locate
from hfci.results.history.episodes import Episode, find_episodes
from hfci.results.history.flakes import WINDOW, Flake, find_flakes
from hfci.results.history.runs import Log, Point
from hfci.results.history.slowdowns import slowdowns
from hfci.results.history.speeds import more_broken, sharpness, slowed
from hfci.results.speeds import Sharpness

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
    - `slowed`: speeds, relative to the reference, that fell in the newest run; the largest slow-down first
    - `broken`: what has more graph breaks, or is compiled again more often, than in the run before
    - `sharpness`: how small a slow-down of the newest run could be and still be in `slowed`
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
    slowed: tuple[Shift, ...] = ()
    broken: tuple[Shift, ...] = ()
    sharpness: Sharpness = field(default_factory=Sharpness)

    @property
    def moved(self) -> tuple[Shift, ...]:
        """Whatever became slower, heavier or compiled less well."""
        return (*self.slower, *self.heavier, *self.slowed, *self.broken)


def make_trends(log: Log) -> Trends:
    """Go through all runs of `log`; 400 runs of 200,000 cases take seconds, and half a gigabyte."""
    added, vanished = _comings_and_goings(log)
    return Trends(
        points=tuple(log.points),
        streaks=_streaks(log),
        flaky=tuple(find_flakes(log)),
        slower=slowdowns(log, "duration_s"),
        heavier=slowdowns(log, "peak_memory_bytes"),
        added=added,
        vanished=vanished,
        changes=_changes(log),
        causes=find_episodes(log),
        slowed=slowed(log),
        broken=more_broken(log),
        sharpness=sharpness(log),
    )


def _streaks(log: Log) -> dict[str, Streak]:
    """Return the streaks of what is red in the newest run: only these cases are looked for in the others."""
    if not log.scopes:
        return {}
    newest = len(log.scopes) - 1
    is_bad, is_good = _table(RED), _table(GOOD)
    cases = log.column(newest, "case")[is_bad[log.column(newest, "outcome")]]
    first_bad, last_good = (np.full(len(cases), -1, np.int32) for _ in range(2))
    bad_runs = np.zeros(len(cases), np.int32)
    for run in range(len(log.scopes)) if len(cases) else ():
        here = log.column(run, "case")
        if not len(here):
            continue
        places, is_here = locate(here, cases)
        outcomes = log.column(run, "outcome")[places]
        good, bad = is_here & is_good[outcomes], is_here & is_bad[outcomes]
        last_good[good], first_bad[good], bad_runs[good] = run, -1, 0
        first_bad[bad & (first_bad < 0)] = run
        bad_runs[bad] += 1
    streaks = {}
    for case, first, runs, good_run in zip(
        *(of.tolist() for of in (cases, first_bad, bad_runs, last_good)), strict=True
    ):
        name, point = log.name(case), log.points[first]
        last = log.points[good_run].run if good_run >= 0 else None
        streaks[name] = Streak(name, point.run, point.started, point.commit, runs, last)
    return streaks


def _changes(log: Log) -> dict[str, tuple[tuple[int, Outcome | None], ...]]:
    """Return from which run on each case had which outcome; equal histories share their memory."""
    state = np.full(log.size, ABSENT, np.uint8)
    before: dict[str, NDArray[Any]] = {}
    found: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []

    def change(run: int, cases: NDArray[Any], outcomes: NDArray[Any]) -> None:
        changed = np.flatnonzero(state[cases] != outcomes)
        if len(changed):
            state[cases[changed]] = outcomes[changed]
            found.append((np.full(len(changed), run), cases[changed], outcomes[changed]))

    for run, scope in enumerate(log.scopes):
        cases, outcomes = log.column(run, "case"), log.column(run, "outcome")
        if scope in before and not np.array_equal(before[scope], cases):
            gone = np.setdiff1d(before[scope], cases, assume_unique=True)
            change(run, gone, np.full(len(gone), ABSENT, np.uint8))
        change(run, cases, outcomes)
        before[scope] = cases
    return _by_case(log, found)


def _by_case(
    log: Log, found: Sequence[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]
) -> dict[str, tuple[tuple[int, Outcome | None], ...]]:
    """Return runs and outcomes by the name of the case; `found` are runs, cases and outcomes, in order of the runs."""
    if not found:
        return {}
    runs, cases, outcomes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(cases, kind="stable")
    cases = cases[order]
    codes = (runs[order] * (ABSENT + 1) + outcomes[order]).tolist()
    begins = np.flatnonzero(np.r_[True, cases[1:] != cases[:-1]])
    shared: dict[tuple[int, ...], tuple[tuple[int, Outcome | None], ...]] = {}
    by_case = {}
    for case, begin, end in zip(
        cases[begins].tolist(), begins.tolist(), [*begins[1:].tolist(), len(cases)], strict=True
    ):
        key = tuple(codes[begin:end])
        if key not in shared:
            pairs = (divmod(code, ABSENT + 1) for code in key)
            shared[key] = tuple((run, None if code == ABSENT else OUTCOMES[code]) for run, code in pairs)
        by_case[log.name(case)] = shared[key]
    return by_case


def _comings_and_goings(log: Log) -> tuple[tuple[str, ...], tuple[str, ...]]:
    newest = len(log.scopes) - 1
    earlier = next((run for run in reversed(range(newest)) if log.scopes[run] == log.scopes[newest]), None)
    if earlier is None:
        return (), ()
    before, now = log.column(earlier, "case"), log.column(newest, "case")
    if np.array_equal(before, now):
        return (), ()
    added, vanished = np.setdiff1d(now, before), np.setdiff1d(before, now)
    return tuple(sorted(map(log.name, added.tolist()))), tuple(sorted(map(log.name, vanished.tolist())))


def _table(outcomes: Sequence[Outcome]) -> NDArray[np.bool_]:
    """Return, by an outcome's code, whether it is among `outcomes`."""
    table = np.zeros(len(OUTCOMES), np.bool_)
    table[[CODE[outcome] for outcome in outcomes]] = True
    return table
