"""Causes: failures that one fault explains, as one row with one example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hfci.results.tally import Failure

__all__ = ["Cause", "group"]


@dataclass
class Cause:
    """Failures that one fault explains.

    - `fingerprint`: the same in every run; empty where the failure says nothing of its cause
    - `example`: the first of them, in the order in which they were given
    - `count`: how many cases
    - `families`, `model_types`, `outcomes`: of how many cases each
    - `touched`: how many of these cases depend on what changed since the baseline; None is unknown
    """

    fingerprint: str
    example: Failure
    count: int = 0
    families: Counter[str] = field(default_factory=Counter)
    model_types: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    touched: int | None = None

    def add(self, failure: Failure) -> None:
        """Count one failure of this cause."""
        self.count += 1
        self.families[failure.family] += 1
        self.model_types[failure.model_type] += 1
        self.outcomes[failure.outcome] += 1
        if failure.touched is not None:
            self.touched = (self.touched or 0) + failure.touched


def group(failures: Iterable[Failure]) -> tuple[Cause, ...]:
    """Return the causes of `failures` in their order; one that says nothing of its cause is one by itself."""
    causes: dict[str, Cause] = {}
    for failure in failures:
        key = failure.cause or f"case {failure.case}"
        if key not in causes:
            causes[key] = Cause(failure.cause, failure)
        causes[key].add(failure)
    return tuple(causes.values())
