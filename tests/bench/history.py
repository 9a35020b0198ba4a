"""Adding a run to a long history and reporting over both, against the floor: reading the lines, one bulk insert.

`python tests/bench/history.py` prints the numbers. The floor and what is measured run in a process of their own each,
so that the memory is theirs alone.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import msgspec

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(ROOT))

from hfci.cases.case import Case  # noqa: E402
from hfci.cases.outcome import Outcome  # noqa: E402
from hfci.cases.records import Error, Frame, Header, Record, records_file  # noqa: E402
from hfci.results import read_results, summarize  # noqa: E402
from hfci.results.comparison import compare_results  # noqa: E402
from hfci.results.dashboard import write_dashboard  # noqa: E402
from hfci.results.formats import FORMATS  # noqa: E402
from hfci.results.history import History  # noqa: E402
from hfci.results.history.columns import CODE  # noqa: E402
from hfci.results.history.identifiers import Vocabulary  # noqa: E402
from hfci.results.history.ingestion import gather, make_point, parts_of  # noqa: E402
from hfci.results.history.stored import forget_identities, write_run  # noqa: E402
from hfci.results.markdown import write_summary  # noqa: E402
from hfci.results.quarantine import propose  # noqa: E402
from hfci.results.wall import Board, write_wall  # noqa: E402
from hfci.testing.record_writer import RecordWriter  # noqa: E402

__all__ = ["Reporting", "measure", "peak", "set_up"]

MODEL_TYPES, ARCHITECTURES, CHECKS = 800, 10, 25
RUNS = 400
ROUNDS = 3


@dataclass(frozen=True)
class Reporting:
    """What it took, beside its floor; seconds and bytes."""

    records: int
    runs: int
    file: int
    floor: float
    adding: float
    trends: float
    summary: float
    pages: float
    peak: int

    @property
    def ratio(self) -> float:
        """The time to add and to report over the floor."""
        return (self.adding + self.trends + self.summary + self.pages) / self.floor

    def __str__(self) -> str:
        """Return the numbers behind the ratio."""
        return (
            f"{self.records} records to {self.runs} runs of as many cases ({self.file / 2**20:.0f} MiB): added in "
            f"{self.adding:.1f} s, trends in {self.trends:.1f} s, compared and summarized in {self.summary:.1f} s, "
            f"every format in {self.pages:.1f} s; json.loads and a bulk insert: {self.floor:.1f} s; "
            f"ratio {self.ratio:.1f}; memory {self.peak / 2**30:.2f} GiB"
        )


def measure() -> list[float]:
    """Return the ratio of each round."""
    return [reporting.ratio for reporting in _measured()]


def peak() -> list[float]:
    """Return the GiB that the process which adds and reports grew to, in each round."""
    return [reporting.peak / 2**30 for reporting in _measured()]


@functools.cache
def _measured() -> tuple[Reporting, ...]:
    with tempfile.TemporaryDirectory() as folder:
        records, history = set_up(Path(folder))
        return tuple(_round(records, history) for _ in range(ROUNDS))


def _round(records: Path, history: Path) -> Reporting:
    with tempfile.TemporaryDirectory(dir=history.parent) as folder:
        copy = Path(folder) / "history.sqlite"
        copy.write_bytes(history.read_bytes())
        (floor,) = _child("floor", records, Path(folder) / "bare.sqlite")
        *spent, memory = _child("report", records, copy)
        size = copy.stat().st_size
    count = MODEL_TYPES * ARCHITECTURES * CHECKS
    return Reporting(count, RUNS, size, floor, *spent, int(memory))


def _child(what: str, records: Path, database: Path) -> list[float]:
    command = [sys.executable, str(HERE), what, str(records), str(database)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} exits {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def set_up(folder: Path) -> tuple[Path, Path]:
    """Write the newest run's records, and a history of `RUNS` earlier ones with as many cases; return both paths.

    The earlier runs are written as columns, with noise and a drift: as records they would be 40 GB.
    """
    import numpy as np

    path = _write_records(folder)
    history = folder / "history.sqlite"
    random = np.random.default_rng(0)
    with History.open(history, create=True) as opened, opened._database.writing() as connection:
        vocabulary = Vocabulary(connection)
        results = read_results([path])
        (part,) = parts_of(results)
        columns = dict(gather(results, {part.key: 1}, vocabulary).columns)
        vocabulary.save(connection)
        causes = [cause for cause in np.unique(columns["cause"]).tolist() if cause]
        level = columns["duration_s"].astype(np.float32)
        count = len(level)
        for run in range(RUNS):
            noise = random.normal(0, 20, count) + np.where(random.random(count) < 0.01, 160, 0)
            shared = 30 * run / RUNS + random.normal(0, 5)
            columns["duration_s"] = np.maximum(1, np.rint(level + noise + shared)).astype(np.uint16)
            is_bad = random.random(count) < 0.002
            columns["outcome"] = np.where(is_bad, CODE[Outcome.FAILED], CODE[Outcome.PASSED])
            columns["cause"] = np.where(is_bad, random.choice(causes, count), 0)
            columns["seen"] = 1 << columns["outcome"]
            columns["identity"] = random.integers(0, 2**32, count, np.uint32)
            header = Header(
                run=f"run-{run:03}",
                started=f"{2024 + run // 360}-{1 + run % 360 // 30:02}-{1 + run % 30:02}T00:00:00+00:00",
                commit=f"{run:040x}",
                branch="main",
                versions={},
                device="cpu",
                tier="smoke",
                planned=count,
            )
            parts = [replace(part, header=header)]
            forget_identities(connection)
            write_run(connection, None, make_point(header.run, parts, columns, vocabulary), parts, columns)
    return path, history


def _write_records(folder: Path) -> Path:
    names = [
        (f"model-type-{model}", f"ModelType{model}ForTask{architecture}", f"check_number_{check}_is_kept")
        for model in range(MODEL_TYPES)
        for architecture in range(ARCHITECTURES)
        for check in range(CHECKS)
    ]
    head = Header(
        run="newest",
        started="2026-01-01T00:00:00+00:00",
        commit="c" * 40,
        branch="main",
        versions={"torch": "2.9"},
        device="cpu",
        tier="smoke",
        planned=len(names),
    )
    frames = [Frame("transformers/cache_utils.py", line, f"Cache.of_{line}", "x") for line in range(40)]
    errors = [Error("RuntimeError", "differs from {} by {}", "line\n" * 40, frame) for frame in frames]
    writer = RecordWriter(folder / records_file(head))
    writer.write(head)
    for number, (model_type, architecture, check) in enumerate(names):
        is_bad = number % 500 == 0
        case = Case(model_type, architecture, "text_encoder", check, "smoke", "cpu")
        record = Record.of(
            case,
            Outcome.FAILED if is_bad else Outcome.PASSED,
            stage="check" if is_bad else None,
            error=_error(errors[number // 500 % len(errors)], number) if is_bad else None,
            duration_s=0.05 + number % 997 / 100,
            setup_s=0.01,
            call_s=0.04,
            peak_memory_bytes=500_000_000 + number,
            worker="gw0",
            fingerprint=f"{number:064x}",
            reproduce=f"hfci run {architecture} --check {check} --tier smoke --device cpu",
        )
        writer.write(record)
    writer.close()
    return writer.path


def _error(error: Error, number: int) -> Error:
    """Return an error of the same cause with other sizes."""
    return msgspec.structs.replace(error, message=error.message.format(number, number / 7))


def _floor(records: Path, database: Path) -> list[float]:
    start = time.perf_counter()
    sqlite3.register_adapter(dict, json.dumps)
    with records.open("rb") as file:
        next(file)
        rows = [tuple(json.loads(line).values()) for line in file]
    connection = sqlite3.connect(database)
    fields = ", ".join(f'"{name}"' for name in Record.__struct_fields__)
    with connection:
        connection.execute(f"CREATE TABLE records ({fields})")
        marks = ", ".join("?" * len(Record.__struct_fields__))
        connection.executemany(f"INSERT INTO records VALUES ({marks})", rows)
    connection.close()
    return [time.perf_counter() - start]


def _report(records: Path, database: Path) -> list[float]:
    clock = [time.perf_counter()]
    with History.open(database) as history:
        results = read_results([records])
        history.add(results)
        clock.append(time.perf_counter())
        trends = history.trends("main")
        propose(trends.flaky, date(2026, 1, 1))
        clock.append(time.perf_counter())
        comparison = compare_results(results, history.baseline(f"run-{RUNS - 1:03}"))
        summary = summarize(results, comparison, trends)
        clock.append(time.perf_counter())
    write_summary(database.with_name("summary.md"), summary)
    write_wall(database.with_name("wall.html"), [Board("main", trends, {})])
    write_dashboard(database.with_name("index.html"), results, summary, comparison, trends)
    for name, one in FORMATS.items():
        one.write(database.with_name(name), results, summary)
    clock.append(time.perf_counter())
    assert len(trends.points) == RUNS + 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return [*(end - start for start, end in itertools.pairwise(clock)), peak]


def main() -> int:
    """Measure, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("floor", "report"))
    parser.add_argument("paths", nargs="*", type=Path)
    arguments = parser.parse_args()
    if arguments.what is not None:
        print(json.dumps((_floor if arguments.what == "floor" else _report)(*arguments.paths)))
        return 0
    for reporting in _measured():
        print(reporting)
    return 0


if __name__ == "__main__":
    sys.exit(main())
