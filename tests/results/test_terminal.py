"""The summary on a terminal: what newly broke first, commands whole, and no line that a runner of GitHub obeys."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from hfci.results import read_results
from hfci.results.comparison import Shift, baseline_of, compare_results
from hfci.results.differences import Difference
from hfci.results.expiring import Expiring
from hfci.results.ladder import MEANING
from hfci.results.lost import Lost
from hfci.results.summary import Changed, Flaky, Summary, summarize
from hfci.results.tally import Failure
from hfci.results.terminal import print_summary

from .rendered import HOSTILE, hostile_texts
from .support import record, save


def shown(summary: Summary, width: int = 100) -> list[str]:
    output = io.StringIO()
    print_summary(summary, Console(file=output, width=width, force_terminal=False))
    return output.getvalue().splitlines()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    folder = tmp_path_factory.mktemp("good")
    save(folder, "x", record("good", "c", "passed", duration_s=1.0))
    results = read_results([folder])
    return summarize(results, compare_results(results, baseline_of(results)))


def test_regressions_come_first_and_the_verdict_last(tmp_path: Path) -> None:
    save(tmp_path / "old", "old", *(record(name, "c", "passed") for name in "ab"), record("c", "c", "failed"))
    broken = record("b", "c", "failed", reproduce="hfci run b --check c")
    save(tmp_path / "new", "new", record("a", "c", "passed", duration_s=1.0), broken, record("c", "c", "failed"))
    results = read_results([tmp_path / "new"])
    lines = shown(summarize(results, compare_results(results, baseline_of(read_results([tmp_path / "old"])))))
    assert lines[:4] == [
        "Regressions",
        f"failed at check: {broken.case}",
        "    AssertionError: no",
        "    hfci run b --check c",
    ]
    assert (
        lines.index("Other failures")
        < lines.index("Outcomes")
        < lines.index(f"Coverage. {MEANING}")
        < lines.index("Slowest")
    )
    assert lines[-1] == "Red: 1 newly failing; 2 failed (1 cause), 3 of 3 cases executed, against run old"
    assert "Shards" not in lines


def test_since_when_a_case_is_red(good: Summary) -> None:
    bad = Failure("a", "failed", None, "", "hfci run a", since="run7", since_commit="c0ffee" * 6, runs=3)
    assert shown(replace(good, regressions=(bad,)))[1:4] == [
        "failed: a",
        "    since run run7 (commit c0ffeec0ffee), 3 runs",
        "    hfci run a",
    ]


def test_long_lists_are_cut_and_say_so(good: Summary) -> None:
    many = tuple(Failure(f"m{i}", "failed", None, "", None) for i in range(1_060))
    fixed = tuple(Changed(f"f{i}", "failed", "passed", "") for i in range(30))
    lines = shown(replace(good, regressions=many, fixed=fixed))
    assert sum(line.startswith("failed: m") for line in lines) == 50
    assert "… and 1,010 more, all in the records" in lines
    assert sum(re.match(r"f\d", line) is not None for line in lines) == 10
    assert "… and 20 more" in lines


def test_two_shards_are_compared(tmp_path: Path) -> None:
    save(tmp_path, "x", record("a", "c", "passed", duration_s=3.0, worker="gw1"), shard=0, runner="big")
    save(tmp_path, "x", record("b", "c", "passed", duration_s=1.0, worker="gw0"), shard=1, runner="big")
    lines = shown(summarize(read_results([tmp_path])), width=200)
    assert (
        "Shards. 2 jobs, 2 machine minutes; the longest took 0.1 min. The longest of 2 shards took 3.0 s, 1.50 times"
        in " ".join(lines)
    )
    assert [line.split()[1:5] for line in lines if line.startswith("x ")] == [
        ["0", "big", "1", "3.0"],
        ["1", "big", "1", "1.0"],
    ]


def hostile(folder: Path, text: Any) -> Summary:
    records = [
        record(f"a{text()}", "c", "failed", stage=text(), message=text(), reason=text(), reproduce=text()),
        record("b", "c", "unavailable", reason=text(), family=text()),
        record("c", "c", "known-failure", reason=text(), duration_s=2.0, tier=text(), worker=text()),
        record(f"::d{text()}", "c", "passed", duration_s=1.0),
    ]
    save(folder, "x", *records, runner=text(), branch=text(), commit=text(), started=text(), shard=0)
    save(folder, "x", runner=text(), started=text(), shard=1)
    summary = summarize(read_results([folder]))
    return replace(
        summary,
        baseline={"run": text(), "started": text(), "commit": text()},
        regressions=(
            Failure(
                text(),
                "failed",
                text(),
                text(),
                text(),
                since=text(),
                since_commit=text(),
                runs=1,
                place=text(),
                episode=text(),
            ),
        ),
        unavailable=(Changed(text(), "passed", "unavailable", text()),),
        expiring=(Expiring(text(), "2027-01-03", 2, text(), text()),),
        lost=(Lost(text(), text()), Lost(text(), text(), text())),
        slower=(Shift(text(), "duration_s", 1.0, 4.5, text(), text()),),
        flaky=(Flaky(text(), 1, 1, text()),),
        differences=(Difference(text(), text(), text()),),
        quarantined=(Failure(text(), "quarantined", text(), text(), text()),),
        fixed=(Changed(text(), "failed", "passed", text(), text()),),
    )


def check_inert(lines: list[str]) -> None:
    for line in lines:
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line
        assert "\x1b" not in line
        assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Cs"}


@pytest.mark.parametrize("width", [20, 80, 250])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_no_command_of_a_workflow(tmp_path: Path, text: str, width: int) -> None:
    check_inert(shown(hostile(tmp_path, lambda: text), width))


@settings(max_examples=40)
@given(st.data(), st.integers(15, 120))
def test_no_text_is_a_command_of_a_workflow(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, width: int
) -> None:
    check_inert(shown(hostile(tmp_path_factory.mktemp("x"), lambda: data.draw(hostile_texts)), width))
