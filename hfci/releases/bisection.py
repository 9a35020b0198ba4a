"""The first bad one of releases or commits in order: both ends are verified first, what cannot be tested is left out.

As `git bisect` does, and with as many runs: at most log2 of how many there are between the ends, and two for these;
what cannot be tested costs runs of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from hfci.errors import UsageError

__all__ = ["Bisection", "Tried", "Verdict", "bisect"]

T = TypeVar("T")


class Verdict(StrEnum):
    """How a candidate is."""

    GOOD = "good"
    BAD = "bad"
    UNTESTABLE = "cannot be tested"


@dataclass(frozen=True)
class Tried(Generic[T]):
    """A candidate that was run: its verdict, and why."""

    candidate: T
    verdict: Verdict
    why: str = ""


@dataclass
class Bisection(Generic[T]):
    """What is known: the last good one, the first bad one, what between them cannot be tested, and all that ran."""

    good: T
    bad: T
    tried: list[Tried[T]] = field(default_factory=list)
    between: tuple[T, ...] = ()

    @property
    def runs(self) -> int:
        """How many candidates were run."""
        return len(self.tried)


def bisect(
    candidates: Sequence[T], test: Callable[[T], tuple[Verdict, str]], tell: Callable[[Tried[T]], None]
) -> Bisection[T]:
    """Return the first bad one of `candidates`, whose first is good and whose last is bad; `tell` hears of each run.

    Raises UsageError where there is nothing between good and bad, or an end is not what was said of it.
    """
    if len(candidates) < 2:
        raise UsageError("the good one and the bad one are the same")
    found = Bisection(candidates[0], candidates[-1])

    def run(candidate: T) -> Verdict:
        verdict, why = test(candidate)
        found.tried.append(Tried(candidate, verdict, why))
        tell(found.tried[-1])
        return verdict

    for candidate, wanted in ((candidates[-1], Verdict.BAD), (candidates[0], Verdict.GOOD)):
        if run(candidate) != wanted:
            last = found.tried[-1]
            raise UsageError(f"{candidate} is not {wanted}: it {_is(last.verdict)}{last.why and f' ({last.why})'}")
    low, high = 0, len(candidates) - 1
    untestable: set[int] = set()
    while (middle := _middle(low, high, untestable)) is not None:
        verdict = run(candidates[middle])
        if verdict == Verdict.UNTESTABLE:
            untestable.add(middle)
        elif verdict == Verdict.GOOD:
            low = middle
        else:
            high = middle
    found.good, found.bad = candidates[low], candidates[high]
    found.between = tuple(candidates[low + 1 : high])
    return found


def _middle(low: int, high: int, untestable: set[int]) -> int | None:
    """Return the candidate nearest to the middle between two that can be tested; None where there is none."""
    inner = [place for place in range(low + 1, high) if place not in untestable]
    return min(inner, key=lambda place: abs(2 * place - low - high), default=None)


def _is(verdict: Verdict) -> str:
    return verdict if verdict == Verdict.UNTESTABLE else f"is {verdict}"
