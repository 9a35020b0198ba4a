"""What trends read of many runs: a point for each, and columns of its cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["Log", "Point"]


@dataclass(frozen=True)
class Point:
    """One run, for charts: how many cases had each outcome, model types stand on each rung; seconds over all cases."""

    run: str
    started: str
    commit: str | None
    branch: str | None
    planned: int
    executed: int
    green: bool
    outcomes: Mapping[str, int]
    ladder: Mapping[str, int]
    duration_s: float


class Log(Protocol):
    """Many runs, oldest first, by index; their cases are numbers below `size`."""

    points: Sequence[Point]
    scopes: Sequence[str]
    size: int

    def name(self, case: int) -> str:
        """Return the ID of a case."""

    def column(self, run: int, name: str) -> NDArray[Any]:
        """Return one column of a run."""

    def runners(self, run: int) -> Sequence[str | None]:
        """Return the kind of machine of each part of a run, by the part's number."""

    def identity(self, run: int, case: int) -> str:
        """Name what a case that is red or unsteady in a run tested."""
