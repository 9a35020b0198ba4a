"""A run against an earlier one: which cases changed how, and what noise does not explain."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.errors import NothingToDo
from hfci.results import Results, read_results, summarize
from hfci.results.comparison import Baseline, Comparison, Observation, baseline_of, compare_results, lost
from hfci.results.noise import FLOORS, beyond_noise

from .support import record, save

ENDS = (None, *Outcome)


def results_of(folder: Path, run: str, *records: Record, **head: Any) -> Results:
    save(folder / run, run, *records, **head)
    return read_results([folder / run])


def compared(folder: Path, before: list[Record], after: list[Record], **head: Any) -> Comparison:
    return compare_results(results_of(folder, "new", *after, **head), baseline_of(results_of(folder, "old", *before)))


def cases(changes: tuple[Any, ...]) -> set[str]:
    return {change.case for change in changes}


def test_every_pair_of_outcomes_is_told_as_the_vocabulary_says(tmp_path: Path) -> None:
    pairs = [(before, after) for before in ENDS for after in ENDS if before or after]
    before = [record(f"m{i}", "c", old) for i, (old, _) in enumerate(pairs) if old]
    after = [record(f"m{i}", "c", new) for i, (_, new) in enumerate(pairs) if new]
    found = compared(tmp_path, before, after)
    told = {}
    for name in ("failing", "fixed", "unavailable", "inapplicable", "vanished", "added"):
        for change in getattr(found, name):
            told.setdefault((change.before, change.after), set()).add(name)
            assert (change.record is None) == (change.after is None)
    red, good, executed = {"failed", "not-run"}, {"passed", "known-failure", "reused"}, {"passed", "known-failure"}
    for old, new in pairs:
        expected = set()
        if old is None:
            expected.add("added")
        if new is None:
            expected.add("vanished")
        if new in red and old not in red:
            expected.add("failing")
        if old in red and new in executed:
            expected.add("fixed")
        if old in good and new in ("unavailable", "not-applicable"):
            expected.add("unavailable" if new == "unavailable" else "inapplicable")
        assert told.get((old, new), set()) == expected, (old, new)
    assert found.is_red


@given(st.lists(st.tuples(st.sampled_from(ENDS), st.sampled_from(ENDS)), max_size=30))
def test_counts_of_changes_equal_counts_of_sets(pairs: list[tuple[Outcome | None, Outcome | None]]) -> None:
    rows = [(f"m{i}", old, new) for i, (old, new) in enumerate(pairs)]
    earlier = {
        record(name, "c", old).case: Observation(old, model_type=name, check="c", tier="smoke", device="cpu")
        for name, old, _ in rows
        if old
    }
    with TemporaryDirectory() as folder:
        results = results_of(Path(folder), "new", *(record(name, "c", new) for name, _, new in rows if new))
        found = compare_results(results, Baseline("old", "", None, earlier))
    was_red = {record(name, "c", "passed").case for name, old, _ in rows if old in ("failed", "not-run")}
    is_red = {record(name, "c", "passed").case for name, _, new in rows if new in ("failed", "not-run")}
    now = {record(name, "c", "passed").case for name, _, new in rows if new}
    assert cases(found.failing) == is_red - was_red
    assert cases(found.vanished) == earlier.keys() - now
    assert cases(found.added) == now - earlier.keys()
    assert found.is_red == bool(is_red - was_red or earlier.keys() - now)


def test_the_same_run_has_no_change(tmp_path: Path) -> None:
    same = [record("a", "c", "passed", duration_s=1.0), record("b", "c", "failed"), record("x", None, "not-applicable")]
    found = compared(tmp_path, same, same)
    assert found == Comparison(found.baseline)
    assert not found.is_red


def test_an_announced_record_that_is_absent_is_failing_not_vanished(tmp_path: Path) -> None:
    good, lost = record("a", "c", "passed"), record("b", "c", "passed")
    before = baseline_of(results_of(tmp_path, "old", good, lost))
    now = results_of(tmp_path, "new", good, planned=2).lacking([record("b", "c", "not-run", reason="no shard 2")])
    found = compare_results(now, before)
    assert cases(found.failing) == {lost.case}
    assert found.vanished == ()


# What was asked for decides what can vanish.

GONE = record("b", "c", "passed")
HERE = record("a", "c", "passed")


@pytest.mark.parametrize(
    ("head", "vanished"),
    [
        ({}, True),
        ({"names": ("a",)}, False),
        ({"checks": ("c",)}, True),
        ({"checks": ("d",)}, False),
        ({"checks": ("d", "c")}, True),
        ({"tier": "functional"}, False),
        ({"device": "cuda"}, False),
        ({"device": "cpu:0"}, True),
    ],
)
def test_a_case_vanishes_only_from_what_was_asked_for(tmp_path: Path, head: dict[str, Any], vanished: bool) -> None:
    found = compared(tmp_path, [HERE, GONE], [HERE], **head)
    assert cases(found.vanished) == ({GONE.case} if vanished else set())


def test_of_a_named_architecture_each_check_must_be_there(tmp_path: Path) -> None:
    found = compared(tmp_path, [HERE, record("a", "d", "failed"), GONE], [HERE], names=("a",))
    assert cases(found.vanished) == {record("a", "d", "failed").case}


def test_records_of_schema_1_are_held_to_the_architectures_and_checks_that_they_have(tmp_path: Path) -> None:
    before = [HERE, record("a", "d", "passed"), record("b", "d", "passed"), GONE]
    old = baseline_of(results_of(tmp_path, "old", *before))
    path = save(tmp_path / "new", "new", HERE, record("b", "d", "passed"))
    head, *lines = path.read_text().splitlines(keepends=True)
    known = {name: json.loads(head)[name] for name in ("run", "started", "commit", "versions", "device", "planned")}
    path.write_text("".join([json.dumps({"schema": 1, **known}) + "\n", *lines]))
    found = compare_results(read_results([path]), old)
    assert cases(found.vanished) == {record("a", "d", "passed").case, GONE.case}
    path.write_text("".join([json.dumps({"schema": 1, **known}) + "\n", lines[0]]))
    assert compare_results(read_results([path]), old).vanished == ()


def test_one_shard_that_was_asked_for_everything_is_enough(tmp_path: Path) -> None:
    baseline = baseline_of(results_of(tmp_path, "old", HERE, GONE))
    save(tmp_path / "new", "new", HERE, shard=0, names=("a",))
    assert compare_results(read_results([tmp_path / "new"]), baseline).vanished == ()
    save(tmp_path / "new", "new", shard=1)
    assert cases(compare_results(read_results([tmp_path / "new"]), baseline).vanished) == {GONE.case}


def test_a_row_without_a_check_gives_way_to_the_cases_of_its_model_type(tmp_path: Path) -> None:
    row = record("a", None, "unavailable", reason="needs timm")
    assert compared(tmp_path, [row], [HERE]).vanished == ()
    assert cases(compared(tmp_path / "other", [row], [GONE]).vanished) == {row.case}


def test_the_baseline_is_the_newest_run_with_its_earliest_start(tmp_path: Path) -> None:
    save(tmp_path, "old", HERE, started="2026-01")
    save(tmp_path, "new", GONE, started="2026-03", shard=0, commit="c0ffee")
    save(tmp_path, "new", started="2026-02", shard=1, commit="c0ffee")
    baseline = baseline_of(read_results([tmp_path]))
    assert (baseline.run, baseline.started, baseline.commit) == ("new", "2026-02", "c0ffee")
    assert baseline.observations.keys() == {HERE.case, GONE.case}


def test_what_was_cut_off_in_its_first_line_is_no_baseline(tmp_path: Path) -> None:
    (tmp_path / "records-x.jsonl").write_text('{"schema": 1, "ru')
    with pytest.raises(NothingToDo, match="hold no run"):
        baseline_of(read_results([tmp_path]))


# Slower and heavier: what noise does not explain.

DURATION, MEMORY = FLOORS["duration_s"], FLOORS["peak_memory_bytes"]
COUNT = 6_000


def noisy(seed: int, sigma: float, factor: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Return the durations of the same cases on two machines; nothing has changed."""
    random = np.random.default_rng(seed)
    level = random.lognormal(np.log(0.3), 1.2, COUNT)
    return level * random.lognormal(0, sigma, COUNT), factor * level * random.lognormal(0, sigma, COUNT)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("sigma", [0.15, 0.2, 0.3])
def test_a_noisy_run_on_a_slower_machine_reports_nothing(seed: int, sigma: float) -> None:
    before, after = noisy(seed, sigma)
    assert list(beyond_noise(before, after, DURATION)) == []
    assert list(beyond_noise(after, before, DURATION)) == []


@pytest.mark.parametrize("seed", range(12))
def test_heavy_tails_report_next_to_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    level = random.lognormal(np.log(0.1), 1.2, COUNT)
    before, after = (level * np.exp(random.laplace(0, 0.2, COUNT)) for _ in range(2))
    assert len(beyond_noise(before, after, DURATION)) == 0


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("case", [0, 4_711])
def test_one_case_that_takes_four_times_as_long_is_found(seed: int, case: int) -> None:
    before, after = noisy(seed, 0.15)
    before[case] = 1 / 3
    after[case] = 1.5 * 4 / 3  # a second more, on a machine that takes half as long again
    assert list(beyond_noise(before, after, DURATION)) == [case]


def test_a_check_that_slowed_down_everywhere_does_not_hide_behind_its_number() -> None:
    before, after = noisy(0, 0.15)
    slowed = np.arange(0, COUNT, 8)
    before[slowed], after[slowed] = 1.0, 1.5 * 6
    assert sorted(beyond_noise(before, after, DURATION)) == list(slowed)


@pytest.mark.parametrize(
    ("floor", "before", "after", "is_found"),
    [
        (DURATION, 0.01, 0.5, False),  # fifty times, and half a second
        (DURATION, 0.01, 0.9, True),
        (DURATION, 100.0, 180.0, False),  # 80 seconds, and not twice
        (DURATION, 100.0, 220.0, True),
        (MEMORY, 200 * 2**20, 700 * 2**20, False),
        (MEMORY, 200 * 2**20, 800 * 2**20, True),
        (MEMORY, 20 * 2**30, 25 * 2**30, False),
    ],
)
def test_what_does_not_matter_is_not_reported(floor: Any, before: float, after: float, is_found: bool) -> None:
    level = np.full(50, before)
    level[0] = after
    assert list(beyond_noise(np.full(50, before), level, floor)) == ([0] if is_found else [])


def test_too_few_cases_say_nothing() -> None:
    before, after = np.ones(19), np.ones(19)
    after[0] = 100.0
    assert len(beyond_noise(before, after, DURATION)) == 0
    assert len(beyond_noise(np.array([]), np.array([]), DURATION)) == 0


def test_the_worst_excess_comes_first() -> None:
    before, after = np.ones(50), np.ones(50)
    after[[3, 7, 5]] = 10.0, 30.0, 20.0
    assert list(beyond_noise(before, after, DURATION)) == [7, 5, 3]


def test_only_what_both_runs_executed_and_measured_is_compared(tmp_path: Path) -> None:
    mebibyte = 2**20

    def run(slow: float, outcome: str, memory: int | None) -> list[Record]:
        usual = [record(f"m{i}", "c", "passed", duration_s=0.5, peak_memory_bytes=mebibyte) for i in range(40)]
        odd = [
            record("slow", "c", "passed", duration_s=slow, peak_memory_bytes=mebibyte),
            record("ended", "c", outcome, duration_s=slow),
            record("heavy", "c", "known-failure", duration_s=0.5, peak_memory_bytes=memory),
            record("unmeasured", "c", "passed", duration_s=0.5, peak_memory_bytes=None),
        ]
        return [*usual, *odd]

    found = compared(tmp_path, run(0.5, "passed", mebibyte), run(9.0, "reused", 2**30))
    assert [(shift.case, shift.quantity, shift.before, shift.after) for shift in found.slower] == [
        (record("slow", "c", "passed").case, "duration_s", 0.5, 9.0)
    ]
    assert [(shift.case, shift.before, shift.after) for shift in found.heavier] == [
        (record("heavy", "c", "passed").case, mebibyte, 2**30)
    ]
    assert not found.is_red


# What was executed, and is not any more.


@pytest.mark.parametrize(
    ("before", "head", "expected"),
    [
        ("passed", {}, True),
        ("failed", {}, True),
        ("known-failure", {}, True),
        ("reused", {}, True),
        ("unavailable", {}, False),
        ("not-applicable", {}, False),
        ("assumed", {}, False),
        ("passed", {"runner": "another"}, False),
        ("passed", {"device": "cuda"}, False),
    ],
)
def test_what_was_executed_on_such_a_machine_and_is_unavailable_now_did_not_run(
    tmp_path: Path, before: str, head: dict[str, Any], expected: bool
) -> None:
    old = baseline_of(results_of(tmp_path, "old", HERE, record("b", "c", before)))
    gone = record("b", "c", "unavailable", reason="needs timm: pip install timm")
    now = results_of(tmp_path, "new", HERE, gone, **head)
    assert summarize(now).is_green
    now = now.losing(lost(now, old))
    found, summary = compare_results(now, old), summarize(now, compare_results(now, old))
    assert summary.is_red is found.is_red is expected or (before == "failed" and summary.is_red)
    assert summary.outcomes["not-run"] == expected
    if expected:
        (failure,) = summary.failures
        assert failure.error == "needs timm: pip install timm; executed in run old, on the same kind of machine"
