"""What a plan has predicted beside what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hfci.planning.plan import Plan

__all__ = ["Makespan", "plan_accuracy"]


@dataclass(frozen=True)
class Makespan:
    """One shard: the seconds from the start of its workers to the end of the busiest, predicted and actual.

    `actual_s` is None for a shard that left no records.
    """

    index: int
    name: str
    predicted_s: float
    actual_s: float | None

    @property
    def ratio(self) -> float | None:
        """The actual seconds over the predicted ones."""
        return self.actual_s / self.predicted_s if self.actual_s is not None and self.predicted_s else None


def plan_accuracy(plan: Plan, busiest: Mapping[int, float], start_up: Mapping[int, float]) -> tuple[Makespan, ...]:
    """Return what became of each shard, by its index.

    - `busiest`: the seconds of cases of its busiest worker
    - `start_up`: how long its workers took to start, as its records say; where they do not, as the plan assumes it
    """
    return tuple(
        Makespan(
            shard.index,
            shard.name,
            shard.predicted_s,
            round(start_up.get(shard.index, plan.start_up_s) + busiest[shard.index], 3)
            if shard.index in busiest
            else None,
        )
        for shard in plan.shards
    )
