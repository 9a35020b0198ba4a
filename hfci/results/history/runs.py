"""What trends read of many runs: a point for each, and columns of its cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from hfci.results.history.columns import Columns
from hfci.results.history.conditions import Conditions
from hfci.results.identities import Identity

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
    """Many runs, oldest first, by index; their cases are numbers below `size`, their causes ones below `causes`."""

    points: Sequence[Point]
    scopes: Sequence[str]
    size: int
    causes: int

    def name(self, case: int) -> str:
        """Return the ID of a case."""

    def column(self, run: int, name: str) -> NDArray[Any]:
        """Return one column of a run."""

    def speeds(self, run: int) -> Columns:
        """Return what a run measured of speeds."""

    def word(self, number: int) -> str:
        """Return the word of a number."""

    def knows_causes(self, run: int) -> bool:
        """Tell whether the causes of a run are known: an older hfci kept none."""

    def identity_of_cause(self, cause: int) -> Identity:
        """Return what a number in the column `cause` stands for."""

    def conditions(self, run: int) -> Sequence[Conditions]:
        """Return under which conditions each part of a run was executed, by the part's number."""

    def runners(self, run: int) -> Sequence[str | None]:
        """Return the kind of machine of each part of a run, by the part's number."""

    def identity(self, run: int, case: int) -> str:
        """Name what a case that is red or unsteady in a run tested."""
