"""Real pytest runs in a repository with a ledger of its own."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .support import by_check, read_lines, run_pytest, write_test

ENTRY = """
[[entry]]
name = "{name}"
model_types = ["{name}"]
{checks}
stage = "{stage}"
error = {{ type = "ValueError", message = "heads do not divide" }}
reason = "its heads | do <b>not</b> divide its width"
link = "https://github.com/huggingface/transformers/issues/1"
transformers = ">={since}"
expires = {expires}
"""

STOPS = """
from hfci.errors import StageError

@pytest.fixture(scope="module")
def tiny():
    try:
        raise ValueError("the heads do not divide")
    except ValueError as cause:
        raise StageError("{stage}", "x", "XModel", cause) from cause

def test_builds_tiny(tiny):
    assert tiny

def test_forward_is_finite(tiny):
    assert tiny
"""

PASSES = """
from hfci import checks
from hfci.tiny import build_tiny

@pytest.fixture(scope="module")
def tiny():
    return build_tiny("bert")

def test_builds_tiny(tiny):
    checks.builds_tiny(tiny)

def test_forward_is_finite(tiny):
    checks.forward_is_finite(tiny)
"""

# Name, stage of the entry, its checks, first version, expiry, the test.
ROWS = [
    ("known", "build", "", "5", "9999-12-31", STOPS.format(stage="build")),
    ("elsewhere", "build", "", "5", "9999-12-31", STOPS.format(stage="config")),
    ("expired", "build", "", "5", "2020-01-01", STOPS.format(stage="build")),
    ("newer", "build", "", "999", "9999-12-31", STOPS.format(stage="build")),
    ("mended", "build", "", "5", "9999-12-31", PASSES),
    ("half", "build", 'checks = ["builds_tiny"]', "5", "9999-12-31", PASSES),
    ("forgotten", "build", "", "5", "2020-01-01", PASSES),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    (folder / "pyproject.toml").write_text('[tool.hfci]\nledger = "own.toml"\n', encoding="utf-8")
    entries = [
        ENTRY.format(name=name, stage=stage, checks=checks, since=since, expires=expires)
        for name, stage, checks, since, expires, _ in ROWS
    ]
    (folder / "own.toml").write_text("schema = 1\n" + "".join(entries), encoding="utf-8")
    for name, *_, body in ROWS:
        write_test(folder, name, body)
    return folder


@pytest.fixture(scope="module")
def done(folder: Path) -> subprocess.CompletedProcess[str]:
    return run_pytest(folder, "-rx")


@pytest.fixture(scope="module")
def records(folder: Path, done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.returncode == 1, done.stdout
    return by_check(read_lines(folder / "out")[1])


@pytest.mark.parametrize(
    ("name", "outcomes", "said"),
    [
        ("known", ("known-failure", "known-failure"), "known: its heads | do <b>not</b> divide its width"),
        ("elsewhere", ("failed", "failed"), "speaks of another failure: ValueError at build"),
        ("expired", ("failed", "failed"), "until it expired on 2020-01-01"),
        ("newer", ("failed", "failed"), ""),
        ("mended", ("failed", "failed"), "the entry must go"),
        ("half", ("failed", "passed"), "half (own.toml) says that it fails at build: the entry must go"),
        ("forgotten", ("passed", "passed"), ""),
    ],
)
def test_outcome(records: dict[str, dict[str, Any]], name: str, outcomes: tuple[str, str], said: str) -> None:
    first, second = records[f"{name}.builds_tiny"], records[f"{name}.forward_is_finite"]
    assert (first["outcome"], second["outcome"]) == outcomes
    assert said in (first["reason"] or "") + (first["error"] or {}).get("message", "")


def test_a_known_failure_keeps_its_stage_and_error(records: dict[str, dict[str, Any]]) -> None:
    record = records["known.builds_tiny"]
    assert (record["stage"], record["error"]["type"]) == ("build", "ValueError")
    first, *_, last = record["error"]["traceback"].strip().splitlines()
    assert first == "Traceback (most recent call last):"
    assert last.endswith("ValueError: the heads do not divide")
    assert "_pytest" not in record["error"]["traceback"]


def test_a_mark_does_not_hide_what_the_ledger_knows(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\nledger = "own.toml"\n', encoding="utf-8")
    entry = ENTRY.format(name="marked", stage="build", checks="", since="5", expires="9999-12-31")
    (tmp_path / "own.toml").write_text(f"schema = 1\n{entry}", encoding="utf-8")
    write_test(tmp_path, "marked", STOPS.format(stage="build").replace("def test_", "@pytest.mark.xfail\ndef test_"))
    assert run_pytest(tmp_path).returncode == 1
    records = by_check(read_lines(tmp_path / "out")[1])
    assert {record["error"]["type"] for record in records.values()} == {"Xfail"}


def test_pytest_counts_known_failures_apart(
    done: subprocess.CompletedProcess[str], records: dict[str, dict[str, Any]]
) -> None:
    counts = Counter(record["outcome"] for record in records.values())
    assert counts == {"known-failure": 2, "failed": 9, "passed": 3}
    assert "2 xfailed" in done.stdout
    assert "XFAIL" in done.stdout


def test_known_failures_alone_are_green(folder: Path, tmp_path: Path) -> None:
    alone = run_pytest(folder, "test_known.py", "--hfci-results", str(tmp_path))
    assert alone.returncode == 0, alone.stdout


def test_a_broken_ledger_is_said_once_and_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\nlegder = "own.toml"\n', encoding="utf-8")
    write_test(tmp_path, "known", PASSES)
    broken = run_pytest(tmp_path)
    assert broken.returncode == 2, broken.stdout
    assert (broken.stdout + broken.stderr).count("Did you mean ledger?") == 1
