"""Which file runs in which shard: longest first onto the least loaded worker, as far as the memory goes."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

__all__ = ["Load", "Work", "balance", "lower_bound", "pack"]

# Exchanges of files between workers end at so much of the lower bound, or after so many.
ENOUGH = 1.0005
EXCHANGES = 500

# With how many of the emptiest workers the fullest one tries to exchange.
PARTNERS = 8


@dataclass(frozen=True, slots=True)
class Work:
    """What one file needs: seconds in one worker, and bytes."""

    name: str
    seconds: float
    memory: float = 0.0


@dataclass(frozen=True)
class Load:
    """What one shard has: its files, longest first, in so many workers, the busiest of which takes `seconds`."""

    works: tuple[Work, ...]
    workers: int
    seconds: float


@dataclass
class _Lane:
    """A worker of a shard."""

    index: int
    shard: int
    works: list[Work] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, work: Work) -> None:
        self.works.append(work)
        self.seconds += work.seconds

    def exchange(self, other: _Lane, gives: Work, takes: Work | None) -> None:
        self.works.remove(gives)
        other.works.append(gives)
        if takes is not None:
            other.works.remove(takes)
            self.works.append(takes)
        for lane in (self, other):
            lane.seconds = math.fsum(work.seconds for work in lane.works)


def balance(works: Iterable[Work], shards: int, *, workers: int = 1, memory: float = math.inf) -> tuple[Load, ...]:
    """Divide `works` among `shards` of `workers` each: longest processing time first (Graham 1969), then exchanges.

    Without a limit of memory, within 4/3 of the best makespan. `memory` is what a shard has, in bytes: as many of its
    largest files as it has workers fit at once, so that a shard with large files may have fewer workers. Each work
    must fit alone. Shards stay empty where there are more of them than works. The same works, in whatever order, give
    the same shards: ties go by name, then to the first of the least loaded.
    """
    works = sorted(works, key=_longest_first)
    large = [work for work in works if work.memory * workers > memory]
    small = [work for work in works if work.memory * workers <= memory]
    usual = max((work.memory for work in small), default=0.0)
    lanes: list[_Lane] = []
    for shard, (width, own) in enumerate(_place_large(large, shards, workers, memory, usual)):
        # Of workers that are equally free, one of another shard is the next.
        new = [_Lane(at * shards + shard, shard) for at in range(width)]
        _fill(new, own)
        lanes += new
    _fill(lanes, small)
    _exchange(lanes, {work.name for work in small})
    return tuple(_load([lane for lane in lanes if lane.shard == shard]) for shard in range(shards))


def lower_bound(works: Sequence[Work], shards: int, workers: int = 1) -> float:
    """Return the seconds that no division of whole files can be below: all shared out evenly, or the longest."""
    total = math.fsum(work.seconds for work in works)
    return max(total / (shards * workers), max((work.seconds for work in works), default=0.0))


def pack(works: Iterable[Work], workers: int) -> Load:
    """Return these files as one shard."""
    lanes = [_Lane(index, 0) for index in range(workers)]
    _fill(lanes, sorted(works, key=_longest_first))
    return _load(lanes)


def _longest_first(work: Work) -> tuple[float, str]:
    return -work.seconds, work.name


def _fill(lanes: list[_Lane], works: Iterable[Work]) -> None:
    queue = [(lane.seconds, lane.index, lane) for lane in lanes]
    heapq.heapify(queue)
    for work in works:
        lane = queue[0][2]
        lane.add(work)
        heapq.heapreplace(queue, (lane.seconds, lane.index, lane))


def _load(lanes: Sequence[_Lane]) -> Load:
    works = sorted((work for lane in lanes for work in lane.works), key=_longest_first)
    return Load(tuple(works), len(lanes), max(lane.seconds for lane in lanes))


def _place_large(
    large: Sequence[Work], shards: int, workers: int, memory: float, usual: float
) -> list[tuple[int, list[Work]]]:
    """Give each shard its files that not every worker can have at once, and the workers that it keeps with them.

    The largest go first, so the first of a shard are its largest: once they fit, each later one does. Beside them,
    workers may have files of `usual` size.
    """
    shares: list[tuple[int, list[Work]]] = [(workers, []) for _ in range(shards)]
    queue = [(0.0, index) for index in range(shards)]

    def fits(own: Sequence[Work], width: int) -> bool:
        largest = [work.memory for work in own[:width]]
        return sum(largest) + usual * (width - len(largest)) <= memory

    for work in sorted(large, key=lambda work: (-work.memory, *_longest_first(work))):
        passed = []
        while queue and not fits([*shares[queue[0][1]][1][:workers], work], shares[queue[0][1]][0]):
            passed.append(heapq.heappop(queue))
        # Where it fits nowhere, the least loaded shard goes on with fewer workers.
        _, index = heapq.heappop(queue) if queue else passed.pop(0)
        width, own = shares[index]
        own.append(work)
        width = next(fewer for fewer in range(width, 0, -1) if fits(own, fewer) or fewer == 1)
        shares[index] = (width, own)
        for entry in (*passed, (math.fsum(work.seconds for work in own) / width, index)):
            heapq.heappush(queue, entry)
    return shares


def _exchange(lanes: list[_Lane], movable: set[str]) -> None:
    """Let the fullest worker give a file to one of the emptiest, for a shorter one or none, while that helps."""
    works = [work for lane in lanes for work in lane.works]
    enough = lower_bound(works, len(lanes)) * ENOUGH
    for _ in range(EXCHANGES):
        fullest = max(lanes, key=lambda lane: (lane.seconds, -lane.index))
        if fullest.seconds <= enough:
            return
        emptiest = heapq.nsmallest(PARTNERS, lanes, key=lambda lane: (lane.seconds, lane.index))
        best = min(
            (exchange for lane in emptiest if (exchange := _best_exchange(fullest, lane, movable)) is not None),
            key=lambda exchange: (exchange[0], exchange[1].index),
            default=None,
        )
        if best is None or best[0] > fullest.seconds * (1 - 1e-6):
            return
        fullest.exchange(*best[1:])


def _best_exchange(full: _Lane, empty: _Lane, movable: set[str]) -> tuple[float, _Lane, Work, Work | None] | None:
    """Return what the fuller of the two would then take, and the exchange; None where none shortens it."""
    gap = full.seconds - empty.seconds
    theirs = sorted((work for work in empty.works if work.name in movable), key=attrgetter("seconds", "name"))
    lengths = [work.seconds for work in theirs]
    best: tuple[float, _Lane, Work, Work | None] | None = None
    for gives in full.works:
        if gives.name not in movable:
            continue
        # Best is what leaves half of the gap on each side.
        at = bisect_left(lengths, gives.seconds - gap / 2)
        for takes in (None, *theirs[max(0, at - 1) : at + 1]):
            moved = gives.seconds - (takes.seconds if takes else 0.0)
            longer = max(full.seconds - moved, empty.seconds + moved)
            if 0 < moved < gap and (best is None or longer < best[0]):
                best = (longer, empty, gives, takes)
    return best
