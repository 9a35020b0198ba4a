"""What to run when there is not time for all: what matters most first."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Sequence
from typing import Any

from hfci.errors import UsageError
from hfci.planning.balance import Load, Work, pack

__all__ = ["fill", "parse_duration", "trim"]

DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)

Priority = Callable[[str], Any]


def parse_duration(text: str) -> float:
    """Return the seconds of `90s`, `10m` or `1h30m`; UsageError for anything else, and for no time at all."""
    match = DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0.0, 0.0, 0.0)
    total = hours * 3600 + minutes * 60 + seconds
    if not 0 < total < float("inf"):
        raise UsageError(f"a time is such as 90s, 10m or 1h30m, and more than nothing, not {text!r:.60}")
    return total


def fill(works: Sequence[Work], seconds: float, workers: int, priority: Priority) -> frozenset[str]:
    """Return the names of what `workers` can do within `seconds`: each, in the order of `priority`, if it still fits.

    The smallest priority goes first; it is given a work's name.
    """
    lanes = [0.0] * workers
    taken = set()
    for work in sorted(works, key=lambda work: (priority(work.name), work.name)):
        if lanes[0] + work.seconds <= seconds:
            heapq.heapreplace(lanes, lanes[0] + work.seconds)
            taken.add(work.name)
    return frozenset(taken)


def trim(load: Load, seconds: float, priority: Priority) -> Load:
    """Return `load` without what matters least of it, so much that the rest is within `seconds`."""
    works = sorted(load.works, key=lambda work: (priority(work.name), work.name))
    while load.seconds > seconds and works:
        works.pop()
        load = pack(works, load.workers)
    return load
