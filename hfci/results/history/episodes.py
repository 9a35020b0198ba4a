"""Episodes of causes: since which run one is there, and whether it was there before and mended.

A run mends a cause if half of the cases that had it last pass there, and no case has it: a run of one of thirty mends
nothing. What a run does not execute says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfci.cases.outcome import Outcome
from hfci.results.history.columns import CODE, OUTCOMES, locate
from hfci.results.history.runs import Log
from hfci.results.identities import Identity

__all__ = ["Episode", "find_episodes"]

MENDS = (Outcome.PASSED, Outcome.REUSED)


@dataclass(frozen=True)
class Episode:
    """A cause that is open: it was seen, and nothing has mended it since.

    - `example`: one of the `cases` that had it last; how many there were
    - `run`, `started`, `commit`: of the first run that has it, `last` the newest, `runs`: in how many it is
    - `is_new`: that first run is the newest of all, and an earlier one would have shown it
    - `mended`: the run that ended it the last time; None if it was never there before
    - `is_whole`: whether the history knows of a run before, so that this is where it began
    """

    identity: Identity
    cases: int
    example: str
    run: str
    started: str
    commit: str | None
    runs: int
    last: str
    is_new: bool
    mended: str | None = None
    is_whole: bool = True

    def __str__(self) -> str:
        """Return since when it is there, in words."""
        before = f"seen before, mended in run {self.mended}" if self.mended is not None else ""
        commit = f" (commit {self.commit[:12]})" if self.commit else ""
        since = "" if self.is_new else f"since run {self.run}{commit}, {self.runs:,} run{'s' * (self.runs != 1)}"
        return "; ".join(filter(None, (since, before))) or "new"


def find_episodes(log: Log) -> dict[str, Episode]:
    """Return the causes that are open after the newest run, by fingerprint, the oldest first."""
    known = [run for run in range(len(log.points)) if log.knows_causes(run)]
    begun, runs, latest, mended = (np.full(log.causes, -1, np.int32) for _ in range(4))
    runs[:] = 0
    of_case = np.zeros(log.size, np.int64)
    is_good = np.zeros(len(OUTCOMES), np.bool_)
    is_good[[CODE[outcome] for outcome in MENDS]] = True
    for run in known:
        cases, causes = log.column(run, "case"), log.column(run, "cause")
        places = np.flatnonzero(causes > 0)
        struck, causes = cases[places], causes[places].astype(np.int64)
        here = np.unique(causes)
        if here.max(initial=0) >= log.causes:
            log.identity_of_cause(int(here.max()))  # which says that the history is damaged
        waiting = np.flatnonzero(of_case > 0)
        rows, is_here = locate(cases, waiting)
        passes = waiting[is_here]
        passes = passes[is_good[log.column(run, "outcome")[rows[is_here]]]]
        open_cases, healed = (np.bincount(of_case[of], minlength=log.causes) for of in (waiting, passes))
        gone = np.setdiff1d(np.flatnonzero((healed > 0) & (2 * healed >= open_cases)), [0, *here])
        mended[gone] = run
        begun[gone], runs[gone] = -1, 0
        if len(gone):
            of_case[waiting[np.isin(of_case[waiting], gone)]] = 0
        begun[here[begun[here] < 0]] = run
        runs[here] += 1
        latest[here] = run
        of_case[passes] = 0
        of_case[struck] = causes
    return _described(log, known, of_case, begun, runs, latest, mended)


def _described(
    log: Log, known: list[int], of_case: NDArray[Any], begun: NDArray[Any], runs: NDArray[Any], latest: NDArray[Any],
    mended: NDArray[Any],
) -> dict[str, Episode]:  # fmt: skip
    cases = np.flatnonzero(of_case)
    causes, first, counts = np.unique(of_case[cases], return_index=True, return_counts=True)
    episodes = []
    for cause, example, count in zip(causes.tolist(), cases[first].tolist(), counts.tolist(), strict=True):
        run = int(begun[cause])
        point = log.points[run]
        episodes.append(
            Episode(
                identity=log.identity_of_cause(cause),
                cases=count,
                example=log.name(example),
                run=point.run,
                started=point.started,
                commit=point.commit,
                runs=int(runs[cause]),
                last=log.points[latest[cause]].run,
                is_new=run == len(log.points) - 1 and run != known[0],
                mended=log.points[mended[cause]].run if mended[cause] >= 0 else None,
                is_whole=run > known[0] or known[0] == 0,
            )
        )
    return {one.identity.fingerprint: one for one in sorted(episodes, key=lambda one: (one.started, one.run))}
