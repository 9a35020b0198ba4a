"""Which file runs in which shard: longest first onto the least loaded."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

__all__ = ["balance"]


def balance(weights: Mapping[str, float], shards: int) -> tuple[frozenset[str], ...]:
    """Return the names of each shard: longest processing time first (Graham 1969), within 4/3 of the best makespan.

    `weights` are seconds by name. Shards stay empty where there are more of them than names. The same weights give
    the same shards: ties go by name, then to the first of the least loaded.
    """
    loads = [(0.0, index) for index in range(shards)]
    found: list[list[str]] = [[] for _ in range(shards)]
    for name, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])):
        load, index = heapq.heappop(loads)
        found[index].append(name)
        heapq.heappush(loads, (load + weight, index))
    return tuple(map(frozenset, found))
