from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hfci.cases.outcome import EXECUTED, RED, Outcome
from hfci.cases.records import Record
from hfci.errors import NothingToDo, UsageError
from hfci.results import Results, read_results, summarize
from hfci.results.comparison import baseline_of
from hfci.results.history import History, Pruned
from hfci.results.history.columns import LAYOUT, OUTCOMES, QUANTITIES, decode, encode, measured, quantised

from ..support import record, save
from .support import BAD, GOOD, add, dump, news


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
                    numbers.choice(OUTCOMES),
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


def test_no_run_is_nothing_to_do(tmp_path: Path, history: Path) -> None:
    (tmp_path / "records-x.jsonl").write_text('{"sch')
    with pytest.raises(NothingToDo):
        add(history, tmp_path)


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
