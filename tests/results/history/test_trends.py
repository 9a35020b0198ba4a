from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfci.cases.records import Record
from hfci.results import read_results
from hfci.results.history import History
from hfci.results.history.change_points import BLOCK, find_steps, machine_effects, quantile_of_t
from hfci.results.history.flakes import WINDOW
from hfci.results.history.trends import Trends

from ..support import record, save
from .simulation import PlainRun, Year, add_all, night_name, plain_changes, plain_flakes, plain_streaks


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_year_is_told_and_nothing_else(tmp_path: Path, seed: int) -> None:
    year = Year()
    year.save(tmp_path / "records", seed)
    add_all(tmp_path / "history", tmp_path / "records")
    with History.open(tmp_path / "history") as history:
        trends = history.trends("main")

    assert [point.run for point in trends.points] == [night_name(night) for night in range(year.runs)]
    case, night = year.regression
    (streak,) = trends.streaks.values()
    assert (streak.case, streak.run, streak.last_good) == (year.name(case), night_name(night), night_name(night - 1))
    assert (streak.runs, streak.commit) == (year.runs - night, f"{night:040x}")

    assert {flake.case for flake in trends.flaky} == {year.name(case) for case in year.flaky}
    assert (trends.added, trends.vanished) == ((), ())

    (slower,), (heavier,) = trends.slower, trends.heavier
    case, night = year.slow
    assert slower.case == year.name(case)
    assert slower.since in {night_name(night + off) for off in (-1, 0, 1)}
    assert slower.after / slower.before == pytest.approx(2, rel=0.1)
    case, night = year.heavy
    assert (heavier.case, heavier.since) == (year.name(case), night_name(night))
    assert (heavier.commit, heavier.after) == (f"{night:040x}", pytest.approx(1200 * 2**20, rel=0.03))


def quantised(logs: np.ndarray) -> np.ndarray:
    return np.rint(1000 + 100 * logs).astype(np.uint16)


def noise(seed: int, runs: int, cases: int, spread: float | np.ndarray = 0.2) -> np.ndarray:
    """A year's durations: lognormal noise, one in a hundred five times as long, machines that drift and differ."""
    numbers = np.random.default_rng(seed)
    machines = np.linspace(0, np.log(1.4), runs) + numbers.normal(0, 0.05, runs)
    machines += np.where(numbers.random(runs) < 0.05, np.log(1.3), 0)
    logs = numbers.normal(0, 1, cases) + machines[:, None] + numbers.normal(0, 1, (runs, cases)) * spread
    return logs + np.where(numbers.random((runs, cases)) < 0.01, np.log(5), 0)


@pytest.mark.parametrize(("runs", "seed"), [(365, 1), (365, 2), (90, 3), (28, 4)])
def test_noise_alone_is_never_a_step(runs: int, seed: int) -> None:
    spread = np.random.default_rng(seed).uniform(0.15, 0.3, 5000)
    assert find_steps(quantised(noise(seed, runs, 5000, spread)), least=0) == []


def test_false_reports_are_as_many_as_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    # One of a hundred cases may be reported: then some are, and no more than that.
    monkeypatch.setattr("hfci.results.history.change_points.FALSE_REPORTS", 20)
    found = sum(len(find_steps(quantised(noise(seed, 90, 2000)), least=0)) for seed in range(5))
    assert 1 <= found <= 100


@pytest.mark.parametrize("at", [60, 200, 340])
def test_the_first_run_of_a_step_is_found(at: int) -> None:
    logs = noise(at, 365, 300, 0.15)
    logs[at:, :50] += np.log(2)
    steps = find_steps(quantised(logs), least=26)
    assert {step.case for step in steps} == set(range(50))
    assert sum(abs(step.row - at) <= 1 for step in steps) >= 45
    assert all(step.after - step.before == pytest.approx(69, abs=15) for step in steps)


@pytest.mark.parametrize(("begin", "end"), [(50, 120), (200, 350), (300, 360)])
def test_what_came_back_is_no_step(begin: int, end: int) -> None:
    logs = noise(begin, 365, 200, 0.15)
    logs[begin:end, 7] += np.log(2)
    assert find_steps(quantised(logs), least=26) == []


def test_what_became_quicker_or_less_than_asked_for_is_no_step() -> None:
    logs = noise(5, 365, 200, 0.05)
    logs[150:, 3] -= np.log(2)
    logs[150:, 4] += np.log(1.2)
    assert find_steps(quantised(logs), least=26) == []
    assert [step.case for step in find_steps(quantised(logs), least=10)] == [4]


def test_what_all_share_is_the_machine() -> None:
    logs = noise(6, 100, 200)
    logs[50:] += np.log(3)
    effects = machine_effects(quantised(logs))
    assert np.median(effects[50:]) - np.median(effects[:50]) == pytest.approx(100 * np.log(3), abs=15)
    assert find_steps(quantised(logs), least=0) == []


def test_too_few_runs_or_cases_tell_nothing() -> None:
    logs = noise(8, 4 * BLOCK, 40, 0.01)
    logs[3 * BLOCK :, 0] += 3
    assert [step.case for step in find_steps(quantised(logs), 26)] == [0]
    assert find_steps(quantised(logs[1:]), 26) == []
    assert find_steps(quantised(logs[:, :9]), 26) == []
    assert find_steps(np.zeros((100, 0), np.uint16), 26) == []


def test_gaps_do_not_matter() -> None:
    logs = noise(9, 200, 100, 0.1)
    logs[120:, 5] += np.log(2)
    values = quantised(logs)
    values[np.random.default_rng(9).random(values.shape) < 0.2] = 0
    values[:30, 6] = 0
    values[190:, 5:7] = 0
    assert find_steps(values.copy(), 26) == []
    values[190:, 5] = quantised(logs)[190:, 5]
    (step,) = find_steps(values, 26)
    assert (step.case, abs(step.row - 120) <= 1) == (5, True)


@pytest.mark.parametrize("degrees", [10, 20, 135])
@pytest.mark.parametrize("chance", [1e-3, 1e-6, 1e-9])
def test_the_quantile_of_t(degrees: int, chance: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert quantile_of_t(chance, degrees) == pytest.approx(stats.t.isf(chance, degrees), rel=0.03)


CASES = ("alpha", "beta", "gamma")
OUTCOMES = (
    "passed",
    "passed",
    "passed",
    "failed",
    "known-failure",
    "unavailable",
    "not-applicable",
    "reused",
    "not-run",
    "assumed",
)


@st.composite
def attempts(draw: st.DrawFn) -> list[list[Record]]:
    some = st.lists(st.sampled_from(CASES), unique=True, min_size=1)
    outcome, fingerprint = st.sampled_from(OUTCOMES), st.sampled_from([None, "x", "y"])
    of_case = {name: draw(fingerprint) for name in CASES}
    return [
        [record(name, "check", draw(outcome), fingerprint=of_case[name]) for name in draw(some)]
        for _ in range(draw(st.integers(1, 2)))
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[PlainRun]:
    commit, names = st.sampled_from([None, "a" * 40, "b" * 40]), st.sampled_from([(), ("alpha",)])
    return [
        PlainRun(f"run-{index}", draw(commit), draw(attempts()), draw(names))
        for index in range(draw(st.integers(1, 6)))
    ]


@settings(max_examples=60)
@given(runs=histories(), seed=st.integers(0, 9), hold_back=st.booleans())
def test_trends_equal_what_plain_python_finds(runs: list[PlainRun], seed: int, hold_back: bool) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        for index, run in enumerate(runs):
            run.save(folder, f"2026-01-0{index + 1}T00:00:00+00:00")
        order = runs[: len(runs) - hold_back]
        random.Random(seed).shuffle(order)
        with History.open(folder / "history", create=True) as history:
            for run in order:
                # Attempts one by one, as they come.
                files = sorted((folder / run.run).iterdir(), key=lambda path: (seed % 2, path.name))
                for file in files:
                    history.add(read_results([file]))
            newest = read_results([folder / runs[-1].run]) if hold_back else None
            trends = history.trends("main", newest)
    assert {case: (s.run, s.runs, s.last_good) for case, s in trends.streaks.items()} == plain_streaks(runs)
    assert {(f.case, f.passed, f.failed, f.last_run) for f in trends.flaky} == plain_flakes(runs)
    assert dict(trends.changes) == plain_changes(runs)


def told(folder: Path, *nights: list[Record] | None, **fields: object) -> Trends:
    for index, records in enumerate(nights):
        if records is not None:
            save(folder, f"run-{index:03}", *records, started=f"2026-01-01T{index:03}", branch="main", **fields)
    add_all(folder / "history", folder)
    with History.open(folder / "history") as history:
        return history.trends()


def test_a_flake_names_its_fingerprint_or_what_stands_for_one(tmp_path: Path) -> None:
    good = [record("a", "x", "passed", fingerprint="f1"), record("b", "x", "passed")]
    bad = [record("a", "x", "failed", fingerprint="f1"), record("b", "x", "failed")]
    trends = told(tmp_path, good, bad, commit="c" * 40)
    told_of = {flake.case: flake.fingerprint for flake in trends.flaky}
    assert told_of["a/aModel/x[device=cpu]"] == "f1"
    assert told_of["b/bModel/x[device=cpu]"].startswith("commit cccccccccccc, versions ")


def test_without_fingerprint_and_commit_two_runs_are_not_the_same(tmp_path: Path) -> None:
    assert told(tmp_path, [record("a", "x", "passed")], [record("a", "x", "failed")]).flaky == ()


def test_a_flake_is_forgotten_after_its_window(tmp_path: Path) -> None:
    good, bad = [record("a", "x", "passed", fingerprint="f")], [record("a", "x", "failed", fingerprint="f")]
    assert len(told(tmp_path / "in", bad, *[good] * (WINDOW - 1)).flaky) == 1
    assert told(tmp_path / "out", bad, *[good] * WINDOW).flaky == ()


def test_what_is_new_and_what_vanished_is_told_within_a_scope(tmp_path: Path) -> None:
    a, b, c = (record(name, "x", "passed") for name in "abc")
    save(tmp_path, "run-0", a, b, started="2026-01-01")
    save(tmp_path, "run-1", record("g", "x", "passed", device="cuda"), started="2026-01-02", device="cuda")
    save(tmp_path, "run-2", b, c, started="2026-01-03")
    add_all(tmp_path / "history", tmp_path)
    with History.open(tmp_path / "history") as history:
        trends = history.trends()
    assert (trends.added, trends.vanished) == ((c.case,), (a.case,))
    assert trends.changes[a.case] == ((0, "passed"), (2, None))
    assert trends.changes[b.case] == ((0, "passed"),)


def test_tiny_durations_and_small_memory_have_a_floor(tmp_path: Path) -> None:
    def night(index: int) -> list[Record]:
        slow, spread = index >= 20, random.Random(index)
        usual = [record(f"m{i}", "x", "passed", duration_s=spread.uniform(1, 1.1)) for i in range(20)]
        tiny = record(
            "tiny", "x", "passed", duration_s=0.18 if slow else 0.01, peak_memory_bytes=10**6 * (1 + 9 * slow)
        )
        return [*usual, tiny, record("large", "x", "passed", duration_s=2.0 if slow else 1.0)]

    trends = told(tmp_path, *(night(index) for index in range(35)))
    assert [(shift.case[:5], shift.since) for shift in trends.slower] == [("large", "run-020")]
    assert trends.heavier == ()


def test_a_case_moved_to_a_slower_kind_of_machine_is_not_slower(tmp_path: Path) -> None:
    for night in range(80):
        numbers = random.Random(night)
        on = {"small": 2.0, "large": 1.0}
        shards: dict[str, list[Record]] = {kind: [] for kind in on}
        for case in range(40):
            kind = "small" if case < 20 or (case < 25 and night >= 30) else "large"
            seconds = on[kind] * numbers.uniform(1, 1.1) * (2 if case == 30 and night >= 45 else 1)
            shards[kind].append(record(f"m{case}", "x", "passed", duration_s=seconds))
        for shard, (kind, records) in enumerate(shards.items()):
            save(tmp_path, f"run-{night:02}", *records, shard=shard, runner=kind, started=f"2026-01-01T{night:03}")
    add_all(tmp_path / "history", tmp_path)
    with History.open(tmp_path / "history") as history:
        (slower,) = history.trends().slower
    assert (slower.case, slower.since) == (record("m30", "x", "passed").case, "run-45")


def test_an_empty_history_has_empty_trends(tmp_path: Path) -> None:
    with History.open(tmp_path / "history", create=True) as history:
        trends = history.trends()
    assert trends == Trends((), {}, (), (), (), (), (), {})
