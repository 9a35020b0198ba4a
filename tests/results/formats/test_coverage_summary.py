from __future__ import annotations

import copy
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfci.cases.outcome import Outcome
from hfci.cases.records import Error, Header, Record
from hfci.results import Results, summarize
from hfci.results.formats import coverage_summary
from hfci.results.ladder import LADDER

from .samples import HOSTILE, OUTCOMES, against, header_fields, lines, of_every_outcome, records, results_of, sample

SCHEMA = json.loads(coverage_summary.SCHEMA_FILE.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# The README of a gate could say so: the outcomes of a check's cases, and the one that speaks for them.
WORST = [
    (["passed", "failed", "not-run"], "failed"),
    (["not-run", "known-failure", "passed"], "not-run"),
    (["passed", "known-failure", "unavailable"], "known-failure"),
    (["unavailable", "passed", "reused"], "unavailable"),
    (["passed", "reused", "not-applicable"], "reused"),
    (["not-applicable", "passed"], "passed"),
    (["not-applicable", "not-applicable"], "not-applicable"),
]


def written(folder: Path, results: Results) -> dict[str, Any]:
    """Write, read and validate."""
    path = folder / coverage_summary.FILE
    coverage_summary.write(path, results, summarize(results))
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    VALIDATOR.validate(found)
    return found


def nested(data: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in `data`."""
    if isinstance(data, dict):
        yield data
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from nested(value)


def assert_counts(folder: Path, found: dict[str, Any], missing: int = 0) -> None:
    """Compare every count with what the file of records has."""
    known = lines(folder)
    total = Counter(line["outcome"] for line in known)
    total["not-run"] += missing
    assert found["outcomes"] == {name: total[name] for name in OUTCOMES}
    assert found["planned"] == len(known) + missing
    assert found["executed"] == total["passed"] + total["failed"] + total["known-failure"] + total["quarantined"]
    assert found["red"] == bool(total["failed"] + total["not-run"])
    assert found["green"] == (found["executed"] + found["outcomes"]["reused"] > 0 and not found["red"])
    families: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    model_types: dict[str, Counter[str]] = defaultdict(Counter)
    for line in known:
        families[line["family"] or "", line["tier"]][line["outcome"]] += 1
        model_types[line["model_type"]][line["outcome"]] += 1
    assert {
        (one["family"] or "", one["tier"]): {name: count for name, count in one["outcomes"].items() if count}
        for one in found["families"]
    } == families
    assert {
        name: {outcome: count for outcome, count in one["outcomes"].items() if count}
        for name, one in found["model_types"].items()
    } == model_types
    for one in (*found["families"], *found["model_types"].values()):
        assert one["cases"] == sum(one["outcomes"].values())
    assert {(line["model_type"], line["check"]) for line in known if line["check"] is not None} == {
        (name, check) for name, one in found["model_types"].items() for check in one["checks"]
    }
    assert sum(one["cases"] for one in found["unavailable"]) == total["unavailable"]
    red = {line["case"] for line in known if line["outcome"] in ("failed", "not-run")}
    assert {failure["case"] for failure in found["failures"]} == red
    assert found["failures_left_out"] == 0
    assert found["missing"] == missing


def test_it_counts_every_outcome(tmp_path: Path) -> None:
    found = written(tmp_path, results_of(tmp_path, *of_every_outcome(), sample("row", None, "not-applicable")))
    assert_counts(tmp_path, found)
    assert found["model_types"]["row"]["checks"] == {}
    assert list(found["ladder"].values())[:3] == [10, 9, 7]
    assert found["verdict"].startswith("Red: 1 failed, 1 not-run")


@pytest.mark.parametrize(("outcomes", "worst"), WORST)
def test_the_worst_outcome_speaks_for_a_check(tmp_path: Path, outcomes: list[str], worst: str) -> None:
    some = [sample("m", outcome=outcome, case=f"m/M{n}/is_fine[]") for n, outcome in enumerate(outcomes)]
    found = written(tmp_path, results_of(tmp_path, *some, sample("m", "other")))
    assert found["model_types"]["m"]["checks"] == {"is_fine": worst, "other": "passed"}


def test_runs_are_the_headers(tmp_path: Path) -> None:
    results_of(tmp_path, sample(), shard=0, commit="abc", versions={"torch": None}, names=("bert",), seed=1)
    found = written(tmp_path, results_of(tmp_path, sample("b"), name="2", shard=1, branch="main"))
    heads = [json.loads(file.read_text().splitlines()[0]) for file in sorted(tmp_path.glob("*.jsonl"))]
    assert found["runs"] == heads


def test_what_is_unavailable_is_told_by_its_reason(tmp_path: Path) -> None:
    reasons = ["needs b", "needs a", "needs c\nsecond line", "needs c"]
    some = [sample(f"m{n}", outcome="unavailable", reason=reason) for n, reason in enumerate(reasons)]
    assert written(tmp_path, results_of(tmp_path, *some))["unavailable"] == [
        {"reason": "needs c", "cases": 2},
        {"reason": "needs a", "cases": 1},
        {"reason": "needs b", "cases": 1},
    ]


def test_a_failure_says_what_and_how_to_reproduce_it(tmp_path: Path) -> None:
    error = Error("ValueError", "shapes\ndiffer", "long")
    record = sample(outcome="failed", error=error, reproduce="hfci run bert", reason="ledger\nmore")
    lost = sample("a", outcome="not-run", reason="no shard 3")
    failures = written(tmp_path, results_of(tmp_path, lost, record))["failures"]
    assert failures[0] == {
        "case": "bert/BertModel/is_fine[device=cpu]",
        "model_type": "bert",
        "architecture": "BertModel",
        "check": "is_fine",
        "tier": "smoke",
        "outcome": "failed",
        "stage": "check",
        "error": "ValueError: shapes",
        "reason": "ledger",
        "reproduce": "hfci run bert",
        "cause": "874fca82823a374d",
    }
    assert [failure["reason"] for failure in failures] == ["ledger", "no shard 3"]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    some = [sample(f"m{n:04}", outcome="failed" if n % 2 else "not-run") for n in range(1100)]
    found = written(tmp_path, results_of(tmp_path, *some))
    assert len(found["failures"]) == 1000
    assert found["failures_left_out"] == 100
    assert found["failures"][0]["model_type"] == "m0001"
    assert [failure["outcome"] for failure in found["failures"]] == ["failed"] * 550 + ["not-run"] * 450


def test_missing_and_absent_cases_are_red(tmp_path: Path) -> None:
    results = results_of(tmp_path, sample(), planned=5).lacking([sample("lost", outcome="not-run")])
    found = written(tmp_path, results)
    assert (found["planned"], found["outcomes"]["not-run"], found["missing"]) == (5, 4, 3)
    assert [failure["model_type"] for failure in found["failures"]] == ["lost"]
    assert (found["green"], found["red"]) == (False, True)


def test_vanished_cases_are_red(tmp_path: Path) -> None:
    results = results_of(tmp_path, sample("kept"))
    summary = against(results, tmp_path / "old", sample("kept"), sample("gone"))
    coverage_summary.write(tmp_path / coverage_summary.FILE, results, summary)
    found = json.loads((tmp_path / coverage_summary.FILE).read_text(encoding="utf-8"))
    VALIDATOR.validate(found)
    assert (found["planned"], found["vanished"], found["red"], found["failures_left_out"]) == (1, 1, True, 0)
    [failure] = found["failures"]
    assert failure["case"] == "gone/GoneModel/is_fine[device=cpu]"
    assert failure["reason"] == "vanished: passed in run before, and not in this one"


def test_nothing_at_all_is_neither_green_nor_red(tmp_path: Path) -> None:
    found = written(tmp_path, results_of(tmp_path))
    assert_counts(tmp_path, found)
    assert (found["green"], found["red"]) == (False, False)


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    some = [*of_every_outcome(), sample("a", "z"), sample("a", "b"), sample("0", outcome="failed")]
    pages = set()
    for number, order in enumerate((some, some[::-1], some[3:] + some[:3])):
        folder = tmp_path / str(number)
        written(folder, results_of(folder, *order))
        pages.add((folder / coverage_summary.FILE).read_bytes())
    assert len(pages) == 1


@given(records(st.text() | st.just(HOSTILE)), header_fields(st.text() | st.just(HOSTILE)), st.integers(0, 3))
@settings(max_examples=150)
def test_any_text_anywhere_leaves_a_valid_file_with_every_count(
    some: list[Record], fields: dict[str, Any], missing: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = written(folder, results_of(folder, *some, planned=len(some) + missing, **fields))
        assert_counts(folder, found, missing)
        assert (folder / coverage_summary.FILE).read_bytes().isascii()


def test_the_schema_is_one_and_describes_every_property() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    properties = [known["properties"] for known in nested(SCHEMA) if "properties" in known]
    assert len(properties) == 17
    for known in properties:
        for name, described in known.items():
            assert described.get("description"), name
    for known in nested(SCHEMA):
        if "properties" in known:
            assert known["additionalProperties"] is False
            assert sorted(known["required"]) == sorted(known["properties"])


def test_the_schema_knows_the_words_that_hfci_knows() -> None:
    parts = SCHEMA["$defs"]
    assert parts["Outcome"]["enum"] == sorted(outcome.value for outcome in Outcome)
    assert list(parts["Outcomes"]["properties"]) == [outcome.value for outcome in Outcome]
    assert list(parts["Rungs"]["properties"]) == [rung.name for rung in LADDER]
    assert list(parts["Header"]["properties"]) == [field.name for field in msgspec.structs.fields(Header)]
    assert parts["CoverageSummary"]["properties"]["schema"]["enum"] == [coverage_summary.SCHEMA]
    assert parts["CoverageSummary"]["properties"]["failures"]["maxItems"] == coverage_summary.MOST_FAILURES


def test_the_schema_refuses_what_lacks_anything_or_has_more(tmp_path: Path) -> None:
    unsteady = sample("u", outcome="unavailable", reason="needs x")
    whole = written(tmp_path, results_of(tmp_path, *of_every_outcome(), unsteady, versions={"torch": "2.6"}))
    VALIDATOR.validate(copy.deepcopy(whole))
    of_checks = [one["checks"] for one in whole["model_types"].values()]
    of_causes = [one["families"] for one in whole["causes"]]
    free = [*of_causes, whole["model_types"], whole["runs"][0]["versions"], *of_checks]
    broken = 0
    for place, known in enumerate(nested(whole)):
        if any(known is one for one in free):
            continue
        for name in (*known, "unknown"):
            page = copy.deepcopy(whole)
            copied = next(one for index, one in enumerate(nested(page)) if index == place)
            if name == "unknown":
                copied[name] = 1
            else:
                del copied[name]
            assert not VALIDATOR.is_valid(page), (place, name)
            broken += 1
    assert broken > 100


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema"], 2),
        (["green"], "yes"),
        (["planned"], -1),
        (["executed"], 1.5),
        (["outcomes", "passed"], None),
        (["ladder", "checked"], "all"),
        (["model_types", "m0", "checks", "is_fine"], "skipped"),
        (["model_types", "m0", "cases"], -1),
        (["families", 0, "family"], 1),
        (["failures", 0, "outcome"], "passed"),
        (["failures", 0, "error"], ["x"]),
        (["runs", 0, "attempt"], 0),
        (["unavailable", 0, "cases"], 0),
        (["unsteady"], ["a", "a"]),
        (["verdict"], ""),
    ],
)
def test_the_schema_refuses_wrong_values(tmp_path: Path, path: list[Any], value: Any) -> None:
    page = written(tmp_path, results_of(tmp_path, *of_every_outcome()))
    place = page
    for step in path[:-1]:
        place = place[step]
    assert path[-1] in place or isinstance(place, list)
    place[path[-1]] = value
    assert not VALIDATOR.is_valid(page)
