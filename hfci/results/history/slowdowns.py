"""Cases that became slower or heavier over the runs of a history, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hfci.cases.outcome import Outcome
from hfci.results.comparison import Shift
from hfci.results.history.change_points import BLOCK, FEWEST_RUNS, find_steps
from hfci.results.history.columns import CODE, STEP, measured
from hfci.results.history.runs import Log
from hfci.results.noise import Floor

__all__ = ["LEAST", "slowdowns"]

# What a step must at least be to matter. Medians of weeks are steadier than two runs, so a step may be smaller than
# between two: pairs of smoke runs of the same code scatter by a factor of 1.7, 99 % within 0.43 s, whose median of
# seven is within 0.2 s. Memory is the peak of a worker, which holds what ran before too: with another order of the
# cases that moves by up to 360 MiB and stays.
LEAST: Mapping[str, Floor] = {
    "duration_s": Floor(ratio=1.3, excess=0.2),
    "peak_memory_bytes": Floor(ratio=1.3, excess=384 * 2**20),
}

# A series that has not gone on for that many runs is over.
ALIVE = 60


def slowdowns(log: Log, quantity: str) -> tuple[Shift, ...]:
    """Return the cases whose `quantity` rose and stayed, the largest step first.

    Each scope is a series of its own, and in it each kind of machine. Only passed cases count: one that fails ends
    early.
    """
    series: dict[str, list[int]] = {}
    for run, scope in enumerate(log.scopes):
        series.setdefault(scope, []).append(run)
    shifts: dict[str, Shift] = {}
    for runs in series.values():
        if len(runs) >= FEWEST_RUNS and runs[-1] >= len(log.scopes) - ALIVE:
            shifts.update((shift.case, shift) for shift in _of_series(log, runs, quantity))
    return tuple(sorted(shifts.values(), key=lambda shift: (shift.before - shift.after, shift.case)))


def _of_series(log: Log, runs: Sequence[int], quantity: str) -> Iterator[Shift]:
    # What the newest block lacks cannot have stayed.
    cases = np.unique(np.concatenate([log.column(run, "case") for run in runs[-BLOCK:]]))
    values, kinds = _matrix(log, runs, cases, quantity)
    floor = LEAST[quantity]
    for kind in np.unique(kinds[kinds >= 0]):
        columns = np.flatnonzero(kinds == kind)
        whole = len(columns) == len(cases)
        for step in find_steps(values if whole else values[:, columns], np.log(floor.ratio) / STEP):
            before, after = measured(np.array([step.before, step.after]), quantity).tolist()
            if after - before >= floor.excess:
                point, name = log.points[runs[step.row]], log.name(int(cases[columns[step.case]]))
                yield Shift(name, quantity, before, after, point.run, point.commit, point.started)


def _matrix(
    log: Log, runs: Sequence[int], cases: NDArray[np.int32], quantity: str
) -> tuple[NDArray[np.uint16], NDArray[np.int16]]:
    """Return a quantity of the passed cases, in steps, of shape (runs, cases), and each case's kind of machine.

    That is the kind where it ran last; what it took on another one is left out, as if it had not run.
    """
    numbers: dict[str | None, int] = {}
    values = np.zeros((len(runs), len(cases)), np.uint16)
    kinds = np.full(len(cases), -1, np.int16)
    place_of = np.full(log.size, -1, np.int32)
    place_of[cases] = np.arange(len(cases))
    for row in reversed(range(len(runs))):
        run = runs[row]
        here = log.column(run, "case")
        passed = log.column(run, quantity) * (log.column(run, "outcome") == CODE[Outcome.PASSED])
        kind_of_part = np.array([numbers.setdefault(kind, len(numbers)) for kind in log.runners(run)], np.int16)
        kind = kind_of_part[log.column(run, "part")] if len(set(kind_of_part)) > 1 else kind_of_part[:1]
        if not np.array_equal(here, cases):
            places = place_of[here]
            is_kept = places >= 0
            spread = np.zeros(len(cases), np.uint16), np.zeros(len(cases), np.int16)
            spread[0][places[is_kept]] = passed[is_kept]
            spread[1][places[is_kept]] = np.broadcast_to(kind, len(here))[is_kept]
            passed, kind = spread
        if (is_unknown := (kinds < 0) & (passed > 0)).any():
            kinds = np.where(is_unknown, kind, kinds)
        np.multiply(passed, kinds == kind, out=values[row])
    return values, kinds
