from __future__ import annotations

import itertools
import json
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hfci import __version__
from hfci.cases.outcome import EXECUTED, RED, Outcome
from hfci.cases.records import Record
from hfci.errors import EnvironmentUnfit, NothingToDo, UsageError
from hfci.results import Results, read_results, summarize
from hfci.results.comparison import baseline_of
from hfci.results.history import Added, History, Pruned
from hfci.results.history.columns import LAYOUT, QUANTITIES, decode, encode, measured, quantised

from ..support import record, save

ROOT = Path(__file__).parents[2]
GOOD = record("bert", "builds_tiny", "passed", duration_s=1.5, peak_memory_bytes=10**9)
BAD = record("bert", "builds_tiny", "failed", message="first\nsecond", reason="because", reproduce="hfci run bert")


def news(added: tuple[Added, ...]) -> dict[str, str]:
    return {one.run: str(one.news) for one in added}


def dump(path: Path) -> list[str]:
    """Return all that a history says; the numbers and the order of rows are no part of it."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return list(connection.iterdump())


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.sqlite"
    with History.open(path, create=True):
        pass
    return path


def add(history: Path, *paths: Path) -> dict[str, str]:
    with History.open(history) as opened:
        return news(opened.add(read_results(paths)))


def test_what_was_added_is_there(tmp_path: Path, history: Path) -> None:
    save(tmp_path, "x", GOOD, branch="main", commit="c" * 40)
    assert add(history, tmp_path) == {"x": "added"}
    with History.open(history) as opened:
        (point,) = opened.runs()
        observation = opened.baseline("x").observations[GOOD.case]
    assert (point.run, point.branch, point.commit, point.green, point.executed) == ("x", "main", "c" * 40, True, 1)
    assert observation.duration_s == pytest.approx(1.5, rel=0.006)
    assert observation.peak_memory_bytes == pytest.approx(10**9, rel=0.006)
    assert list(tmp_path.glob("history*")) == [history]


def test_runs_in_any_order_make_the_same_history(tmp_path: Path) -> None:
    for night in range(4):
        outcome = "failed" if night in (1, 3) else "passed"
        fields = {"started": f"2026-01-0{4 - night}", "branch": "main", "commit": f"{night}"}
        save(tmp_path / "records", f"run-{night}", record("bert", "x", outcome, fingerprint="f"), GOOD, **fields)
    files = sorted((tmp_path / "records").iterdir())
    told = []
    for number, order in enumerate(itertools.permutations(files)):
        with History.open(tmp_path / f"{number}", create=True) as opened:
            for path in order:
                opened.add(read_results([path]))
            told.append((opened.runs(), opened.trends()))
    assert [point.run for point in told[0][0]] == ["run-3", "run-2", "run-1", "run-0"]
    assert all(one == told[0] for one in told)


def test_adding_again_changes_nothing(tmp_path: Path, history: Path) -> None:
    save(tmp_path, "x", GOOD, shard=0)
    save(tmp_path, "x", record("vit", "y", "failed"), shard=1)
    add(history, tmp_path)
    before = history.read_bytes()
    assert add(history, tmp_path) == {"x": "known"}
    assert add(history, next(tmp_path.glob("records-x-1*"))) == {"x": "known"}
    assert history.read_bytes() == before


def test_the_same_run_with_another_content_is_refused(tmp_path: Path, history: Path) -> None:
    save(tmp_path / "one", "x", GOOD, shard=3)
    save(tmp_path / "two", "x", BAD, shard=3)
    add(history, tmp_path / "one")
    before = dump(history)
    with pytest.raises(UsageError, match="two different files of attempt 1 at shard 3 of run 'x'"):
        add(history, tmp_path / "two")
    assert dump(history) == before


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_parts_of_a_run_may_come_late(tmp_path: Path, history: Path, order: tuple[int, ...]) -> None:
    vit = record("vit", "y", "passed")
    paths = [
        save(tmp_path, "x", BAD, vit, shard=0),
        save(tmp_path, "x", GOOD, vit, shard=0, attempt=2),
        save(tmp_path, "x", record("clip", "z", "passed"), shard=1),
    ]
    found = [add(history, paths[index])["x"] for index in order]
    assert found == ["added", "extended", "extended"]
    with History.open(history) as opened:
        (point,) = opened.runs()
        outcomes = {case: one.outcome for case, one in opened.baseline("x").observations.items()}
        (flake,) = opened.trends().flaky
        said = opened.failings(BAD.case)
    assert outcomes == {one.case: "passed" for one in read_results([tmp_path])}
    assert (point.green, point.planned, point.ladder) == (True, 3, summarize(read_results([tmp_path])).ladder)
    assert (flake.case, flake.passed, flake.failed) == (GOOD.case, 1, 1)
    assert [(one.message, one.reason, one.reproduce) for one in said] == [("first", "because", "hfci run bert")]


def test_a_case_that_nobody_ran_is_red_until_its_shard_comes(tmp_path: Path, history: Path) -> None:
    first = save(tmp_path, "x", GOOD, shard=0)
    late = record("vit", "y", "passed")
    absent = record("vit", "y", "not-run", reason="shard 1 is missing")
    with History.open(history) as opened:
        results = read_results([first]).lacking([absent])
        assert news(opened.add(results)) == {"x": "added"}
        assert news(opened.add(results)) == {"x": "known"}
        (point,) = opened.runs()
        assert (point.green, point.outcomes["not-run"], point.planned) == (False, 1, 2)
        assert opened.trends().streaks.keys() == {late.case}
        assert news(opened.add(read_results([save(tmp_path, "x", late, shard=1)]))) == {"x": "extended"}
        (point,) = opened.runs()
        assert (point.green, point.planned) == (True, 2)
        assert (opened.trends().streaks, opened.trends().flaky) == ({}, ())


def test_not_run_and_then_passed_is_no_flake(tmp_path: Path, history: Path) -> None:
    save(tmp_path, "x", record("bert", "x", "not-run", fingerprint="f"))
    save(tmp_path, "x", record("bert", "x", "passed", fingerprint="f"), attempt=2)
    add(history, tmp_path)
    with History.open(history) as opened:
        assert opened.trends().flaky == ()


def random_run(folder: Path, run: str, seed: int, **fields: Any) -> Results:
    """Write a run of several shards and attempts, some torn or short, with every outcome, stage and device."""
    numbers = random.Random(seed)
    for shard in range(3):
        cases = [(model, check) for model in ("bert", "vit", "clip") for check in ("builds_tiny", "x", "y", None)]
        for attempt in range(1, numbers.randint(1, 2) + 1):
            records = [
                record(
                    f"{model}{shard}",
                    check,
                    numbers.choice([*Outcome]),
                    stage=numbers.choice([None, "build", "inputs", "forward", "check"]),
                    task=numbers.choice([None, "fill-mask"]),
                    duration_s=numbers.choice([0.0, numbers.expovariate(1)]),
                    device=numbers.choice(["cpu", "cuda:0"]),
                )
                for model, check in cases
            ]
            path = save(folder, run, *records, shard=shard, attempt=attempt, planned=numbers.choice([12, 15]), **fields)
            if numbers.random() < 0.3:
                path.write_bytes(path.read_bytes()[: -numbers.randint(1, 40)])
    return read_results([folder])


@pytest.mark.parametrize("seed", range(8))
def test_a_point_counts_as_the_summary_and_as_plain_python_do(tmp_path: Path, history: Path, seed: int) -> None:
    results = random_run(tmp_path / "records", "x", seed)
    paths = sorted((tmp_path / "records").iterdir())
    random.Random(seed).shuffle(paths)
    for path in paths:
        add(history, path)
    with History.open(history) as opened:
        (point,) = opened.runs()
        observations = opened.baseline("x").observations
    records = list(results)
    counts = Counter(one.outcome for one in records)
    counts[Outcome.NOT_RUN] += results.missing
    assert point.outcomes == {outcome.value: counts[outcome] for outcome in Outcome}
    assert point.planned == len(records) + results.missing
    assert point.executed == sum(one.outcome in EXECUTED for one in records)
    assert point.green == (not any(counts[outcome] for outcome in RED))
    assert point.duration_s == pytest.approx(sum(one.duration_s for one in records), rel=0.01)
    summary = summarize(results)
    assert (point.ladder, point.outcomes) == (summary.ladder, summary.outcomes)
    expected = baseline_of(results).observations
    assert observations.keys() == expected.keys()
    for case, one in expected.items():
        found = observations[case]
        assert found.duration_s == pytest.approx(one.duration_s, rel=0.006, abs=1e-4)
        known = ("outcome", "model_type", "architecture", "check", "tier")
        assert found.device == one.device
        assert [getattr(found, name) for name in known] == [getattr(one, name) for name in known]


def test_the_baseline_of_a_branch_is_its_newest_green_run_over_everything(tmp_path: Path, history: Path) -> None:
    runs: list[tuple[str, Record, dict[str, Any]]] = [
        ("old", GOOD, {}),
        ("whole", GOOD, {}),
        ("gpu", GOOD, {"device": "cuda"}),
        ("red", BAD, {}),
        ("short", GOOD, {"planned": 2}),
        ("part", GOOD, {"names": ("bert",)}),
        ("some-checks", GOOD, {"checks": ("builds_tiny",)}),
        ("nothing", record("bert", "builds_tiny", "unavailable"), {}),
        ("other", GOOD, {"branch": "topic"}),
        ("nowhere", GOOD, {"branch": None}),
    ]
    for day, (name, one, fields) in enumerate(runs, 10):
        save(tmp_path, name, one, **{"branch": "main", "started": f"2026-01-{day}", **fields})
    add(history, tmp_path)
    with History.open(history) as opened:
        assert opened.baseline("branch:main").run == "gpu"
        like = read_results([tmp_path / "records-red.jsonl"])
        assert opened.baseline("branch:main", like).run == "whole"
        assert opened.baseline("branch:topic").run == "other"
        assert opened.baseline("red").observations[BAD.case].outcome == "failed"
        assert [point.run for point in opened.runs("topic")] == ["other"]
        for name, said in {
            "branch:mian": "no 'branch:mian'. Did you mean branch:main",
            "branch:None": "no 'branch:None'.",
            "whol": "Did you mean whole",
        }.items():
            with pytest.raises(UsageError, match=said):
                opened.baseline(name)


def test_a_branch_without_a_green_run_has_no_baseline(tmp_path: Path, history: Path) -> None:
    save(tmp_path, "x", BAD, branch="main")
    add(history, tmp_path)
    with History.open(history) as opened, pytest.raises(UsageError, match=r"no green run over everything .* 'main'"):
        opened.baseline("branch:main")


def test_a_run_not_in_the_history_is_taken_as_the_last(tmp_path: Path, history: Path) -> None:
    save(tmp_path / "old", "old", GOOD, started="2026-02-01", branch="main")
    new = read_results([save(tmp_path / "new", "new", BAD, record("vit", "y", "passed"), started="2026-01-01")])
    add(history, tmp_path / "old")
    before = history.read_bytes()
    with History.open(history) as opened:
        trends = opened.trends("main", new)
        assert history.read_bytes() == before
        opened.add(new)
        again = opened.trends(newest=new)
    assert [point.run for point in trends.points] == ["old", "new"]
    assert trends.streaks[BAD.case].last_good == "old"
    assert trends.added == ("vit/vitModel/y[device=cpu]",)
    assert again == trends


def test_pruning_keeps_what_is_new_and_what_is_a_baseline(tmp_path: Path, history: Path) -> None:
    today = datetime.now(UTC)
    for age in (50, 40, 30, 20, 10, 1):
        one = GOOD if age >= 40 else BAD
        extra = record(f"only-{age}", "x", "passed")
        save(tmp_path, f"{age}", one, extra, branch="main", started=(today - timedelta(days=age)).isoformat())
    add(history, tmp_path)
    with History.open(history) as opened:
        assert opened.prune(keep_days=100, keep_runs=6) == Pruned(0, 0)
        assert opened.prune(keep_days=25) == Pruned(2, 2)
        assert [point.run for point in opened.runs()] == ["40", "20", "10", "1"]
        assert opened.prune(keep_runs=1) == Pruned(2, 2)
        assert [point.run for point in opened.runs()] == ["40", "1"]
        assert opened.baseline("branch:main").run == "40"
        assert set(opened.baseline("1").observations) == {BAD.case, "only-1/only-1Model/x[device=cpu]"}
        assert opened.trends().changes.keys() == {
            BAD.case,
            "only-40/only-40Model/x[device=cpu]",
            "only-1/only-1Model/x[device=cpu]",
        }
        # What was dropped may come again.
        assert opened.add(read_results([tmp_path / "records-20.jsonl"]))[0].news == "added"
        assert opened.baseline("20").observations.keys() == {BAD.case, "only-20/only-20Model/x[device=cpu]"}
        for wrong in ({}, {"keep_days": 0}, {"keep_runs": -1}):
            with pytest.raises(UsageError, match="to keep, at least 1"):
                opened.prune(**wrong)


def test_pruning_shrinks_the_file(tmp_path: Path, history: Path) -> None:
    for run in range(12):
        save(tmp_path, f"{run:02}", *(record(f"m{i}-{run}", "x", "failed", message="x" * 150) for i in range(100)))
    add(history, tmp_path)
    before = history.stat().st_size
    with History.open(history) as opened:
        opened.prune(keep_runs=1)
    assert history.stat().st_size < before / 4


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
    assert schema_of(history) == 2
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


def test_no_run_is_nothing_to_do(tmp_path: Path, history: Path) -> None:
    (tmp_path / "records-x.jsonl").write_text('{"sch')
    with pytest.raises(NothingToDo):
        add(history, tmp_path)


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


def test_hostile_text_is_kept_as_it_is(tmp_path: Path, history: Path) -> None:
    text = "'; DROP TABLE runs; --\0\x1b[31m<script>\N{SNOWMAN}‮"
    one = record(f"m{text}", f"check{text}", "failed", message=text, reason=text, fingerprint=text, stage=text)
    save(tmp_path, "x", one, branch=text, runner=text, commit=text)
    add(history, tmp_path)
    with History.open(history) as opened:
        assert opened.baseline("x").observations[one.case].check == f"check{text}"
        assert opened.runs(text)[0].branch == text
        (said,) = opened.failings(one.case)
        assert (said.reason, said.stage) == (text, text)
        assert opened.trends().streaks[one.case].commit == text
        with pytest.raises(UsageError, match="no green run"):
            opened.baseline(f"branch:{text}")


def test_extreme_numbers_are_kept_within_range(tmp_path: Path, history: Path) -> None:
    values = [(0.0, 0), (1e-9, 1), (1e9, 2**60), (5.0, 0)]
    records = [record(f"m{i}", "x", "passed", duration_s=s, peak_memory_bytes=b) for i, (s, b) in enumerate(values)]
    save(tmp_path, "x", *records)
    add(history, tmp_path)
    with History.open(history) as opened:
        found = [opened.baseline("x").observations[one.case] for one in records]
    assert [one.duration_s for one in found] == pytest.approx([0, 1e-4, 1e9, 5.0], rel=0.01)
    assert [one.peak_memory_bytes for one in found[:2]] == [None, 1024]


@pytest.mark.parametrize("name", LAYOUT)
def test_columns_are_decoded_as_encoded(name: str) -> None:
    numbers = np.random.default_rng(0)
    for count in (0, 1, 1000):
        highest = np.iinfo(LAYOUT[name]).max
        column = np.sort(numbers.integers(0, highest, count, endpoint=True)).astype(LAYOUT[name])
        assert np.array_equal(decode(name, encode(name, column)), column)
    with pytest.raises(UsageError, match=f"column {name} is damaged"):
        decode(name, encode(name, column)[:-5] + b"xxxxx")


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_quantities_are_kept_to_half_a_percent(quantity: str) -> None:
    values = np.geomspace(QUANTITIES[quantity], QUANTITIES[quantity] * 1e9, 5000)
    assert np.allclose(measured(quantised(values, quantity), quantity), values, rtol=0.0051, atol=0)


WRITER = """
import sys
from pathlib import Path
from hfci.results import read_results
from hfci.results.history import History
for path in sys.argv[2:]:
    with History.open(Path(sys.argv[1]), create=True) as history:
        history.add(read_results([Path(path)]))
"""


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
        [sys.executable, "-c", WRITER, str(path), *map(str, sorted(tmp_path.glob(f"records-{writer}-*")))]
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
        command = [sys.executable, "-c", FULL, str(history), str(tmp_path / "new")]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=limit_files(limit)
        )
        refused += done.returncode == 1 and "the disk is full" in done.stderr
        assert dump(history) == before, limit
        assert done.returncode == 1, done.stderr
    assert refused >= 4
    assert add(history, tmp_path / "new") == {"new": "added"}
