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
from typing import NamedTuple

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

__all__ = ["Reporting", "Size", "Spent", "floor", "measure", "peak", "report", "set_up"]

ROUNDS = 3


@dataclass(frozen=True)
class Size:
    """How much there is to report over: the cases of a run, and how many runs the history has before the newest."""

    model_types: int = 800
    architectures: int = 10
    checks: int = 25
    runs: int = 400

    @property
    def records(self) -> int:
        """How many cases a run has."""
        return self.model_types * self.architectures * self.checks


class Spent(NamedTuple):
    """Seconds for each part of adding and reporting, and the bytes that the process grew to."""

    adding: float
    trends: float
    summary: float
    pages: float
    peak: float


@dataclass(frozen=True)
class Reporting:
    """What it took, beside its floor in seconds; `file` is the history's size in bytes."""

    size: Size
    file: int
    floor: float
    spent: Spent

    @property
    def ratio(self) -> float:
        """The time to add and to report over the floor."""
        return sum(self.spent[:-1]) / self.floor

    def __str__(self) -> str:
        """Return the numbers behind the ratio."""
        of = self.spent
        return (
            f"{self.size.records} records to {self.size.runs} runs of as many cases ({self.file / 2**20:.0f} MiB): "
            f"added in {of.adding:.1f} s, trends in {of.trends:.1f} s, compared and summarized in {of.summary:.1f} s, "
            f"every format in {of.pages:.1f} s; json.loads and a bulk insert: {self.floor:.1f} s; "
            f"ratio {self.ratio:.1f}; memory {of.peak / 2**30:.2f} GiB"
        )


def measure() -> list[float]:
    """Return the ratio of each round."""
    return [reporting.ratio for reporting in _measured()]


def peak() -> list[float]:
    """Return the GiB that the process which adds and reports grew to, in each round."""
    return [reporting.spent.peak / 2**30 for reporting in _measured()]


@functools.cache
def _measured() -> tuple[Reporting, ...]:
    with tempfile.TemporaryDirectory() as folder:
        records, history = set_up(Path(folder), Size())
        return tuple(_round(records, history) for _ in range(ROUNDS))


def _round(records: Path, history: Path) -> Reporting:
    with tempfile.TemporaryDirectory(dir=history.parent) as folder:
        copy = Path(folder) / "history.sqlite"
        copy.write_bytes(history.read_bytes())
        (bare,) = _child("floor", records, Path(folder) / "bare.sqlite")
        spent = Spent(*_child("report", records, copy))
        return Reporting(Size(), copy.stat().st_size, bare, spent)


def _child(what: str, records: Path, database: Path) -> list[float]:
    command = [sys.executable, str(HERE), what, str(records), str(database)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} exits {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def set_up(folder: Path, size: Size) -> tuple[Path, Path]:
    """Write the newest run's records, and a history of earlier ones with as many cases; return both paths.

    The earlier runs are written as columns, with noise and a drift: as records they would be 40 GB.
    """
    import numpy as np

    path = _write_records(folder, size)
    history = folder / "history.sqlite"
    random = np.random.default_rng(0)
    with History.open(history, create=True) as opened, opened._database.writing() as connection:
        vocabulary = Vocabulary(connection)
        results = read_results([path])
        (part,) = parts_of(results)
        gathered = gather(results, {part.key: 1}, vocabulary)
        columns = dict(gathered.columns)
        vocabulary.save(connection)
        causes = [cause for cause in np.unique(columns["cause"]).tolist() if cause]
        level = columns["duration_s"].astype(np.float32)
        count = len(level)
        for run in range(size.runs):
            noise = random.normal(0, 20, count) + np.where(random.random(count) < 0.01, 160, 0)
            shared = 30 * run / size.runs + random.normal(0, 5)
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
            point = make_point(header.run, parts, columns, vocabulary)
            write_run(connection, None, point, parts, columns, gathered.speeds)
    return path, history


def _write_records(folder: Path, size: Size) -> Path:
    names = [
        (f"model-type-{model}", f"ModelType{model}ForTask{architecture}", f"check_number_{check}_is_kept")
        for model in range(size.model_types)
        for architecture in range(size.architectures)
        for check in range(size.checks)
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


def floor(records: Path, database: Path) -> tuple[float]:
    """Read the lines, and insert them at once into `database`; return the seconds that took."""
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
    return (time.perf_counter() - start,)


def report(records: Path, database: Path) -> Spent:
    """Add the newest run, and report over all in every form, beside `database`."""
    clock = [time.perf_counter()]
    with History.open(database) as history:
        results = read_results([records])
        history.add(results)
        clock.append(time.perf_counter())
        trends = history.trends("main")
        propose(trends.flaky, date(2026, 1, 1))
        clock.append(time.perf_counter())
        comparison = compare_results(results, history.baseline(trends.points[-2].run))
        summary = summarize(results, comparison, trends)
        clock.append(time.perf_counter())
    write_summary(database.with_name("summary.md"), summary)
    write_wall(database.with_name("wall.html"), [Board("main", trends, {})])
    write_dashboard(database.with_name("index.html"), results, summary, comparison, trends)
    for name, one in FORMATS.items():
        one.write(database.with_name(name), results, summary)
    clock.append(time.perf_counter())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    adding, telling, summarizing, writing = (end - start for start, end in itertools.pairwise(clock))
    return Spent(adding, telling, summarizing, writing, peak)


def main() -> int:
    """Measure, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("floor", "report"))
    parser.add_argument("paths", nargs="*", type=Path)
    arguments = parser.parse_args()
    if arguments.what is not None:
        print(json.dumps((floor if arguments.what == "floor" else report)(*arguments.paths)))
        return 0
    for reporting in _measured():
        print(reporting)
    return 0


if __name__ == "__main__":
    sys.exit(main())
