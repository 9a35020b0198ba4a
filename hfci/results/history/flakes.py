"""Flaky cases: those that ended both ways on the same code under the same conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hfci.cases.outcome import Outcome
from hfci.results.history.columns import BIT, locate
from hfci.results.history.conditions import Conditions
from hfci.results.history.runs import Log

__all__ = ["WINDOW", "Flake", "find_flakes"]

# Runs over which flakes are told: two months of nights. A flake that shows once in twenty runs is seen there with 95 %,
# and one that was mended is forgotten before it is history.
WINDOW = 60

GREEN = (Outcome.PASSED, Outcome.KNOWN_FAILURE)

# How a case ended last: 0 is not yet.
PASSED, FAILED = 1, 2

# What spreads the digest of a fingerprint before that of the conditions is added: any odd number.
SPREAD = 0x9E3779B1


@dataclass(frozen=True)
class Flake:
    """A case that both passed and failed on the same fingerprint, under the same conditions.

    Where records have no fingerprint, runs of the same commit and versions tested the same.

    - `passed`, `failed`: in how many runs; `last_run`: the last that failed
    - `clean`: in how many runs it passed since it last failed, on whatever fingerprint
    - `turns`: how often it ended otherwise than before; one turn alone may be of something that nobody wrote down
    - `in_a_row`: in how many runs it has failed since it last passed
    """

    case: str
    fingerprint: str
    passed: int
    failed: int
    last_run: str
    conditions: Conditions | None = None
    clean: int = 0
    turns: int = 0
    in_a_row: int = 0

    @property
    def rate(self) -> float:
        """Which part of the runs failed."""
        return self.failed / (self.passed + self.failed)


def find_flakes(log: Log) -> Iterator[Flake]:
    """Yield the flakes of the newest `WINDOW` runs, the most frequent first.

    They are keyed by case, what was tested and under which conditions. Those that failed are looked for first, as they
    are few, and then only they.
    """
    window = range(max(0, len(log.points) - WINDOW), len(log.points))
    failing = [np.array([], np.int64)]
    for run in window:
        failing.append(_keys(log, run, np.flatnonzero((_seen(log, run) & BIT[Outcome.FAILED]) > 0)))
    keys = np.unique(np.concatenate(failing))
    passed, failed, last, clean, turns, in_a_row, state = np.zeros((7, len(keys)), np.int32)
    cases = keys >> 32
    wanted = np.unique(cases)
    green = sum((BIT[outcome] for outcome in GREEN), 0)
    for run in window if len(keys) else ():
        rows, is_here = locate(log.column(run, "case"), wanted)
        rows = rows[is_here]
        here, seen = _keys(log, run, rows), _seen(log, run)[rows]
        has_passed, has_failed = (seen & green) > 0, (seen & BIT[Outcome.FAILED]) > 0
        failed_here, passed_here = (_marked(log, here[has] >> 32)[cases] for has in (has_failed, has_passed))
        clean[:] = np.where(failed_here, 0, clean + passed_here)
        places = np.minimum(np.searchsorted(keys, here), len(keys) - 1)
        is_known = keys[places] == here
        places, has_passed, has_failed = places[is_known], has_passed[is_known], has_failed[is_known]
        passed[places] += has_passed
        failed[places] += has_failed
        last[places[has_failed]] = run
        turned = has_passed & (state[places] == FAILED) | has_failed & (state[places] == PASSED)
        turns[places] += np.where(has_passed & has_failed, 2, turned)
        in_a_row[places] = np.where(has_passed, 0, in_a_row[places] + has_failed)
        state[places] = np.where(has_passed, PASSED, np.where(has_failed, FAILED, state[places]))
    flaky = np.flatnonzero(passed)
    for place in flaky[np.argsort(-np.minimum(passed, failed)[flaky], kind="stable")].tolist():
        case, run = int(cases[place]), int(last[place])
        part = log.column(run, "part")[np.searchsorted(log.column(run, "case"), np.int32(case))]
        yield Flake(
            case=log.name(case),
            fingerprint=log.identity(run, case),
            passed=int(passed[place]),
            failed=int(failed[place]),
            last_run=log.points[run].run,
            conditions=log.conditions(run)[part],
            clean=int(clean[place]),
            turns=int(turns[place]),
            in_a_row=int(in_a_row[place]),
        )


def _marked(log: Log, cases: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return, by a case's number, whether it is among `cases`."""
    marked = np.zeros(log.size, np.bool_)
    marked[cases] = True
    return marked


def _keys(log: Log, run: int, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return of the cases in these rows the number, and 32 bits of what was tested and under which conditions."""
    if not len(rows):
        return np.array([], np.int64)
    conditions = np.array([one.digest for one in log.conditions(run)], np.int64)
    tested = log.column(run, "identity")[rows].astype(np.int64) * SPREAD + conditions[log.column(run, "part")[rows]]
    keys: NDArray[np.int64] = log.column(run, "case")[rows].astype(np.int64) << 32 | (tested & 0xFFFFFFFF)
    return keys


def _seen(log: Log, run: int) -> NDArray[np.uint8]:
    """Return all outcomes of each case, as bits; of attempts under other conditions only that of the last counts."""
    seen: NDArray[np.uint8] = log.column(run, "seen")
    if len({one.digest for one in log.conditions(run)}) == 1:
        return seen
    last = np.left_shift(1, log.column(run, "outcome")).astype(np.uint8)
    return np.where(seen > 0, last, seen)
