"""Architectures that are slower than they were, from the first slow run on, and compiled forwards that broke.

A speed is told relative to a fixed workload's that runs in turn with it, so that a slow machine is no slow model. The
newest run is held against its window: the earlier runs under the same conditions (kind of runner, processor or
accelerator, threads, versions), the newest `WINDOW` of them.

**In every round.** A run measures in rounds, in two sittings. A slow-down is there in each but one at most: not their
median is held against the window but the second fastest, so that what disturbs one sitting alone is none.

**Beyond its scatter.** The scale is the median absolute deviation from the median of the window, of the series itself
or of all of them where that is more: of a handful of runs that of one says little (Iglewicz and Hoaglin 1993, *How to
detect and handle outliers*). What all series of a run share is taken out.

**Large enough to matter**: `LEAST`.

Where the window scatters, or the newest run itself, only a large slow-down can be told. How large is `sharpness`'s to
say, so that silence is not taken for good news.

Counts are exact, and need none of that: one more graph break is told in its first run.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hfci.cases.measured import COUNTS
from hfci.results.comparison import Shift
from hfci.results.history.change_points import median_of
from hfci.results.history.columns import measured
from hfci.results.history.runs import Log
from hfci.results.speeds import OUGHT, Blurred, Sharpness

__all__ = ["FEWEST", "LEAST", "WINDOW", "Slowed", "find_slowed", "more_broken", "sharpness", "slowed"]

# Runs that are looked back on, and how many of them must have a series: five runs of the same code say how it scatters.
WINDOW, FEWEST = 30, 5

# A smaller slow-down is not told: the same code, in another process, is off by up to so much.
LEAST = 1.25

# How many deviations beyond the window. Kept by simulation, see tests/results/history/test_speeds.py.
DEVIATIONS = 5.0

# No series scatters less than by so much, of the logarithm; and from so many series on it is known what they share.
LEAST_SCALE, FEWEST_SERIES = 0.02, 10

ROUNDS_OF_POLISH = 2  # suffice where little is missing

MAD_OF_NORMAL = 0.6745


class Slowed(NamedTuple):
    """Of a series that is slower: its place, the level of the window, the scale of its noise, the runs that tell."""

    series: int
    before: float
    scale: float
    runs: int


class _Noise(NamedTuple):
    """Of the series that have a window, which they are, their level, scale and runs; and what the newest run shares."""

    known: NDArray[np.intp]
    before: NDArray[np.float64]
    scale: NDArray[np.float64]
    runs: NDArray[np.intp]
    shared: float

    @property
    def least(self) -> NDArray[np.float64]:
        """How much slower each must be in every round but one; a logarithm."""
        return np.maximum(np.log(LEAST), DEVIATIONS * self.scale)


def find_slowed(window: NDArray[np.float64], now: NDArray[np.float64], sustained: NDArray[np.float64]) -> list[Slowed]:
    """Return the series that are slower than in their window, the largest slow-down first.

    All are logarithms, NaN where there is none: `window` of shape (runs, series); of the newest run `now` the medians
    of its rounds, and `sustained` the second least, of shape (series,).
    """
    noise = _noise(window, now)
    excess = sustained[noise.known] - noise.shared - noise.before
    (places,) = np.nonzero(excess >= noise.least)
    return [
        Slowed(int(noise.known[at]), float(noise.before[at]), float(noise.scale[at]), int(noise.runs[at]))
        for at in places[np.argsort(-excess[places], kind="stable")]
    ]


def _noise(window: NDArray[np.float64], now: NDArray[np.float64]) -> _Noise:
    here = np.count_nonzero(~np.isnan(window), axis=0)
    known = np.flatnonzero((here >= FEWEST) & ~np.isnan(now))
    if not len(known):
        nothing = np.zeros(0)
        return _Noise(known, nothing, nothing, here[known], 0.0)
    before, effects = _levels(window[:, known])
    own = median_of(np.abs(window[:, known] - effects[:, None] - before), axis=0) / MAD_OF_NORMAL
    scale = np.maximum(own, max(float(np.median(own)), LEAST_SCALE))
    shared = float(np.median(now[known] - before)) if len(known) >= FEWEST_SERIES else 0.0
    return _Noise(known, before, scale, here[known], shared)


def _levels(window: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the level of each series, and by how much each run is above the typical one, where enough series tell.

    By median polish (Tukey 1977, *Exploratory Data Analysis*, ch. 11), as in `change_points`.
    """
    effects = np.zeros(len(window))
    levels = median_of(window, axis=0)
    tells = np.count_nonzero(~np.isnan(window), axis=1) >= FEWEST_SERIES
    if tells.sum() > 1:
        for _ in range(ROUNDS_OF_POLISH):
            effects = np.where(tells, median_of(window - levels, axis=1), 0.0)
            effects -= np.median(effects[tells])
            levels = median_of(window - effects[:, None], axis=0)
    return levels, effects


def slowed(log: Log) -> tuple[Shift, ...]:
    """Return what is slower in the newest run, times relative to the reference; the largest slow-down first."""
    series = _Series(log, counts=False)
    found = []
    for slow in find_slowed(series.earlier, series.now, series.sustained):
        values = series.values[:, slow.series]
        run = series.first_above(slow.series, (slow.before + float(values[-1])) / 2)
        after, before = float(np.exp(values[-1])), float(np.exp(slow.before))
        least = float(np.exp(series.sustained[slow.series]))
        evidence = (
            f"at least {least:.2f} references in every round but one; {before:.2f} in {slow.runs} runs before, which "
            f"scatter by {np.expm1(slow.scale):.0%}"
        )
        point = log.points[run]
        found.append(
            Shift(*series.names(slow.series), before, after, point.run, point.commit, point.started, evidence=evidence)
        )
    return tuple(found)


def sharpness(log: Log) -> Sharpness:
    """Return how well slow-downs are seen in the newest run.

    One is told where every round but one is so much slower than the window as that asks: so it must be larger by as
    much as the second fastest round is faster than the median.
    """
    series = _Series(log, counts=False)
    noise = _noise(series.earlier, series.now)
    least = np.exp(noise.least + series.now[noise.known] - series.sustained[noise.known])
    order = [int(at) for at in np.argsort(-least, kind="stable") if least[at] > OUGHT]
    return Sharpness(
        speeds=len(series.now),
        known=len(noise.known),
        blurred=tuple(Blurred(*series.names(int(noise.known[at])), float(least[at])) for at in order),
    )


def more_broken(log: Log) -> tuple[Shift, ...]:
    """Return whose forward has more graph breaks, or is compiled again more often, than in the run before."""
    series = _Series(log, counts=True)
    found = []
    for place, now in enumerate(series.now):
        before = series.earlier[:, place]
        known = np.flatnonzero(~np.isnan(before))
        if not len(known) or now <= (level := before[known[-1]]):
            continue
        point = log.points[-1]
        found.append(Shift(*series.names(place), float(level), float(now), point.run, point.commit, point.started))
    return tuple(found)


class _Series:
    """What the newest run measured, and earlier ones under its conditions: a column for each case and what of it.

    - `values`: of shape (runs, series), the newest last; NaN where there is none
    - `sustained`: of the newest run, what every round but the fastest has at least
    """

    def __init__(self, log: Log, *, counts: bool) -> None:
        self._log = log
        runs = range(len(log.scopes))
        newest = _of_run(log, runs[-1], counts) if runs else {}
        self._keys = list(newest)
        self.sustained = np.array([sustained for _, sustained, _ in newest.values()])
        conditions = [under for _, _, under in newest.values()]
        rows, self._runs = [], []
        for run in reversed(runs) if newest else ():
            found = newest if run == runs[-1] else _of_run(log, run, counts)
            if not found:
                continue
            absent = (np.nan, np.nan, "")
            pairs = zip((found.get(key, absent) for key in self._keys), conditions, strict=True)
            row = [value if under == wanted else np.nan for (value, _, under), wanted in pairs]
            if not np.isnan(row).all():
                rows.append(row)
                self._runs.append(run)
            if len(rows) > WINDOW:
                break
        self.values = np.array(rows[::-1]).reshape(len(rows), len(self._keys))
        self._runs.reverse()

    @property
    def earlier(self) -> NDArray[np.float64]:
        return self.values[:-1]

    @property
    def now(self) -> NDArray[np.float64]:
        return self.values[-1] if len(self.values) else np.zeros(0)

    def names(self, place: int) -> tuple[str, str]:
        """Return the ID of a case, and what of it is measured."""
        case, what = self._keys[place]
        return self._log.name(case), what

    def first_above(self, place: int, level: float) -> int:
        """Return the first run of those at the end that are all above a level."""
        known = [(run, value) for run, value in zip(self._runs, self.values[:, place], strict=True) if value == value]
        above = itertools.takewhile(lambda pair: pair[1] > level, reversed(known))
        return min((run for run, _ in above), default=self._runs[-1])


def _of_run(log: Log, run: int, counts: bool) -> dict[tuple[int, str], tuple[float, float, str]]:
    """Return by case and what of it: the value, what is sustained of it, and under which conditions it was measured.

    Values are logarithms, those of counts the numbers themselves.
    """
    columns = log.speeds(run)
    if not len(columns["speed_case"]):
        return {}
    under = _conditions(log, run)
    words: Mapping[int, str] = {int(word): log.word(int(word)) for word in np.unique(columns["speed_of"])}
    values, leasts = columns["speed_value"], columns["speed_sustained"]
    if counts:
        numbers, sustained = values.astype(np.float64), leasts.astype(np.float64)
    else:
        numbers, sustained = (np.log(np.maximum(measured(each, "relative"), 1e-9)) for each in (values, leasts))
    return {
        (case, words[what]): (value, least, under[part])
        for case, what, part, value, least in zip(
            *(columns[name].tolist() for name in ("speed_case", "speed_of", "speed_part")),
            numbers.tolist(),
            sustained.tolist(),
            strict=True,
        )
        if (words[what] in COUNTS) == counts
    }


def _conditions(log: Log, run: int) -> Sequence[str]:
    """Name under which conditions each part of a run was measured."""
    return [
        json.dumps([conditions.digest, runner])
        for conditions, runner in zip(log.conditions(run), log.runners(run), strict=True)
    ]
