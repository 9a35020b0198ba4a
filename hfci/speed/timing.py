"""Timing workloads in turn with the reference, so that what makes a machine slow makes both slow."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging import ERROR

from transformers.utils import logging

from hfci.speed.reference import reference
from hfci.tiny.devices import Device

__all__ = ["ROUNDS", "Stopwatch", "Times", "Workload"]

# Rounds of a sitting; in each, of each workload as many turns as fit a time, within limits.
ROUNDS = 3
_ROUND_S, _FEWEST, _MOST = 0.05, 5, 20

# Calls that are not timed: kernels are chosen, caches filled.
_WARM_UP = 2

# In each turn both run untimed first: what ran before is still in the processor's caches, or nothing is, on a busy one.
# Then the reference runs so often.
_COLD, _REFERENCES = 1, 2

# A call that returns how many seconds each of its parts took, by name.
Workload = Callable[[], Mapping[str, float]]


@dataclass
class Times:
    """What a part of a workload took: in seconds, each turn; relative to the reference, each round's least to its.

    Whatever else a machine does only adds: on a busy one the least of a round scatters half as much as its median.
    """

    seconds: list[float] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)


@dataclass
class Stopwatch:
    """Times workloads on a device, in several sittings, each with a reference of its own.

    - `references`: the seconds of each reference
    - `times`: by the names of a workload and of a part of it
    """

    device: Device
    references: list[float] = field(default_factory=list)
    times: dict[tuple[str, str], Times] = field(default_factory=dict)

    def sit(self, workloads: Mapping[str, Workload]) -> None:
        """Time each workload in each round. Raises what one raises."""
        run_reference = reference(self.device.place)
        with _undisturbed():
            for run in (run_reference, *workloads.values()):
                for _ in range(_WARM_UP):
                    run()
            for _ in range(ROUNDS):
                for name, run in workloads.items():
                    self._take(name, list(self._turns(run, run_reference)))

    def _take(self, name: str, turns: list[tuple[float, Mapping[str, float]]]) -> None:
        references = [took for took, _ in turns]
        self.references += references
        for part in turns[0][1]:
            found = self.times.setdefault((name, part), Times())
            seconds = [parts[part] for _, parts in turns]
            found.seconds += seconds
            found.rounds.append(min(seconds) / min(references))

    def _turns(self, run: Workload, run_reference: Callable[[], object]) -> Iterator[tuple[float, Mapping[str, float]]]:
        """Yield the seconds of the reference and of the parts of the workload, turn by turn."""
        began = self.device.seconds()
        for turn in range(_MOST):
            if turn >= _FEWEST and self.device.seconds() - began > _ROUND_S:
                return
            for _ in range(_COLD):
                run_reference()
            before = self.device.seconds()
            for _ in range(_REFERENCES):
                run_reference()
            took = (self.device.seconds() - before) / _REFERENCES
            for _ in range(_COLD):
                run()
            yield took, run()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Have no garbage collected meanwhile, and nothing but errors logged."""
    is_enabled, verbosity = gc.isenabled(), logging.get_verbosity()
    gc.collect()
    gc.disable()
    logging.set_verbosity(ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if is_enabled:
            gc.enable()
