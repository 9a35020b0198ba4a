"""All that is measured of one tiny model."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from hfci.cases.measured import Measured, Speed
from hfci.checks.applicability import NotApplicable
from hfci.checks.compiled import uncompiled
from hfci.checks.running import copied
from hfci.errors import in_one_line
from hfci.speed.graphs import count_graphs
from hfci.speed.limits import Clock, TimeUp
from hfci.speed.timing import ROUNDS, Stopwatch, Workload
from hfci.speed.workloads import DECODE, Amount, amount_of, compiled_forward, forward, generation, rows_of
from hfci.tiny.devices import find_device

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["compiler_for", "measure"]

EAGER, GENERATE, GRAPHS = "forward", "generate", "graphs"

# In how many sittings each workload is timed: what only one of them has may be an accident, and is not told.
_SITTINGS = 2

Thing = TypeVar("Thing")


def compiler_for(kind: str) -> str:
    """Return the compiler whose speed is measured on a kind of device: on an accelerator inductor, which takes long.

    On the processor what it takes to hand a compiled graph its arguments is most of what a tiny model takes.
    """
    return "aot_eager" if kind == "cpu" else "inductor"


def measure(tiny: TinyModel, limit_s: float = 0.0) -> Measured:
    """Measure a tiny model on its device; what stops is told by name, and the rest goes on.

    Each workload is timed in two sittings, with copies of the model that lie elsewhere in memory, and seconds between:
    what both show is no accident of a place or a moment. Timing may take `limit_s`, and counting graphs as long again;
    0 is without limit. What is not done then stops too.
    """
    measuring = _Measuring(tiny, Clock(limit_s))
    measuring.sit(measuring.eager())
    graphs = measuring.attempt(GRAPHS, lambda: count_graphs(tiny), Clock(limit_s))
    with uncompiled():
        compiled = measuring.compiled()
        measuring.sit(compiled)
        measuring.sit(measuring.eager())
        measuring.sit(compiled)
    return Measured(
        reference_s=measuring.reference_s,
        speeds=tuple(measuring.speeds()),
        graphs=graphs,
        stopped=measuring.stopped,
    )


class _Measuring:
    """What is measured of one model, and what could not be."""

    def __init__(self, tiny: TinyModel, clock: Clock) -> None:
        self.tiny = tiny
        self.clock = clock
        self.device = find_device(str(tiny.device))
        self.watch = Stopwatch(self.device)
        self.compiler = compiler_for(self.device.place.type)
        self.stopped: dict[str, str] = {}

    def attempt(self, name: str, make: Callable[[], Thing], clock: Clock | None = None) -> Thing | None:
        """Return what `make` does; None where it stops, does not apply, or there is no time left."""
        try:
            with (clock or self.clock).running():
                return make()
        except NotApplicable:
            return None
        except (Exception, TimeUp) as error:
            self.stopped[name] = in_one_line(error)
            return None

    def eager(self) -> dict[str, Workload]:
        """Return the workloads of a copy of the model, uncompiled."""
        other = copied(self.tiny)
        made = self._workload(EAGER, lambda: forward(other, self.device))
        if other.model.can_generate():
            made |= self._workload(GENERATE, lambda: generation(other, self.device))
        return made

    def compiled(self) -> dict[str, Workload]:
        """Return the workload of a copy of the model that is compiled, if its class says that it can be."""
        if getattr(self.tiny.model, "_can_compile_fullgraph", False) is not True:
            return {}
        return self._workload(self.compiler, lambda: compiled_forward(self.tiny, self.compiler, self.device))

    def _workload(self, name: str, make: Callable[[], Workload]) -> dict[str, Workload]:
        made = self.attempt(name, make)
        return {name: made} if made is not None and self.attempt(name, made) is not None else {}

    def sit(self, workloads: dict[str, Workload]) -> None:
        """Time what there is."""
        if workloads:
            self.attempt(", ".join(workloads), lambda: self.watch.sit(workloads))

    @property
    def reference_s(self) -> float | None:
        """What the reference took; None where nothing was timed beside it."""
        return round(statistics.median(self.watch.references), 7) if self.watch.references else None

    def speeds(self) -> Iterator[Speed]:
        """Yield what was timed."""
        inputs = self.tiny.inputs()
        whole, a_token = amount_of(self.tiny, inputs), Amount(rows_of(inputs), "tokens")
        for (name, part), found in self.watch.times.items():
            if len(found.rounds) < _SITTINGS * ROUNDS:
                continue
            amount = a_token if part == DECODE else whole
            yield Speed(
                what=part,
                compiler=name if name == self.compiler else None,
                seconds=round(statistics.median(found.seconds), 7),
                rounds=tuple(round(each, 4) for each in found.rounds),
                amount=amount.number,
                unit=amount.unit,
            )
