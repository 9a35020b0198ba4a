"""What torch.compile makes of a forward: graphs, what breaks it into several, and what is compiled again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch._dynamo.utils import counters

from hfci.cases.measured import Break, Graphs
from hfci.catalog.facts import entry_point
from hfci.checks.compiled import uncompiled
from hfci.checks.running import copied, seeded
from hfci.tiny.bundles import standing_in

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["count_graphs"]

# The batches that are forwarded after the first: the same again, then others. torch.compile takes the number of rows
# for fixed until there is another one, and for any from then on: one more time, and no more, is what is due.
_FIRST, *_LATER = ((0, 1), (0, 1), (0, 1, 2), (0, 1, 2, 3))

_LONGEST = 300


def count_graphs(tiny: TinyModel) -> Graphs:
    """Compile the forward with a backend that runs each graph as it is, and count. Raises what a forward raises."""
    made: list[Any] = []

    def backend(graph: Any, _: Any) -> Callable[..., Any]:
        made.append(graph)
        run: Callable[..., Any] = graph.forward
        return run

    with uncompiled():
        other = copied(tiny)
        compiled = standing_in(
            other.model, other.inputs(), lambda model, _: torch.compile(entry_point(model), backend=backend)
        )
        _run(other, compiled, _FIRST)
        graphs, breaks = len(made), dict(counters["graph_break"])
        for rows in _LATER:
            _run(other, compiled, rows)
    reasons = ((reason.strip().splitlines() or ["?"], count) for reason, count in breaks.items())
    return Graphs(
        graphs=graphs,
        breaks=tuple(Break(lines[0][:_LONGEST], count) for lines, count in sorted(reasons)),
        recompilations=len(made) - graphs,
    )


def _run(tiny: TinyModel, compiled: Callable[..., Any], rows: tuple[int, ...]) -> None:
    with torch.no_grad(), seeded(tiny):
        compiled(**tiny.inputs(rows))
