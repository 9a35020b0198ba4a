"""The file a history lies in: what is none, damage, upgrades, several writers, a full disk."""

from __future__ import annotations

import json
import random
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hfci import __version__
from hfci.errors import EnvironmentUnfit, UsageError
from hfci.results import read_results
from hfci.results.history import History
from tests.warm import COLD

from ..support import record, save
from .support import GOOD, add, dump

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from hfci.results import read_results
from hfci.results.history import History
for path in sys.argv[2:]:
    with History.open(Path(sys.argv[1]), create=True) as history:
        history.add(read_results([Path(path)]))
"""
FULL = """
import sys
from pathlib import Path
from hfci.errors import EnvironmentUnfit
from hfci.results import read_results
from hfci.results.history import History
try:
    with History.open(Path(sys.argv[1])) as history:
        history.add(read_results([Path(sys.argv[2])]))
except EnvironmentUnfit as error:
    sys.exit(f"unfit: {error}")
"""


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")


def newer(path: Path) -> None:
    with History.open(path, create=True):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("UPDATE about SET hfci = '9.9'")


def newer_of_nobody(path: Path) -> None:
    newer(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE about SET hfci = '9.9): all is well'")


def older(path: Path) -> None:
    """Make a history what hfci wrote as schema 1."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE about")
        connection.execute("PRAGMA user_version = 1")


def schema_of(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_history_of_the_earlier_schema_is_read_and_upgraded_when_it_is_written(tmp_path: Path, history: Path) -> None:
    save(tmp_path / "a", "a", GOOD)
    add(history, tmp_path / "a")
    older(history)
    with History.open(history) as opened:
        assert [point.run for point in opened.runs()] == ["a"]
    assert schema_of(history) == 1
    save(tmp_path / "b", "b", GOOD)
    assert add(history, tmp_path / "b") == {"b": "added"}
    assert schema_of(history) == 4
    with sqlite3.connect(history) as connection:
        assert connection.execute("SELECT * FROM about").fetchall() == [(__version__,)]
    with History.open(history) as opened:
        assert sorted(point.run for point in opened.runs()) == ["a", "b"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b""), "this is no history of hfci"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"x" * 5000), "this is no history of hfci"),
        (lambda path: path.write_text("{}\n" * 1000), "this is no history of hfci"),
        (lambda path: path.mkdir(), "no history at"),
        (lambda _: None, r"no history at .*hfci history add"),
        (foreign, "this is no history of hfci"),
        (newer, r"file \(written by hfci 9.9\): a history of schema 99, this hfci reads 1, 2"),
        (newer_of_nobody, "file: a history of schema 99, this hfci reads 1, 2"),
    ],
)
def test_what_is_no_history_is_refused(tmp_path: Path, make: Callable[[Path], Any], said: str) -> None:
    make(tmp_path / "file")
    with pytest.raises(UsageError, match=said):
        History.open(tmp_path / "file")


def test_another_database_is_not_made_a_history(tmp_path: Path) -> None:
    foreign(tmp_path / "file")
    before = (tmp_path / "file").read_bytes()
    with pytest.raises(UsageError, match="no history"):
        History.open(tmp_path / "file", create=True)
    assert (tmp_path / "file").read_bytes() == before


def test_a_damaged_history_says_so(tmp_path: Path, history: Path) -> None:
    save(tmp_path, "x", *(record(f"m{i}", "x", "failed", duration_s=i / 7) for i in range(500)))
    add(history, tmp_path)
    whole = history.read_bytes()
    numbers, told = random.Random(0), 0
    for _ in range(40):
        damaged = bytearray(whole)
        begin = numbers.randrange(100, len(whole) - 500)
        damaged[begin : begin + 500] = numbers.randbytes(500)
        history.write_bytes(damaged)
        # Whatever is hit, nothing but this error may come of it.
        with suppress(UsageError), History.open(history) as opened:
            opened.trends()
            opened.baseline("x")
            told -= 1
        told += 1
    assert told > 5


def test_a_bad_line_leaves_the_history_as_it_was(tmp_path: Path, history: Path) -> None:
    path = save(tmp_path, "x", GOOD, record("vit", "y", "passed"))
    results = read_results([path])
    path.write_text(path.read_text().replace('"vit"', "5"))
    before = dump(history)
    with History.open(history) as opened, pytest.raises(UsageError, match="no record of schema"):
        opened.add(results)
    assert dump(history) == before


@pytest.mark.parametrize("where", ["file/history", "folder"])
def test_what_cannot_be_opened_is_said(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(EnvironmentUnfit, match=r"history|opened"):
        History.open(tmp_path / where, create=True)


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    writers, runs = 5, 6
    for writer in range(writers):
        for run in range(runs):
            save(tmp_path, f"{writer}-{run}", GOOD, record(f"m{writer}-{run}", "x", "passed"))
        # A shard each of one run that all share.
        save(tmp_path, f"{writer}-shared", record(f"s{writer}", "x", "passed"))
        shared = tmp_path / f"records-{writer}-shared.jsonl"
        head, line = shared.read_text().splitlines()
        head = json.dumps({**json.loads(head), "run": "shared", "shard": writer})
        shared.write_text(f"{head}\n{line}\n")
    path = tmp_path / "history.sqlite"
    commands = [
        [COLD, "-c", WRITER, str(path), *map(str, sorted(tmp_path.glob(f"records-{writer}-*")))]
        for writer in range(writers)
    ]
    working = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for command in commands]
    assert [(one.communicate()[1], one.returncode) for one in working] == [(b"", 0)] * writers
    dump(path)
    with History.open(path) as opened:
        names = {point.run for point in opened.runs()}
        assert names == {f"{w}-{r}" for w in range(writers) for r in range(runs)} | {"shared"}
        assert len(opened.baseline("shared").observations) == writers
        cases = opened.trends().changes
    assert len(cases) == writers * runs + writers + 1


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, history: Path) -> None:
    save(tmp_path, "x", GOOD)
    with sqlite3.connect(history) as other:
        other.execute("BEGIN IMMEDIATE")
        with (
            History.open(history, patience_s=0.05) as opened,
            pytest.raises(EnvironmentUnfit, match="another process has been writing for too long"),
        ):
            opened.add(read_results([tmp_path]))
    assert add(history, tmp_path) == {"x": "added"}


def limit_files(size: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_a_full_disk_leaves_the_history_as_it_was(tmp_path: Path, history: Path) -> None:
    save(tmp_path / "old", "old", *(record(f"m{i}", "x", "passed") for i in range(300)))
    save(tmp_path / "new", "new", *(record(f"n{i}", "x", "failed", message="y" * 150) for i in range(3000)))
    add(history, tmp_path / "old")
    before, size = dump(history), history.stat().st_size
    whole = tmp_path / "whole"
    shutil.copy(history, whole)
    add(whole, tmp_path / "new")
    needed = whole.stat().st_size
    assert needed > size + 2**19
    refused = 0
    # From no room at all to all but the last page.
    for limit in [1, *range(size, needed, (needed - size) // 3), needed - 1]:
        command = [COLD, "-c", FULL, str(history), str(tmp_path / "new")]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=limit_files(limit)
        )
        refused += done.returncode == 1 and "the disk is full" in done.stderr
        assert dump(history) == before, limit
        assert done.returncode == 1, done.stderr
    assert refused >= 4
    assert add(history, tmp_path / "new") == {"new": "added"}
