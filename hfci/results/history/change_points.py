"""A level that rose and stayed: a robust change test on the series of many cases at once.

**What is shared is taken out.** Each run's logarithms are an effect of its machine plus a level of each case plus
noise; the two are separated by median polish (Tukey 1977, *Exploratory Data Analysis*, ch. 11) on a sample of the
cases. So neither a year in which all machines become slower nor a single slow night is a step of any case; nor is what
slows most cases down at once, which cannot be told from a slower machine.

**Weeks, not nights.** A case's residuals are summed up as medians of blocks of seven runs, which a single outlier does
not move, and two in the same week hardly. The step is at the split of the blocks with the least absolute deviations
from the medians before and after it (Bai 1995, *Least absolute deviation estimation of a shift*).

**Beyond chance.** The step is measured against the noise within: the scale is the median absolute deviation (MAD times
1.4826 estimates a normal scale: Leys et al. 2013, *Detecting outliers*), the larger of that of the blocks around their
level and of that of the runs, over the root of seven. A median of n values has 1.2533 times the error of their
mean. The threshold is no fixed "three MADs": with C cases and B possible splits there are C x B chances to be wrong,
and `FALSE_REPORTS` are allowed in all, so each may err with FALSE_REPORTS / (C x B), and the step must exceed that
quantile of Student's t. Its degrees of freedom are 0.37 times the number of values: the MAD has 37 % of the standard
deviation's efficiency (Rousseeuw and Croux 1993). Heavy tails are no matter: medians of seven are all but normal.

**Still there.** The newest block must be above the middle of the two levels: what came back is not reported. And the
step must be large enough to matter, which is the caller's to say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "FEWEST_RUNS", "Step", "find_steps", "machine_effects", "median_of", "quantile_of_t"]

BLOCK = 7  # runs; a week of nights, whose days are not alike
FEWEST_HERE = 4  # runs of a block that must have a case: more than half
FEWEST_BEFORE = 3  # blocks; a level and its spread are not known from fewer
FEWEST_RUNS = BLOCK * (FEWEST_BEFORE + 1)

FALSE_REPORTS = 0.01  # expected in one report, over all its cases

SAMPLE = 2048  # cases; the median of that many is known to 1 % where each scatters by 30 %
FEWEST_CASES = 10  # of one kind of machine in one run, to know its effect
ROUNDS = 5  # of the polish; two suffice where no case is missing

AT_ONCE = 16384  # cases that are summed up together: what is held of so many stays in a processor's cache

QUICK_LOOK = 0.7  # of the least threshold; the test itself asks for at least 1.25 of it

MOST_TESTED = 5_000  # of the most prominent; the test takes a millisecond, and nobody reads more of them

NORMAL_OF_MAD = 1.4826
MEDIAN_ERROR = 1.2533
MAD_EFFICIENCY = 0.37

MISSING = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Step:
    """Where a case's level rose: its column, the first row at the new level, the levels before and after."""

    case: int
    row: int
    before: float
    after: float


def find_steps(values: NDArray[np.uint16], least: float) -> list[Step]:
    """Return the cases whose level rose by at least `least` and stayed.

    `values`, of shape (runs, cases), oldest first, are logarithms in whole units, 0 where there is none; they are
    overwritten. All of a run are of one machine. The levels are in the same unit, as on the typical machine.
    """
    if len(values) < FEWEST_RUNS or not values.shape[1]:
        return []
    effects = machine_effects(values)
    residuals = values.view(np.int16)  # taken out in place: half of the memory is worth it
    blocks = np.empty((len(values) // BLOCK, values.shape[1]), np.int16)
    prominence = np.empty(values.shape[1], np.float32)
    for begin in range(0, values.shape[1], AT_ONCE):
        some = slice(begin, begin + AT_ONCE)
        _take_out(effects, residuals[:, some])
        blocks[:, some] = _block_medians(residuals[:, some])
        prominence[some] = _prominence(blocks[:, some], least / 2)
    chance = FALSE_REPORTS / (blocks.shape[1] * len(blocks))
    candidates = np.flatnonzero(prominence > QUICK_LOOK * NormalDist().inv_cdf(1 - chance))
    candidates = candidates[np.argsort(-prominence[candidates], kind="stable")][:MOST_TESTED]
    tested = (_test(int(case), residuals[:, case], blocks[:, case], least, chance) for case in candidates)
    return [step for step in tested if step is not None]


def machine_effects(values: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return by how much each run is above the typical one; NaN where too few cases tell."""
    presence = np.count_nonzero(values, axis=0)
    often = np.flatnonzero(2 * presence >= presence.max())
    sample = often[np.unique(np.linspace(0, len(often) - 1, min(SAMPLE, len(often))).astype(np.intp))]
    logs = values[:, sample].astype(np.float32)
    logs[logs == 0] = np.nan
    enough = np.count_nonzero(~np.isnan(logs), axis=1) >= FEWEST_CASES
    logs[~enough] = np.nan
    effects = np.zeros(len(logs), np.float32)
    for _ in range(ROUNDS):
        levels = median_of(logs - effects[:, None], axis=0)
        effects = median_of(logs - levels, axis=1)
        effects -= np.median(effects[enough]) if enough.any() else 0
    return effects


def quantile_of_t(chance: float, degrees: float) -> float:
    """Return what a Student's t of so many degrees of freedom exceeds with a small `chance`.

    The approximation of Gaver and Kafadar (1984, *A retrievable recipe for inverse t*).
    """
    z = NormalDist().inv_cdf(1 - chance)
    return math.sqrt(degrees * math.expm1(z * z * (degrees - 1.5) / (degrees - 1) ** 2))


def _take_out(effects: NDArray[np.float32], values: NDArray[np.int16]) -> None:
    """Take the machines' effects, one a row, out of `values`, in place; 0 there, and what has no effect, is missing."""
    is_missing = (values == 0) | np.isnan(effects)[:, None]
    values -= np.rint(np.nan_to_num(effects)).astype(np.int16)[:, None]
    np.copyto(values, MISSING, where=is_missing)


def _block_medians(residuals: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the medians of blocks that end with the newest row: shape (blocks, cases)."""
    count = len(residuals) // BLOCK
    medians = np.empty((count, residuals.shape[1]), np.int16)
    for block, rows in enumerate(np.split(residuals[len(residuals) - count * BLOCK :], count)):
        here = np.count_nonzero(rows != MISSING, axis=0)
        medians[block] = np.where(here >= FEWEST_HERE, _middle(rows, here), MISSING)
    return medians


def _middle(rows: NDArray[np.int16], here: NDArray[np.intp]) -> NDArray[np.int16]:
    """Return the median of each column's `here` values that are not missing.

    By odd-even transposition: with a few rows and very many columns that is far quicker than to sort each column.
    """
    ordered = rows.copy()
    lines = list(ordered)
    for turn in range(len(lines)):
        for one, next_one in zip(lines[turn % 2 :: 2], lines[turn % 2 + 1 :: 2], strict=False):
            smaller = np.minimum(one, next_one)
            np.maximum(one, next_one, out=next_one)
            one[:] = smaller
    columns = np.arange(ordered.shape[1])
    lower = ordered[np.maximum(here - 1, 0) // 2, columns].astype(np.int32)
    upper = ordered[np.minimum(here // 2, len(ordered) - 1), columns]
    middle: NDArray[np.int16] = ((lower + upper) // 2).astype(np.int16)
    return middle


def _prominence(blocks: NDArray[np.int16], least: float) -> NDArray[np.float32]:
    """Return how many errors each case's highest step of at least `least` is: a quick look, on means of blocks."""
    here = blocks != MISSING
    levels = np.where(here, blocks, 0).astype(np.float32)
    highest = np.zeros(blocks.shape[1], np.float32)
    before, runs_before = levels.sum(axis=0), here.sum(axis=0, dtype=np.float32)
    after, runs_after = np.zeros_like(before), np.zeros_like(runs_before)
    for block in range(len(blocks) - 1, FEWEST_BEFORE - 1, -1):
        before, runs_before = before - levels[block], runs_before - here[block]
        after, runs_after = after + levels[block], runs_after + here[block]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = after / runs_after - before / runs_before
            height = step / np.sqrt(1 / runs_after + 1 / runs_before)
        is_step = (runs_before >= FEWEST_BEFORE) & (step >= least)
        highest = np.where(is_step, np.maximum(highest, height), highest)
    steps = np.flatnonzero((highest > 0) & here[-1])
    prominence = np.zeros_like(highest)
    prominence[steps] = highest[steps] / _spread(blocks[:, steps])
    return prominence


def _spread(blocks: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return how far blocks scatter: by the differences of neighbouring ones, in which a step is but one."""
    both = (blocks[1:] != MISSING) & (blocks[:-1] != MISSING)
    differences = np.abs(np.diff(blocks.astype(np.int32), axis=0))
    middle = _middle(np.where(both, differences, MISSING).astype(np.int16), np.count_nonzero(both, axis=0))
    spread: NDArray[np.float32] = np.maximum(middle * np.float32(NORMAL_OF_MAD / math.sqrt(2)), 0.5)
    return spread


def _test(
    case: int, residuals: NDArray[np.int16], blocks: NDArray[np.int16], least: float, chance: float
) -> Step | None:
    """Test one case as this module says; its step, or None."""
    owners = np.flatnonzero(blocks != MISSING)
    medians = blocks[owners].astype(np.float64)
    split, before, after = _split(medians)
    rows = np.flatnonzero(residuals != MISSING)
    series = residuals[rows].astype(np.float64)
    old, new = np.abs(series - before), np.abs(series - after)
    first = len(residuals) - (len(blocks) - owners[split]) * BLOCK
    around = np.where(rows < first, old, new)
    within = np.abs(medians - np.where(np.arange(len(medians)) < split, before, after))
    spread = NORMAL_OF_MAD * max(np.median(within), MEDIAN_ERROR * np.median(around) / math.sqrt(BLOCK), 0.5)
    error = MEDIAN_ERROR * spread * math.sqrt(1 / split + 1 / (len(medians) - split))
    needed = max(least, error * quantile_of_t(chance, MAD_EFFICIENCY * len(series)))
    if after - before < needed or medians[-1] < (before + after) / 2:
        return None
    # The run: where the deviations from the old level before it and from the new one after it are least in sum.
    sums = np.r_[0, np.cumsum(old)] + np.r_[np.cumsum(new[::-1])[::-1], 0]
    return Step(case, int(rows[min(int(np.argmin(sums)), len(rows) - 1)]), before, after)


def _split(medians: NDArray[np.float64]) -> tuple[int, float, float]:
    """Return where the blocks fall apart best, all splits tried at once; and the medians before and after."""
    places = np.arange(len(medians))
    is_before = places < places[FEWEST_BEFORE:, None]
    before = median_of(np.where(is_before, medians, np.nan), axis=1)
    after = median_of(np.where(is_before, np.nan, medians), axis=1)
    deviations = np.abs(medians - np.where(is_before, before[:, None], after[:, None])).sum(axis=1)
    best = int(np.argmin(deviations))
    return best + FEWEST_BEFORE, float(before[best]), float(after[best])


def median_of(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return the medians of what is not NaN; numpy's own takes a hundred times as long where something is."""
    values = np.sort(values, axis=axis)
    count = np.count_nonzero(~np.isnan(values), axis=axis, keepdims=True)
    lower = np.take_along_axis(values, np.maximum(count - 1, 0) // 2, axis)
    upper = np.take_along_axis(values, np.minimum(count // 2, values.shape[axis] - 1), axis)
    middle: NDArray[Any] = np.squeeze((lower + upper) / 2, axis)
    return middle
