"""What tests of the history share: two records, adding to one, and all that one says."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hfci.results import read_results
from hfci.results.history import Added, History

from ..support import record

__all__ = ["BAD", "GOOD", "add", "dump", "news"]

GOOD = record("bert", "builds_tiny", "passed", duration_s=1.5, peak_memory_bytes=10**9)
BAD = record("bert", "builds_tiny", "failed", message="first\nsecond", reason="because", reproduce="hfci run bert")


def news(added: tuple[Added, ...]) -> dict[str, str]:
    return {one.run: str(one.news) for one in added}


def dump(path: Path) -> list[str]:
    """Return all that a history says; the numbers and the order of rows are no part of it."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return list(connection.iterdump())


def add(history: Path, *paths: Path) -> dict[str, str]:
    with History.open(history) as opened:
        return news(opened.add(read_results(paths)))
