"""Progress of a long loop: a bar on a terminal, plain lines elsewhere (a CI log), nothing if not wanted."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["track"]

T = TypeVar("T")


def track(items: Iterable[T], *, total: int, label: str, show: bool = True) -> Iterator[T]:
    """Yield `items`, telling on standard error how many of `total` are done."""
    if not show or total == 0:
        yield from items
    elif sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=label, leave=False)
    else:
        yield from _lines(items, total, label)


def _lines(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    step = max(1, total // 10)
    for done, item in enumerate(items, start=1):
        yield item
        if done % step == 0 or done == total:
            print(f"{label}: {done}/{total}", file=sys.stderr, flush=True)  # noqa: T201 - this is the progress
