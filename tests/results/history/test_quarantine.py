"""A year of nights with a flake, a regression that comes, is mended and comes back, an upgrade, and another machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.errors import UsageError
from hfci.results import Summary, read_results, summarize
from hfci.results.comparison import compare_results
from hfci.results.history import Flake, History
from hfci.results.history.conditions import Conditions
from hfci.results.quarantine import (
    HOLDS_DAYS,
    Entry,
    Quarantine,
    clean_runs,
    load_quarantine,
    propose,
    quarantined,
)
from hfci.results.reading import Results
from hfci.results.sections import sections

from ..faults import LOADING, MASKING, failed
from ..support import record, save

NIGHTS = 365
FLAKY = {23, 31, 38, 46, 59, 61, 75, 88, 95, 104, 118, 127, 139, 144}  # nights on which the flake fails
BROKEN = (range(150, 181), range(250, 261))  # the regression, of one cause
# Nights on which a report is looked at.
TOLD = FLAKY | {13, 22, 140, 190, 300, 301, 350} | {*range(145, 205, 6)} | {150, 151, 154, 180, 181, 250, 251, 260, 319}
UPGRADE = 300  # from here on torch is newer, and `after` fails
FIRST = datetime(2025, 1, 1)


def fingerprint(name: str, night: int) -> str:
    """Return what a case depends on: every 70 nights another code, and of the regression what broke it."""
    broken = name == "broken" and any(night in nights for nights in BROKEN)
    return f"{name}-{night // 70}-{broken}".ljust(32, "0")


def night_of(night: int) -> list[Record]:
    """Return the records of a night."""
    bad = {
        "flaky": night in FLAKY,
        "broken": any(night in nights for nights in BROKEN),
        "after": night >= UPGRADE,
        "wide": night % 9 == 4,  # on the machine with wider vectors alone
        "steady": False,
    }
    frames = {"flaky": LOADING, "broken": MASKING, "after": LOADING, "wide": MASKING}
    messages = {"after": "removed in torch 2.13", "wide": f"off by {night}e-5"}
    return [
        failed(
            name,
            messages.get(name, "no"),
            frames[name],
            architecture=f"{name}Model",
            fingerprint=fingerprint(name, night),
        )
        if is_bad
        else record(name, "forward_is_finite", "passed", fingerprint=fingerprint(name, night))
        for name, is_bad in bad.items()
    ]


def case_of(name: str) -> str:
    return f"{name}/{name}Model/forward_is_finite[device=cpu]"


@dataclass(frozen=True)
class Told:
    """What the report of a night says, with the quarantine that was made the night before."""

    night: int
    summary: Summary
    quarantine: Quarantine

    @property
    def named(self) -> set[str]:
        return {entry.case.partition("/")[0] for entry in self.quarantine.entries}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Told]:
    """Return what was told each night that is looked at."""
    folder = tmp_path_factory.mktemp("year")
    told = {}
    with History.open(folder / "history", create=True) as history:
        for night in range(NIGHTS):
            results = _save(folder, night)
            if night in TOLD:
                told[night] = _told(history, results, night)
            history.add(results)
    return told


def _save(folder: Path, night: int) -> Results:
    fields: dict[str, Any] = {
        "started": (FIRST + timedelta(days=night)).isoformat(),
        "commit": f"{night // 70:040x}",
        "branch": "main",
        "versions": {"torch": "2.13.0" if night >= UPGRADE else "2.12.0"},
        "capability": "AVX512" if night % 9 == 4 else "AVX2",
        "threads": 1,
    }
    return read_results([save(folder / f"{night}", f"night-{night}", *night_of(night), **fields)])


def _told(history: History, results: Results, night: int) -> Told:
    today = (FIRST + timedelta(days=night)).date()
    known = propose(history.trends("main").flaky, today - timedelta(days=1))
    trends = history.trends("main", newest=results)
    quarantine = known.in_force(today, trends.flaky)
    results = results.quarantining(quarantined(results, quarantine))
    baseline = history.baseline(history.runs("main")[-1].run)
    summary = summarize(results, compare_results(results, baseline), trends, quarantine=len(quarantine.entries))
    return Told(night, summary, known)


def red(told: Told) -> dict[str, str]:
    """Return since when each red case's cause is there."""
    return {failure.model_type: failure.episode for failure in told.summary.failures}


def nights(year: dict[int, Told], *of: range) -> Iterator[Told]:
    yield from (year[night] for each in of for night in each if night in year)


def test_only_the_flake_is_ever_in_quarantine(year: dict[int, Told]) -> None:
    assert {name for told in year.values() for name in told.named} == {"flaky"}
    for told in year.values():
        assert {failure.model_type for failure in told.summary.quarantined} <= {"flaky"}


def test_the_flake_is_quarantined_once_it_is_proved_and_released_after_clean_nights(year: dict[int, Told]) -> None:
    # Failed, passed and failed again on one code under the same conditions: the third of these nights knows it.
    assert "flaky" in red(year[23])
    assert "flaky" in red(year[31]) or year[31].named
    assert year[38].summary.verdict.startswith(
        "Green: nothing newly broken; 1 quarantined, 5 of 5 cases executed, 1 in"
    )
    assert [failure.model_type for failure in year[38].summary.quarantined] == ["flaky"]
    (section,) = (one for one in sections(year[38].summary) if one.title == "Quarantined")
    assert "flaky: failed in" in section.rows[0][1]
    assert year[140].named == {"flaky"}
    last = max(night for night, told in year.items() if told.named)
    assert 144 < last < 144 + 60
    assert not any(told.summary.quarantine for told in nights(year, range(last + 1, NIGHTS)))


def test_on_other_code_it_is_red_until_it_is_proved_anew(year: dict[int, Told]) -> None:
    assert fingerprint("flaky", 61) != fingerprint("flaky", 75)
    assert "flaky" in red(year[75])


def test_the_regression_is_red_on_each_of_its_nights_and_told_by_its_course(year: dict[int, Told]) -> None:
    first, again = (list(nights(year, broken)) for broken in BROKEN)
    assert red(first[0])["broken"] == "new"
    assert red(first[2])["broken"] == "since run night-150 (commit 000000000000), 5 runs"
    assert red(again[0])["broken"] == "seen before, mended in run night-181"
    assert red(again[-1])["broken"].endswith("11 runs; seen before, mended in run night-181")
    assert all(told.summary.is_red for told in (*first, *again))
    assert "broken" not in red(year[190])


def test_an_upgrade_stands_beside_what_it_broke(year: dict[int, Told]) -> None:
    told = year[UPGRADE]
    assert [failure.model_type for failure in told.summary.regressions] == ["after"]
    assert [(one.what, one.before, one.now) for one in told.summary.differences] == [("torch", "2.12.0", "2.13.0")]
    assert [failure.touched for failure in told.summary.regressions] == [False]
    assert red(told)["after"] == "new"
    assert red(year[350])["after"] == "since run night-300 (commit 000000000000), 51 runs"


def test_what_fails_on_another_machine_alone_is_no_flake(year: dict[int, Told]) -> None:
    told = year[13]
    assert "wide" in red(told)
    assert ("capability", "AVX2", "AVX512") in {(one.what, one.before, one.now) for one in told.summary.differences}
    assert sum("wide" in red(one) for one in year.values()) == sum(night % 9 == 4 for night in year) > 3


# One by one.

CONDITIONS = Conditions(capability="AVX2", threads=1, versions={})
TODAY = date(2026, 3, 1)


def flake(**fields: Any) -> Flake:
    known = {"passed": 8, "failed": 2, "turns": 3, "clean": 0, "conditions": CONDITIONS, **fields}
    return Flake("a/A/c[device=cpu]", "f" * 32, last_run="night-9", **known)


@pytest.mark.parametrize(
    ("fields", "proved"),
    [
        ({}, True),
        ({"turns": 1}, False),  # passed, and fails ever since
        ({"in_a_row": 5}, False),
        ({"in_a_row": 4}, True),
        ({"clean": 13}, True),
        ({"clean": 14}, False),
        ({"conditions": None}, False),
    ],
)
def test_what_is_proposed(fields: dict[str, Any], proved: bool) -> None:
    assert bool(propose([flake(**fields)], TODAY).entries) is proved


def test_rare_flakes_are_kept_longer() -> None:
    needed = [clean_runs(flake(passed=20 - failed, failed=failed)) for failed in (1, 2, 5, 10, 19)]
    assert needed == [59, 29, 11, 10, 10]


def entry(**fields: Any) -> Entry:
    (found,) = propose([flake()], TODAY).entries
    return msgspec.structs.replace(found, **fields)


def test_an_entry_expires(tmp_path: Path) -> None:
    known = Quarantine(entries=(entry(),))
    assert len(known.in_force(TODAY + timedelta(days=HOLDS_DAYS)).entries) == 1
    assert known.in_force(TODAY + timedelta(days=HOLDS_DAYS + 1)).entries == ()
    assert known.in_force(TODAY, [flake(clean=40)]).entries == ()
    known.write(tmp_path / "quarantine.json")
    assert load_quarantine(tmp_path / "quarantine.json") == known


def test_it_speaks_of_what_was_proved_alone(tmp_path: Path) -> None:
    bad = record("a", "c", "failed", fingerprint="f" * 32)
    known = Quarantine(entries=(entry(case=bad.case),))
    here = {"capability": "AVX2", "threads": 1}

    def struck(name: str, one: Record, **head: Any) -> bool:
        results = read_results([save(tmp_path / name, "x", one, **head)])
        found = quarantined(results, known)
        summary = summarize(results.quarantining(found), quarantine=1)
        assert summary.is_red is (not found and one.outcome != Outcome.PASSED)
        return bool(found)

    assert struck("same", bad, **here)
    assert not struck("passes", record("a", "c", "passed", fingerprint="f" * 32), **here)
    assert not struck("lost", record("a", "c", "not-run", fingerprint="f" * 32, reason="no"), **here)
    assert not struck("code", record("a", "c", "failed", fingerprint="e" * 32), **here)
    assert not struck("case", record("b", "c", "failed", fingerprint="f" * 32), **here)
    assert not struck("threads", bad, capability="AVX2", threads=2)
    assert not struck("machine", bad, capability="AVX512", threads=1)
    assert not struck("versions", bad, **here, versions={"torch": "2.13"})


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 9}', '{"schema": 1, "entries": [{"case": "x"}]}'])
def test_what_is_no_quarantine_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "quarantine.json").write_text(content)
    with pytest.raises(UsageError, match=r"quarantine\.json"):
        load_quarantine(tmp_path / "quarantine.json")
