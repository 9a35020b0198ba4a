"""What noise explains between two runs, and what it does not: robust statistics over all their cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FLOORS", "Floor", "beyond_noise"]

# How often the scale of the noise a case must be off. Normal noise has 1e-9 beyond that: no report in thousands of
# comparisons of 200,000 cases. Real noise has heavier tails: where it is Laplace's, one comparison of 6,000 cases in a
# hundred reports something. What a single run cannot tell from noise, a history can.
DEVIATIONS = 6.0

# Below that many pairs, what they share and how they scatter is not known, and nothing is said.
FEWEST = 20

# The median absolute deviation and the lower 1 % of a standard normal distribution.
MAD_OF_NORMAL = 0.6745
LOWER, LOWER_OF_NORMAL = 0.01, 2.326

# No run repeats another more closely than by 5 %, even where most of its cases did.
LEAST_SCALE = 0.05


@dataclass(frozen=True)
class Floor:
    """What a change must at least be to matter, once the common factor is out: a ratio, and an excess in the unit."""

    ratio: float
    excess: float


# Measured on two smoke runs on a shared machine, 4,526 cases: durations scatter by a factor of 1.7, 99 % of them within
# 0.43 s and 99.9 % within 0.92 s. The peak of a worker's resident memory, which holds what ran before too, moved by up
# to 360 MiB and 54 %.
FLOORS = {
    "duration_s": Floor(ratio=2.0, excess=0.75),
    "peak_memory_bytes": Floor(ratio=1.5, excess=512 * 2**20),
}


def beyond_noise(before: NDArray[np.float64], after: NDArray[np.float64], floor: Floor) -> NDArray[np.intp]:
    """Return where `after` is larger than `before` beyond noise and `floor`: indices, the largest excess first.

    Both hold one positive number a case, shape (cases,). The median of the logarithms of the ratios is what all share
    (another machine); what is left is measured in robust deviations. Their scale is the median absolute deviation
    (Iglewicz and Hoaglin 1993), or the spread of the lower tail where that is wider: heavy tails reach both ways, and
    a slow-down only upwards.
    """
    if len(before) < FEWEST:
        return np.array([], dtype=np.intp)
    ratios = np.log(after / before)
    common = np.median(ratios)
    off = ratios - common
    scale = max(
        float(np.median(np.abs(off))) / MAD_OF_NORMAL,
        -float(np.quantile(off, LOWER)) / LOWER_OF_NORMAL,
        LEAST_SCALE,
    )
    excess = after - before * np.exp(common)
    is_beyond = (off > DEVIATIONS * scale) & (off >= np.log(floor.ratio)) & (excess >= floor.excess)
    (indices,) = np.nonzero(is_beyond)
    return indices[np.argsort(-excess[indices], kind="stable")]
