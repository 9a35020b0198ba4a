from __future__ import annotations

import re
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error as ErrorElement
from junitparser import Failure, JUnitXml, Skipped

from hfci.cases.records import Error, Record
from hfci.results import Results, summarize
from hfci.results.formats import junit

from .samples import HOSTILE, against, header_fields, lines, of_every_outcome, one_line, records, results_of, sample

ELEMENTS = {
    "failed": "failure",
    "not-run": "error",
    "known-failure": "skipped",
    "unavailable": "skipped",
    "not-applicable": "skipped",
    "reused": "skipped",
    "assumed": "skipped",
    "quarantined": "skipped",
}


def written(folder: Path, results: Results) -> ElementTree.Element:
    junit.write(folder / junit.FILE, results, summarize(results))
    return ElementTree.parse(folder / junit.FILE).getroot()


def case_of(folder: Path, record: Record) -> ElementTree.Element:
    [case] = written(folder, results_of(folder, record)).iter("testcase")
    return case


def assert_counts(folder: Path, root: ElementTree.Element, missing: int = 0) -> None:
    """Compare every count, as two parsers see it, with what the file of records has."""
    known = lines(folder)
    expected = Counter(ELEMENTS.get(line["outcome"], "passed") for line in known)
    expected["error"] += missing
    assert sum(1 for _ in root.iter("testcase")) == len(known) + missing == int(root.attrib["tests"])
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        for element, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{element}"))
    for element, attribute in (("failure", "failures"), ("error", "errors")):
        assert int(root.attrib[attribute]) == expected[element]
    seconds = sum(line["duration_s"] for line in known)
    assert float(root.attrib["time"]) == pytest.approx(seconds, abs=0.001)
    parsed = JUnitXml.fromfile(str(folder / junit.FILE))
    found: Counter[str] = Counter()
    for suite in parsed:
        for case in suite:
            kinds = {Failure: "failure", ErrorElement: "error", Skipped: "skipped"}
            found[kinds[type(case.result[0])] if case.result else "passed"] += 1
    assert +found == +expected
    parsed.update_statistics()
    assert (parsed.tests, parsed.failures, parsed.errors, parsed.skipped) == (
        len(known) + missing,
        expected["failure"],
        expected["error"],
        expected["skipped"],
    )


def test_each_outcome_has_its_element(tmp_path: Path) -> None:
    root = written(tmp_path, results_of(tmp_path, *of_every_outcome()))
    assert_counts(tmp_path, root)
    for line in lines(tmp_path):
        name = f"{line['family']}.{line['model_type']}.{line['architecture']}"
        [case] = root.findall(f"testsuite/testcase[@classname='{name}']")
        assert case.attrib["name"] == "is_fine[device=cpu]"
        assert case.attrib["time"] == "0.250"
        elements = [element.tag for element in case if element.tag != "properties"]
        has_error = line["outcome"] in ("failed", "known-failure")
        assert (case.find("properties/property[@name='cause']") is not None) == has_error
        assert elements == ([ELEMENTS[line["outcome"]]] if line["outcome"] in ELEMENTS else [])


def test_suites_are_families_and_tiers(tmp_path: Path) -> None:
    root = written(tmp_path, results_of(tmp_path, *of_every_outcome(), sample("row", None, family=None)))
    wanted = Counter(f"{line['family'] or 'no family'}, {line['tier']}" for line in lines(tmp_path))
    assert {suite.attrib["name"]: int(suite.attrib["tests"]) for suite in root} == wanted
    assert [suite.attrib["name"] for suite in root] == sorted(wanted)


def test_a_failure_says_all_and_how_to_reproduce_it(tmp_path: Path) -> None:
    error = Error("ValueError", "shapes differ\nin two lines", "Traceback:\n    deep\n\tdeeper")
    command = "hfci run bert --check is_fine"
    case = case_of(tmp_path, sample(outcome="failed", error=error, stage="forward", reproduce=command))
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib == {"type": "ValueError", "message": "failed at forward: ValueError: shapes differ"}
    assert failure.text == (
        "failed at forward: ValueError: shapes differ\n\nValueError: shapes differ\nin two lines\n\n"
        f"Traceback:\n    deep\n\tdeeper\n\nreproduce: {command}"
    )
    assert case.findtext("system-out") == command


def test_escape_sequences_are_gone(tmp_path: Path) -> None:
    error = Error("E", "m", "\x1b[31mm\x1b[0m\n  \x1b]0;title\x07deep \x9b5mend")
    text = case_of(tmp_path, sample(outcome="failed", error=error)).findtext("failure")
    assert text == "failed at check: E: m\n\nm\n  deep end"


@pytest.mark.parametrize(
    ("outcome", "reason", "message"),
    [
        ("unavailable", "needs torchaudio", "unavailable: needs torchaudio"),
        ("reused", None, "reused: not executed: it passed earlier on the same fingerprint"),
        ("not-run", None, "not-run: planned, and did not run"),
        ("not-applicable", "no cache", "not-applicable: no cache"),
        ("known-failure", "heads: link", "known-failure at check: ValueError: no; heads: link"),
    ],
)
def test_what_has_not_passed_says_why(tmp_path: Path, outcome: str, reason: str | None, message: str) -> None:
    element = case_of(tmp_path, sample(outcome=outcome, reason=reason))[0]
    assert element.attrib["message"] == message
    assert (element.text or "").startswith(message)


def test_missing_records_are_errors(tmp_path: Path) -> None:
    results = results_of(tmp_path, sample(), planned=4)
    root = written(tmp_path, results)
    assert_counts(tmp_path, root, missing=3)
    names = [case.attrib["name"] for case in root.iter("testcase") if case.find("error") is not None]
    assert len(set(names)) == 3


def test_absent_cases_are_errors(tmp_path: Path) -> None:
    results = results_of(tmp_path, sample(), planned=2).lacking([sample("lost", outcome="not-run", reason="shard 2")])
    root = written(tmp_path, results)
    assert (root.attrib["tests"], root.attrib["errors"]) == ("2", "1")
    [error] = root.iter("error")
    assert error.attrib["message"] == "not-run: shard 2"


def test_vanished_cases_are_errors(tmp_path: Path) -> None:
    results = results_of(tmp_path, sample("kept"))
    junit.write(tmp_path / junit.FILE, results, against(results, tmp_path / "old", sample("kept"), sample("gone")))
    root = ElementTree.parse(tmp_path / junit.FILE).getroot()
    assert (root.attrib["tests"], root.attrib["errors"]) == ("2", "1")
    [case] = [case for case in root.iter("testcase") if len(case)]
    assert case.attrib["classname"] == "gone.GoneModel"
    assert case[0].attrib["message"] == "not-run: vanished: passed in run before, and not in this one"
    assert case.findtext("system-out") == "hfci run gone --check is_fine --device cpu"


def test_nothing_at_all_is_a_document(tmp_path: Path) -> None:
    root = written(tmp_path, results_of(tmp_path))
    assert_counts(tmp_path, root)
    assert len(root) == 0


def test_properties_are_the_facts_of_the_runs(tmp_path: Path) -> None:
    about = {"commit": "abc", "branch": "main", "seed": 7, "runner": "a10", "versions": {"torch": "2.6", "jax": None}}
    results_of(tmp_path, sample(), shard=0, device="cuda", **about)
    results = results_of(tmp_path, sample("gpt2"), name="2", shard=1, device="cpu", **about)
    [suite] = written(tmp_path, results)
    assert {known.attrib["name"]: known.attrib["value"] for known in suite.iter("property")} == {
        "verdict": "Green: 2 of 2 cases executed",
        "run": "x",
        "started": "2026-01-01T00:00:00+00:00",
        "commit": "abc",
        "branch": "main",
        "tier": "smoke",
        "device": "cuda, cpu",
        "runner": "a10",
        "seed": "7",
        "torch version": "2.6",
    }


def test_no_file_is_attached(tmp_path: Path) -> None:
    secret = "[[ATTACHMENT|/etc/passwd]] [[attachment|x]] tensor([[1.0, 2.0]])"
    error = Error(secret, secret, secret)
    case_of(tmp_path, sample(outcome="failed", error=error, reason=secret, reproduce=secret))
    page = (tmp_path / junit.FILE).read_text(encoding="utf-8")
    assert not re.search(r"\[\[attachment\|", page, re.IGNORECASE)
    assert "tensor([[1.0, 2.0]])" in page


@given(records(st.text() | st.just(HOSTILE)), header_fields(st.text() | st.just(HOSTILE)), st.integers(0, 3))
@settings(max_examples=150)
def test_any_text_anywhere_leaves_a_document_with_every_case(
    some: list[Record], fields: dict[str, Any], missing: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = results_of(folder, *some, planned=len(some) + missing, **fields)
        assert_counts(folder, written(folder, results), missing)
        page = (folder / junit.FILE).read_text(encoding="utf-8")
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", page)


def in_xml(text: str) -> str:
    return text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


# Without what begins an escape sequence, everything that is seen is known: nothing else may get lost or change.
UNICODE = st.text(st.characters(exclude_characters="\x1b\x9b", exclude_categories=["Cs"]), max_size=100)


@given(UNICODE, UNICODE, UNICODE)
@settings(max_examples=300)
def test_every_text_comes_back_as_one_is_to_see_it(name: str, reason: str, command: str) -> None:
    fields = {"case": f"m/A/{name}", "architecture": "A", "family": f"f{name}", "reproduce": f"run {command}"}
    with tempfile.TemporaryDirectory() as folder:
        case = case_of(Path(folder), sample("m", outcome="unavailable", reason=f"needs {reason}", **fields))
    assert case.attrib["name"] == (in_xml(one_line(name)) or "-")
    assert case.attrib["classname"] == in_xml(one_line(f"f{name}.m.A"))
    assert case.findtext("system-out") == in_xml(one_line(f"run {command}"))
    [first, *_] = f"needs {reason}".splitlines()
    [skipped] = case.findall("skipped")
    assert skipped.attrib["message"] == in_xml(f"unavailable: {one_line(first)}")


@given(UNICODE)
@settings(max_examples=300)
def test_every_line_of_a_traceback_comes_back(traceback: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        error = Error("E", "m", f"begin m: {traceback} :end")
        case = case_of(Path(folder), sample(outcome="failed", error=error))
    text = case.findtext("failure") or ""
    lines = traceback.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in lines if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    seen = "".join(" " if c.isspace() and c not in "\n\t" else c for c in kept)
    assert text == f"failed at check: E: m\n\nbegin m: {in_xml(seen)} :end"
