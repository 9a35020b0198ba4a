from __future__ import annotations

import copy
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfci.cases.records import Error, Record
from hfci.results import Results, read_results, summarize
from hfci.results.formats import ctrf

from .samples import HOSTILE, against, header_fields, lines, of_every_outcome, one_line, records, results_of, sample

SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "ctrf-schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)

STATUSES = {
    "passed": "passed",
    "failed": "failed",
    "not-run": "failed",
    "known-failure": "other",
    "unavailable": "skipped",
    "not-applicable": "skipped",
    "reused": "skipped",
    "assumed": "skipped",
    "quarantined": "other",
}


def written(folder: Path, results: Results) -> dict[str, Any]:
    """Write, read and validate."""
    ctrf.write(folder / ctrf.FILE, results, summarize(results))
    report = json.loads((folder / ctrf.FILE).read_text(encoding="utf-8"))
    VALIDATOR.validate(report)
    found: dict[str, Any] = report["results"]
    return found


def only_test(folder: Path, record: Record) -> dict[str, Any]:
    [test] = written(folder, results_of(folder, record))["tests"]
    return dict(test)


def assert_counts(folder: Path, report: dict[str, Any], missing: int = 0) -> None:
    expected = Counter(STATUSES[line["outcome"]] for line in lines(folder))
    expected["failed"] += missing
    summary = report["summary"]
    assert summary["tests"] == expected.total() == len(report["tests"])
    for status in ("passed", "failed", "skipped", "pending", "other"):
        assert summary[status] == expected[status]
        assert sum(test["status"] == status for test in report["tests"]) == expected[status]
    assert summary["flaky"] == sum(test.get("flaky", False) for test in report["tests"])


@pytest.mark.parametrize(
    "broken",
    [
        lambda report: report["results"]["summary"].pop("start"),
        lambda report: report["results"]["tests"][0].update(status="not-run"),
        lambda report: report["results"]["tests"][0].update(duration=0.5),
        lambda report: report["results"]["tests"][0].update(unknown=1),
        lambda report: report.update(specVersion="1"),
    ],
)
def test_the_published_schema_refuses_what_is_broken(tmp_path: Path, broken: Any) -> None:
    written(tmp_path, results_of(tmp_path, sample()))
    report = json.loads((tmp_path / ctrf.FILE).read_text(encoding="utf-8"))
    VALIDATOR.validate(copy.deepcopy(report))
    broken(report)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(report)


def test_each_outcome_has_its_status(tmp_path: Path) -> None:
    report = written(tmp_path, results_of(tmp_path, *of_every_outcome()))
    assert_counts(tmp_path, report)
    known = {line["case"]: line["outcome"] for line in lines(tmp_path)}
    assert {test["testId"]: test["rawStatus"] for test in report["tests"]} == known
    assert {test["testId"]: test["status"] for test in report["tests"]} == {
        case: STATUSES[outcome] for case, outcome in known.items()
    }


def test_a_test_says_what_its_record_says(tmp_path: Path) -> None:
    error = Error("ValueError", "no\nmore", "Traceback:\n  deep")
    record = sample(
        outcome="failed",
        error=error,
        reason="ledger",
        task="fill-mask",
        dtype="float16",
        duration_s=1.2345,
        peak_memory_bytes=10,
        worker="gw1",
        attempt=3,
        fingerprint="f00",
        reproduce="hfci run bert",
        stage="forward",
    )
    assert only_test(tmp_path, record) == {
        "testId": "bert/BertModel/is_fine[device=cpu]",
        "name": "bert/BertModel/is_fine[device=cpu]",
        "status": "failed",
        "rawStatus": "failed",
        "duration": 1234,
        "suite": ["text", "bert", "BertModel"],
        "tags": ["text", "is_fine", "fill-mask", "smoke", "cpu"],
        "labels": {
            "family": "text",
            "model_type": "bert",
            "architecture": "BertModel",
            "check": "is_fine",
            "task": "fill-mask",
            "tier": "smoke",
            "device": "cpu",
            "dtype": "float16",
        },
        "message": "failed at forward: ValueError: no; ledger",
        "trace": "failed at forward: ValueError: no; ledger\n\nValueError: no\nmore\n\nTraceback:\n  deep\n\n"
        "reproduce: hfci run bert",
        "threadId": "gw1",
        "device": "cpu",
        "retries": 2,
        "extra": {
            "stage": "forward",
            "fingerprint": "f00",
            "peak_memory_bytes": 10,
            "cause": "96b626b2f2889236",
            "reproduce": "hfci run bert",
        },
    }


def test_flaky_is_what_passed_after_it_had_failed(tmp_path: Path) -> None:
    first = [sample("a", outcome="failed"), sample("b"), sample("c", outcome="failed"), sample("d")]
    results_of(tmp_path / "1", *first)
    again = [sample("a", attempt=2), sample("b", outcome="failed", attempt=2), first[2], first[3]]
    results_of(tmp_path / "2", *again, attempt=2)
    results = read_results([tmp_path])
    report = written(tmp_path, results)
    assert {test["suite"][1]: test.get("flaky", False) for test in report["tests"]} == {
        "a": True,
        "b": False,
        "c": False,
        "d": False,
    }
    assert report["summary"]["flaky"] == 1
    assert [test.get("retries") for test in report["tests"]] == [1, 1, None, None]


def test_a_run_lasts_as_long_as_its_busiest_worker(tmp_path: Path) -> None:
    busy = [sample("a", worker="gw0", duration_s=2.0), sample("b", worker="gw0", duration_s=3.0)]
    results_of(tmp_path, *busy, sample("c", worker="gw1", duration_s=4.0), started="2026-01-01T00:00:10+00:00")
    results = results_of(tmp_path, sample("d", duration_s=0.5), name="2", shard=1, started="2026-01-01T01:00:00+01:00")
    summary = written(tmp_path, results)["summary"]
    midnight = 1767225600000
    assert (summary["start"], summary["stop"], summary["duration"]) == (midnight, midnight + 15_000, 15_000)


def test_a_time_that_is_none_is_left_out(tmp_path: Path) -> None:
    summary = written(tmp_path, results_of(tmp_path, sample(), started="yesterday"))["summary"]
    assert (summary["start"], summary["stop"]) == (0, 0)


def test_missing_and_absent_cases_have_failed(tmp_path: Path) -> None:
    results = results_of(tmp_path, sample(), planned=5).lacking([sample("lost", outcome="not-run", reason="shard 2")])
    report = written(tmp_path, results)
    assert (report["summary"]["tests"], report["summary"]["failed"]) == (5, 4)
    assert report["tests"][1]["message"] == "not-run: shard 2"
    assert len({test["testId"] for test in report["tests"]}) == 5
    assert report["environment"]["healthy"] is False


def test_vanished_cases_have_failed(tmp_path: Path) -> None:
    results = results_of(tmp_path, sample("kept"))
    ctrf.write(tmp_path / ctrf.FILE, results, against(results, tmp_path / "old", sample("kept"), sample("gone")))
    report = json.loads((tmp_path / ctrf.FILE).read_text(encoding="utf-8"))
    VALIDATOR.validate(report)
    assert (report["results"]["summary"]["tests"], report["results"]["summary"]["failed"]) == (2, 1)
    [failed] = [test for test in report["results"]["tests"] if test["status"] == "failed"]
    assert failed["name"] == "gone/GoneModel/is_fine[device=cpu]"
    assert failed["message"] == "not-run: vanished: passed in run before, and not in this one"


def test_environment(tmp_path: Path) -> None:
    about = {"commit": "abc", "branch": "main", "seed": 7, "versions": {"torch": "2.6", "transformers": "5.23.0"}}
    environment = written(tmp_path, results_of(tmp_path, sample(), **about))["environment"]
    assert environment == {
        "appName": "transformers",
        "appVersion": "5.23.0",
        "buildId": "x",
        "commit": "abc",
        "branchName": "main",
        "healthy": True,
        "extra": {
            "started": "2026-01-01T00:00:00+00:00",
            "tier": "smoke",
            "device": "cpu",
            "seed": "7",
            "torch version": "2.6",
        },
    }


def test_nothing_at_all_is_a_report(tmp_path: Path) -> None:
    report = written(tmp_path, results_of(tmp_path))
    assert_counts(tmp_path, report)
    assert report["tests"] == []
    assert report["environment"]["healthy"] is False


@given(records(st.text() | st.just(HOSTILE)), header_fields(st.text() | st.just(HOSTILE)), st.integers(0, 3))
@settings(max_examples=150)
def test_any_text_anywhere_leaves_a_valid_report_with_every_case(
    some: list[Record], fields: dict[str, Any], missing: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = written(folder, results_of(folder, *some, planned=len(some) + missing, **fields))
        assert_counts(folder, report, missing)
        assert (folder / ctrf.FILE).read_bytes().isascii()
        ids = [test["testId"] for test in report["tests"]]
        assert ids == [line["case"] or "-" for line in lines(folder)] + ids[len(some) :]


# Without what begins an escape sequence, all that is seen is known.
@given(st.text(st.characters(exclude_characters="\x1b\x9b", exclude_categories=["Cs"]), max_size=100))
@settings(max_examples=200)
def test_every_text_comes_back_as_one_is_to_see_it(text: str) -> None:
    error = Error("E", f"m {text}", "")
    with tempfile.TemporaryDirectory() as folder:
        record = sample("m", outcome="failed", case=f"m/A/{text}", worker=f"w{text}", error=error)
        test = only_test(Path(folder), record)
    assert test["testId"] == f"m/A/{text}"
    assert test["name"] == one_line(f"m/A/{text}")
    assert test["threadId"] == one_line(f"w{text}")
    assert one_line(test["trace"]).endswith(one_line(f"E: m {text}"))
