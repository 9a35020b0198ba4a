"""A process that adds runs is killed at random points: what it acknowledged is there, and nothing is half there."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.results.history import History
from hfci.results.history.columns import OUTCOMES
from tests.warm import COLD

from ..support import record, save

ROOT = Path(__file__).parents[2]
KILLS = 100
RUNS = 1500
CASES = 25

# Told what is still to be added, it forks, so that the interpreter starts once; the child adds runs until it is killed.
PARENT = """
import os, signal, sys
from pathlib import Path
from hfci.results import read_results
from hfci.results.history import History
history, folder = map(Path, sys.argv[1:])
for line in sys.stdin:
    child = os.fork()
    if not child:
        for run in line.split():
            with History.open(history, create=True) as opened:
                opened.add(read_results([folder / f"records-{run}.jsonl"]))
            os.write(1, f"{run}\\n".encode())
        signal.pause()
    os.write(1, f"{child}\\n".encode())
    os.waitpid(child, 0)
    os.write(1, b"gone\\n")
"""


def test_a_hundred_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    numbers = random.Random(0)
    runs = {f"run-{number:04}": records_of(number, numbers) for number in range(RUNS)}
    for name, records in runs.items():
        save(tmp_path, name, *records)
    history = tmp_path / "history.sqlite"
    acknowledged: list[str] = []
    cut_off, took = 0, 0.1
    command = [COLD, "-c", PARENT, str(history), str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        for _ in range(KILLS):
            # The first one may have been cut off, or be there and not acknowledged; adding it again is fine.
            print(*list(runs)[len(acknowledged) :], file=parent.stdin, flush=True)
            child = int(parent.stdout.readline())
            # At any moment of what follows the next few that are acknowledged.
            begin, waits = time.perf_counter(), numbers.randint(0, 2)
            acknowledged += [parent.stdout.readline().strip() for _ in range(waits)]
            took = (time.perf_counter() - begin) / waits if waits else took
            time.sleep(numbers.uniform(0, 1.5 * took))
            os.kill(child, signal.SIGKILL)
            while (line := parent.stdout.readline().strip()) != "gone":
                acknowledged.append(line)
            cut_off += Path(f"{history}-journal").exists()
            if history.exists():
                check(history, runs, acknowledged)
        parent.stdin.close()
    # Kills that hit nothing prove nothing.
    assert len(acknowledged) > KILLS // 2
    assert cut_off > 5
    with History.open(history) as opened:
        assert len(opened.trends().points) >= len(acknowledged)


def records_of(number: int, numbers: random.Random) -> list[Record]:
    """Return records of which some are of cases that no other run has."""
    return [
        record(f"{number if case % 5 == 0 else 'm'}-{case}", "x", numbers.choice(OUTCOMES), reason="x" * 150)
        for case in range(CASES)
    ]


def check(history: Path, runs: dict[str, list[Record]], acknowledged: list[str]) -> None:
    """Every acknowledged run is there, at most one more, and each with all that belongs to it."""
    with closing(sqlite3.connect(history)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        has_schema = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
    assert has_schema or not acknowledged
    if not has_schema:
        return
    with History.open(history) as opened:
        there = {point.run: point for point in opened.runs()}
        last = opened.baseline(max(there)) if there else None
    assert set(acknowledged) <= there.keys()
    assert len(there) <= len(acknowledged) + 1
    for name, point in there.items():
        assert point.outcomes["failed"] == sum(one.outcome == Outcome.FAILED for one in runs[name])
    if last is not None:
        assert {case: one.outcome for case, one in last.observations.items()} == {
            one.case: one.outcome for one in runs[last.run]
        }
