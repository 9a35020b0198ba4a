"""Running the smoke tier against its floor: a bare loop that makes the same calls in one process."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Smoking", "measure", "run_smoke"]

WORKERS = 2
HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Run:
    """One `hfci run`: its wall time in seconds, and the records of the cases that it executed."""

    wall: float
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
class Smoking:
    """What a run took, beside what it could have taken; seconds and bytes."""

    cases: int
    wall: float
    start_up: float
    bare: float
    peak: int

    @property
    def ratio(self) -> float:
        """The wall time over the bare loop's share of each worker and the start-up of the workers."""
        return self.wall / (self.bare / WORKERS + self.start_up)

    def __str__(self) -> str:
        """Return the numbers behind the ratio."""
        return (
            f"{self.cases} cases, {WORKERS} workers: {self.wall:.1f} s; bare: {self.bare:.1f} s in one process; "
            f"start-up: {self.start_up:.1f} s; largest worker: {self.peak / 2**30:.2f} GiB"
        )


@functools.cache
def measure(names: tuple[str, ...]) -> Smoking:
    """Smoke what `names` mean, nothing means everything; then make the same calls in a bare loop."""
    whole = run_smoke(names)
    some = list(dict.fromkeys(record["model_type"] for record in whole.records))[:WORKERS]
    least = run_smoke(tuple(some))
    start_up = least.wall - least.busiest
    return Smoking(len(whole.records), whole.wall, start_up, _bare(whole.records), whole.peak)


def run_smoke(names: tuple[str, ...]) -> Run:
    """Run `hfci run NAMES` with two workers; red or green, it must have executed something."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--tier", "smoke", "--workers", str(WORKERS), "--results", folder]
        start = time.perf_counter()
        command = [sys.executable, "-m", "hfci", "run", *names, *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        wall = time.perf_counter() - start
        lines = [line for file in Path(folder).glob("*.jsonl") for line in file.read_text("utf-8").splitlines()[1:]]
    records = tuple(record for record in map(json.loads, lines) if record["worker"])
    if done.returncode not in (0, 1) or not records:
        sys.exit(f"{' '.join(command)} exits {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Run(wall, records)


def _bare(records: tuple[dict[str, Any], ...]) -> float:
    """Return the seconds of a bare loop over the cases of `records`."""
    checks: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records:
        checks[record["model_type"], record["architecture"]].append(record["check"])
    cases = json.dumps([[*what, names] for what, names in checks.items()])
    command = [sys.executable, str(HERE / "bare_checks.py"), str(WORKERS)]
    done = subprocess.run(command, cwd=ROOT, input=cases, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])
