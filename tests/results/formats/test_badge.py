from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfci.results import summarize
from hfci.results.formats import badge

from .samples import HOSTILE, OUTCOMES, against, results_of, sample

# What https://shields.io/badges/endpoint-badge allows: required, and what of the optional is used here.
KEYS = {"schemaVersion", "label", "message", "color", "isError"}


def written(folder: Path, *outcomes: str, planned: int | None = None) -> dict[str, object]:
    some = [sample(f"m{n}", outcome=outcome, reason=HOSTILE) for n, outcome in enumerate(outcomes)]
    results = results_of(folder, *some, planned=len(some) if planned is None else planned)
    badge.write(folder / badge.FILE, results, summarize(results))
    found: dict[str, object] = json.loads((folder / badge.FILE).read_text(encoding="utf-8"))
    assert set(found) == KEYS
    assert found["schemaVersion"] == 1
    assert found["label"] == "hfci"
    return found


@pytest.mark.parametrize(
    ("outcomes", "message", "color"),
    [
        (["passed"] * 1200, "1,200 of 1,200 passed", "brightgreen"),
        (["passed", "passed", "failed"], "2 of 3 passed · 1 failed", "red"),
        (["passed", "not-run"], "1 of 2 passed · 1 not-run", "red"),
        (["passed", "not-applicable"], "1 of 1 passed", "brightgreen"),
        (
            ["reused", "unavailable", "known-failure", "passed"],
            "1 of 4 passed · 1 known-failure · 1 unavailable · 1 reused",
            "brightgreen",
        ),
        (["failed"], "0 of 1 passed · 1 failed", "red"),
        (["not-run", "not-run"], "nothing executed · 2 not-run", "red"),
        (["reused", "unavailable"], "nothing executed · 1 unavailable · 1 reused", "lightgrey"),
        (["not-applicable"], "nothing executed", "lightgrey"),
        ([], "nothing executed", "lightgrey"),
    ],
)
def test_a_badge_says_what_became_of_every_case(tmp_path: Path, outcomes: list[str], message: str, color: str) -> None:
    found = written(tmp_path, *outcomes)
    assert (found["message"], found["color"], found["isError"]) == (message, color, color == "red")


def test_missing_records_are_red(tmp_path: Path) -> None:
    found = written(tmp_path, "passed", planned=3)
    assert (found["message"], found["color"]) == ("1 of 3 passed · 2 not-run", "red")


def test_vanished_cases_are_red(tmp_path: Path) -> None:
    results = results_of(tmp_path, sample("kept"))
    found = badge.badge(against(results, tmp_path / "old", sample("kept"), sample("gone"), sample("gone2")))
    assert (found["message"], found["color"]) == ("1 of 1 passed · 2 vanished", "red")


@given(st.lists(st.sampled_from(OUTCOMES), max_size=30))
@settings(max_examples=60)
def test_its_numbers_add_up(outcomes: list[str]) -> None:
    counts = Counter(outcomes)
    with tempfile.TemporaryDirectory() as folder:
        found = written(Path(folder), *outcomes)
    message = str(found["message"])
    told = {name: int(number) for number, name in re.findall(r"(\d+) ([a-z][a-z-]+)(?: ·|$)", message)}
    assert told.pop("passed", 0) == 0 or "of" in message
    assert told == {name: count for name, count in counts.items() if name not in ("passed", "not-applicable")}
    if passed := re.match(r"(\d+) of (\d+) passed", message):
        assert int(passed[1]) == counts["passed"]
        assert int(passed[2]) == counts["passed"] + sum(told.values())
    else:
        assert not counts["passed"] + counts["failed"] + counts["known-failure"]
    assert "%" not in message
