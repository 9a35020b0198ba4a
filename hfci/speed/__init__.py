"""How fast a tiny model is: its workloads, timed in turn with a fixed one, and what torch.compile makes of it."""

from __future__ import annotations

from hfci.speed.measuring import measure

__all__ = ["measure"]
