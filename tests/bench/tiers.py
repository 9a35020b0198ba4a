"""Running a tier against its floor: bare loops that make the same calls, one in each process."""

from __future__ import annotations

import contextlib
import functools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

__all__ = ["Measured", "measure", "processor_seconds", "run_tier"]

WORKERS = 2
HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Run:
    """One `hfci run`: its wall time and the processor-seconds of all its processes; the records of what it executed."""

    wall: float
    processor: float
    records: tuple[dict[str, Any], ...]

    @property
    def busiest(self) -> float:
        """The seconds that the worker with the most to do spent in cases."""
        spent: dict[str, float] = defaultdict(float)
        for record in self.records:
            spent[record["worker"]] += record["duration_s"]
        return max(spent.values())

    @property
    def peak(self) -> int:
        """The bytes that the largest worker grew to."""
        return max(record["peak_memory_bytes"] or 0 for record in self.records)


@dataclass(frozen=True)
class Measured:
    """What a run took, beside what it could have taken; seconds and bytes."""

    cases: int
    model_types: int
    wall: float
    start_up: float
    bare: float
    peak: int
    processor: float
    bare_processor: float

    @property
    def processor_ratio(self) -> float:
        """The processor-seconds over the bare loop's; of both without those of a run that does next to nothing."""
        return self.processor / self.bare_processor

    @property
    def seconds_each(self) -> float:
        """The processor-seconds of a model type, without those of a run that does next to nothing: its imports."""
        return self.processor / self.model_types

    @property
    def ratio(self) -> float:
        """The wall time over that of the longest bare loop and the start-up of the workers."""
        return self.wall / (self.bare + self.start_up)

    def __str__(self) -> str:
        """Return the numbers behind the ratio."""
        return (
            f"{self.cases} cases, {WORKERS} workers: {self.wall:.1f} s; bare: {self.bare:.1f} s; "
            f"start-up: {self.start_up:.1f} s; largest worker: {self.peak / 2**30:.2f} GiB; processor-seconds beyond "
            f"the start-up: {self.processor:.1f}, bare: {self.bare_processor:.1f}; checks executed in one: "
            f"{self.cases / self.processor:.1f}, bare: {self.cases / self.bare_processor:.1f}"
        )


@functools.cache
def measure(names: tuple[str, ...], tier: str = "smoke") -> Measured:
    """Run a tier of what `names` mean, nothing means everything, and make the same calls in bare loops.

    Each twice, the second time in the other order, so that neither alone pays for a machine that was cold or that
    grew slower meanwhile.
    """
    first = run_tier(names, tier)
    loops = [_bare(first.records), _bare(first.records)]
    runs = [first, run_tier(names, tier)]
    model_types = list(dict.fromkeys(record["model_type"] for record in first.records))
    least = run_tier(tuple(model_types[:WORKERS]), "smoke")
    return Measured(
        len(first.records),
        len(model_types),
        statistics.mean(run.wall for run in runs),
        least.wall - least.busiest,
        statistics.mean(seconds for seconds, _ in loops),
        max(run.peak for run in runs),
        statistics.mean(run.processor for run in runs) - least.processor,
        statistics.mean(processor for _, processor in loops) - _bare(least.records)[1],
    )


def run_tier(names: tuple[str, ...], tier: str = "smoke") -> Run:
    """Run `hfci run NAMES` with two workers; red or green, it must have executed something."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--tier", tier, "--workers", str(WORKERS), "--results", folder]
        start, before = time.perf_counter(), processor_seconds()
        command = [sys.executable, "-m", "hfci", "run", *names, *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        wall, processor = time.perf_counter() - start, processor_seconds() - before
        lines = [line for file in Path(folder).glob("*.jsonl") for line in file.read_text("utf-8").splitlines()[1:]]
    records = tuple(record for record in map(json.loads, lines) if record["worker"])
    if done.returncode not in (0, 1) or not records:
        sys.exit(f"{' '.join(command)} exits {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Run(wall, processor, records)


def processor_seconds() -> float:
    """Return the processor-seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _bare(records: tuple[dict[str, Any], ...]) -> tuple[float, float]:
    """Return the seconds and the processor-seconds of bare loops over the cases of `records`.

    As many at a time as the run had workers, each over the cases of one of them: a second busy core makes the first
    slower, by a twentieth where it was measured, and that is no doing of hfci's.
    """
    checks: dict[str, dict[tuple[str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        checks[record["worker"]][record["model_type"], record["architecture"]].append(record["check"])
    command = [sys.executable, str(HERE / "bare_checks.py")]
    with contextlib.ExitStack() as stack:
        loops = [
            stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True))
            for _ in checks
        ]
        for loop, own in zip(loops, checks.values(), strict=True):
            assert loop.stdin is not None
            json.dump([[*what, names] for what, names in own.items()], loop.stdin)
            loop.stdin.close()
        took = [tuple(map(float, loop.stdout.read().splitlines()[-1].split())) for loop in loops if loop.stdout]
    return max(seconds for seconds, _ in took), sum(processor for _, processor in took)
