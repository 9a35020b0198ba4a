"""What a plan has predicted beside what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hfci.planning.plan import Plan

__all__ = ["Makespan", "compare"]


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


def compare(plan: Plan, busiest: Mapping[int, float]) -> tuple[Makespan, ...]:
    """Return what became of each shard; `busiest` has, by shard, the seconds of cases of its busiest worker.

    Records do not tell how long the workers took to start: to the actual seconds, too, that is added as the plan
    assumes it.
    """
    return tuple(
        Makespan(
            shard.index,
            shard.name,
            shard.predicted_s,
            round(plan.start_up_s + busiest[shard.index], 3) if shard.index in busiest else None,
        )
        for shard in plan.shards
    )
