"""How many shards: so few that more would hardly shorten the run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hfci.planning.balance import Work

__all__ = ["Share", "share_out", "within_limit"]

# A shard more is worth it where it shortens the run by this part or more; of a runner that costs twice, twice as much.
WORTH = 0.1

# Division comes so near to its lower bound; see tests/bench/planning.py.
SLACK = 1.03


@dataclass(frozen=True)
class Share:
    """The files of one tier that a runner has, and the workers of each of its shards."""

    files: int
    total: float
    longest: float
    workers: int

    @classmethod
    def of(cls, works: Sequence[Work], workers: int) -> Share:
        """Return what `works` come to, in seconds."""
        seconds = [work.seconds for work in works]
        return cls(len(seconds), math.fsum(seconds), max(seconds, default=0.0), workers)

    def seconds(self, shards: int) -> float:
        """Return what so many shards take at least."""
        return max(self.total / (shards * self.workers), self.longest)


def share_out(
    shares: Sequence[Share],
    limit: int,
    *,
    set_up: float,
    cost: float = 1.0,
    exact: bool = False,
    within: float = math.inf,
) -> list[int]:
    """Divide at most `limit` shards among `shares`, each of which gets one at least: the slowest gets the next.

    `exact`: as many as there may be, as long as each has a file. Otherwise so few that the run, `set_up` seconds of
    each job included, is at most about a tenth longer than it could be, and not longer than `within` seconds, if it
    can be.
    """
    counts = [1] * len(shares)
    took = [share.seconds(1) for share in shares]
    steps = [(max(took), tuple(counts))]
    while sum(counts) < limit:
        open_to_more = [index for index, share in enumerate(shares) if counts[index] < share.files]
        if not open_to_more:
            break
        slowest = max(open_to_more, key=lambda index: (took[index], -index))
        counts[slowest] += 1
        took[slowest] = shares[slowest].seconds(counts[slowest])
        steps.append((max(took), tuple(counts)))
    if exact:
        return counts
    enough = (set_up + steps[-1][0]) * (1 + WORTH * cost) - set_up
    return list(next((step for took, step in steps if took <= enough and took * SLACK <= within), counts))


def within_limit(counts: Mapping[str, int], least: Mapping[str, int], limit: int) -> dict[str, int]:
    """Return counts by name that are `limit` together: the largest are cut first, none below its `least`."""
    limited = dict(counts)
    while sum(limited.values()) > limit:
        able = [name for name in limited if limited[name] > least[name]]
        if not able:
            break
        limited[max(able, key=lambda name: (limited[name], name))] -= 1
    return limited
