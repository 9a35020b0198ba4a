"""Speeds over runs: no alarm on the same code over a year of nights, a slow-down at once, a graph break at once."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from hfci.cases.measured import Break, Graphs, Measured, Speed
from hfci.cases.records import Record
from hfci.errors import UsageError
from hfci.results import read_results, summarize
from hfci.results.history import History
from hfci.results.history.speeds import FEWEST, WINDOW, find_slowed
from hfci.results.history.trends import Trends
from hfci.results.markdown import render_summary

from ..support import record, save

SITTINGS, ROUNDS = 2, 3
SERIES, NIGHTS = 100, 365


def _nights(random: np.random.Generator, nights: int, series: int) -> NDArray[np.float64]:
    """Return rounds, logarithms of shape (nights, series, all rounds): noise with heavy tails, as machines have it.

    A sitting is off in all its rounds, as where its memory lies is another; a round by itself, and one in fifty by
    whatever else the machine does.
    """
    sittings = 0.03 * random.standard_t(4, (nights, series, SITTINGS, 1))
    rounds = 0.03 * random.standard_t(3, (nights, series, SITTINGS, ROUNDS))
    struck = (random.random(rounds.shape) < 0.02) * random.exponential(0.7, rounds.shape)
    machine = 0.1 * random.standard_normal((nights, 1, 1))
    return machine + (sittings + rounds + struck).reshape(nights, series, SITTINGS * ROUNDS)


def _told(rounds: NDArray[np.float64], night: int) -> set[int]:
    medians = np.median(rounds, axis=2)
    window = medians[max(0, night - WINDOW) : night]
    return {slow.series for slow in find_slowed(window, medians[night], np.sort(rounds[night])[:, 1])}


def test_a_year_of_the_same_code_tells_of_nothing() -> None:
    """A hundred series, 365 nights: 36,000 chances of a false alarm, of which under this noise one in 100,000 is."""
    rounds = _nights(np.random.default_rng(1), NIGHTS, SERIES)
    alarms = sum(len(_told(rounds, night)) for night in range(FEWEST, NIGHTS))
    assert alarms <= 1


@pytest.mark.parametrize("before", [FEWEST, WINDOW])
def test_half_as_slow_again_is_told_in_its_first_run(before: int) -> None:
    rounds = _nights(np.random.default_rng(2), before + 1, SERIES)
    rounds[-1, : SERIES // 4] += np.log(1.5)
    told = _told(rounds, before)
    assert len(told & set(range(SERIES // 4))) >= 0.9 * SERIES / 4
    assert not told - set(range(SERIES // 4))


# Of the records of runs.


def _measured(level: float, what: str = "forward", breaks: int = 0) -> Measured:
    rounds = tuple(level * factor for factor in (1.0, 1.02, 0.98, 1.05, 0.97))
    speed = Speed(what=what, seconds=1e-3 * level, rounds=rounds, amount=20, unit="tokens")
    reasons = (Break("Unsupported: data-dependent branch", breaks),) if breaks else ()
    return Measured(reference_s=5e-4, speeds=(speed,), graphs=Graphs(graphs=1 + breaks, breaks=reasons))


def _case(name: str, level: float = 3.0, **fields: Any) -> Record:
    return record(name, "forward_is_finite", "passed", measured=_measured(level, **fields))


def _save(folder: Path, night: int, *records: Record, **fields: Any) -> Path:
    known = {"started": f"2026-01-{night:02d}T00:00:00+00:00", "commit": f"{night:040x}", "runner": "cpu"}
    return save(folder / str(night), f"night-{night:02d}", *records, **{**known, **fields})


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Six nights of the same code, of three model types."""
    path = tmp_path / "history.db"
    with History.open(path, create=True) as opened:
        for night in range(1, 7):
            records = (_case("bert", 2.0), _case("gpt2", 3 * 1.02 ** (night % 3), what="decode"), _case("vit", 5.0))
            opened.add(read_results([_save(tmp_path, night, *records)]))
    return path


def _trends(history: Path, *newest: Path) -> Trends:
    with History.open(history) as opened:
        return opened.trends(newest=read_results(newest) if newest else None)


def test_what_is_slower_is_told_with_its_evidence_and_nothing_else(tmp_path: Path, history: Path) -> None:
    assert _trends(history).moved == ()
    newest = _save(tmp_path, 7, _case("bert", 2.0), _case("gpt2", 4.6, what="decode"), _case("vit", 5.1))
    trends = _trends(history, newest)
    (slow,) = trends.slowed
    assert slow.case == record("gpt2", "forward_is_finite", "passed").case
    assert (slow.quantity, slow.since) == ("decode", "night-07")
    assert slow.before == pytest.approx(3 * 1.02, rel=0.02)
    assert slow.after == pytest.approx(4.6, rel=0.02)
    assert "in 6 runs before" in slow.evidence
    summary = summarize(read_results([newest]), trends=trends)
    assert summary.slowed == (slow,)
    assert summary.is_green  # it is told, and no failure


def test_it_is_told_on_and_since_when_until_it_is_what_is_usual(tmp_path: Path, history: Path) -> None:
    with History.open(history) as opened:
        for night in range(7, 10):
            opened.add(read_results([_save(tmp_path, night, _case("vit", 8.0))]))
    (slow,) = _trends(history).slowed
    assert (slow.since, slow.commit) == ("night-07", f"{7:040x}")


def test_other_conditions_are_another_window(tmp_path: Path, history: Path) -> None:
    slow = _case("vit", 8.0)
    for fields in ({"runner": "gpu"}, {"versions": {"torch": "3.0"}}, {"threads": 4}):
        assert _trends(history, _save(tmp_path / str(fields), 7, slow, **fields)).slowed == ()


def test_too_few_runs_tell_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with History.open(path, create=True) as opened:
        for night in range(1, FEWEST):
            opened.add(read_results([_save(tmp_path, night, _case("vit"))]))
    assert _trends(path, _save(tmp_path, 7, _case("vit", 30.0))).slowed == ()


def test_a_graph_break_is_told_in_its_first_run_with_its_reason(tmp_path: Path, history: Path) -> None:
    newest = _save(tmp_path, 7, _case("bert", 2.0, breaks=2), _case("vit", 5.0))
    trends = _trends(history, newest)
    (broken,) = trends.broken
    assert (broken.quantity, broken.before, broken.after) == ("graph breaks", 0, 2)
    summary = summarize(read_results([newest]), trends=trends)
    assert [shift.evidence for shift in summary.broken] == ["2 x Unsupported: data-dependent branch"]
    assert _trends(history, _save(tmp_path / "mended", 7, _case("bert", 2.0))).broken == ()


def test_of_a_case_that_was_measured_again_the_latest_attempt_counts(tmp_path: Path, history: Path) -> None:
    with History.open(history) as opened:
        opened.add(read_results([_save(tmp_path, 7, _case("bert", 2.0), _case("vit", 9.0))]))
    assert len(_trends(history).slowed) == 1
    with History.open(history) as opened:
        opened.add(read_results([_save(tmp_path, 7, _case("bert", 2.0), _case("vit", 5.0), attempt=2)]))
    assert _trends(history).slowed == ()


def test_a_history_that_lacks_a_column_of_speeds_is_damaged(history: Path) -> None:
    with sqlite3.connect(history) as connection:
        connection.execute("DELETE FROM columns WHERE name = 'speed_of'")
    with pytest.raises(UsageError, match="lacks columns of speeds"):
        _trends(history)


def test_how_small_a_slow_down_would_be_told_is_told(tmp_path: Path, history: Path) -> None:
    newest = _save(tmp_path / "new", 7, _case("bert", 2.0), _case("vit", 5.0), _case("t5", 1.0))
    sharpness = _trends(history, newest).sharpness
    assert (sharpness.speeds, sharpness.known, sharpness.blurred) == (3, 2, ())
    steady = _case("bert", 2.0), _case("gpt2", 3.0, what="decode")
    with History.open(history) as opened:
        for night in range(7, 14):
            scattered = 5.0 * (1.25 if night % 2 else 0.8)
            opened.add(read_results([_save(tmp_path, night, *steady, _case("vit", scattered))]))
    newest = _save(tmp_path, 14, *steady, _case("vit", 6.0))
    trends = _trends(history, newest)
    (blurred,) = trends.sharpness.blurred
    assert (blurred.case, blurred.quantity) == (record("vit", "forward_is_finite", "passed").case, "forward")
    assert blurred.least > 4
    for times, is_told in ((0.95, False), (1.05, True)):  # what it says is true
        slow = _case("vit", 5.0 * blurred.least * times)
        told = _trends(history, _save(tmp_path / str(times), 14, *steady, slow)).slowed
        assert bool(told) == is_told
    page = render_summary(summarize(read_results([newest]), trends=trends))
    assert "told of 2 of 3 speeds. 1 scatter too much" in page


def test_a_run_that_scatters_itself_says_so(tmp_path: Path, history: Path) -> None:
    scattered = _measured(5.0)
    rounds = (5.0, 5.1, 4.9, 3.0, 3.1)
    scattered = msgspec.structs.replace(
        scattered, speeds=(msgspec.structs.replace(scattered.speeds[0], rounds=rounds),)
    )
    newest = _save(tmp_path, 7, record("vit", "forward_is_finite", "passed", measured=scattered))
    (blurred,) = _trends(history, newest).sharpness.blurred
    assert blurred.least == pytest.approx(1.25 * 4.9 / 3.1, rel=0.05)
