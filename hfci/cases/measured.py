"""How fast a model is, as a case records it: times relative to a fixed workload's, and what compiling it meets."""

from __future__ import annotations

from typing import Annotated

import msgspec

__all__ = ["BREAKS", "COUNTS", "RECOMPILATIONS", "Break", "Graphs", "Measured", "Speed"]

# What is counted, by the name that a history keeps it under beside those of speeds.
COUNTS = BREAKS, RECOMPILATIONS = "graph breaks", "recompilations"

Count = Annotated[int, msgspec.Meta(ge=0, le=2**60)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One workload of a model.

    - `what`: `forward`, `prefill` or `decode`
    - `compiler`: the backend of torch.compile; None is uncompiled
    - `seconds`: that it took, the median
    - `rounds`: how many times as long as the reference it took in each round: they are how it scatters
    - `amount`, `unit`: of what it worked through meanwhile: tokens, images, seconds of audio
    """

    what: str
    compiler: str | None = None
    seconds: Amount
    rounds: Annotated[tuple[Amount, ...], msgspec.Meta(min_length=1)]
    amount: Amount
    unit: str

    @property
    def name(self) -> str:
        """What it is called: `decode`, `forward, inductor`."""
        return ", ".join(filter(None, (self.what, self.compiler)))

    @property
    def relative(self) -> float:
        """How many times as long as the reference it takes: the median of its rounds."""
        import statistics  # here, since every command imports this file

        return statistics.median(self.rounds)

    @property
    def sustained(self) -> float:
        """How many times as long as the reference it takes in every round but the fastest, which may be chance."""
        return sorted(self.rounds)[min(1, len(self.rounds) - 1)]

    @property
    def a_second(self) -> float:
        """How much of its unit it works through in a second."""
        return self.amount / self.seconds if self.seconds else 0.0


class Break(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why torch.compile cannot take a forward as one graph, and how often; its first line."""

    reason: str
    count: Count = 1


class Graphs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What torch.compile makes of a forward; these numbers are exact.

    - `graphs`: of its first call
    - `breaks`: that are between them, by reason
    - `recompilations`: graphs that later calls made, with the same inputs and with other sizes of a batch
    """

    graphs: Count
    breaks: tuple[Break, ...] = ()
    recompilations: Count = 0

    @property
    def counts(self) -> dict[str, int]:
        """The numbers that are kept track of, by name."""
        return {BREAKS: sum(each.count for each in self.breaks), RECOMPILATIONS: self.recompilations}


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was measured of a model.

    - `reference_s`: seconds that the reference took, the median: how fast the machine was; None where nothing was timed
    - `graphs`: None where torch.compile could not go through its forward
    - `stopped`: what could not be measured, and why, in a line
    """

    reference_s: Amount | None = None
    speeds: tuple[Speed, ...] = ()
    graphs: Graphs | None = None
    stopped: dict[str, str] = {}
