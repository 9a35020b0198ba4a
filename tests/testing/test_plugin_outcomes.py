"""What becomes of a test's end, in one process without xdist."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from .support import by_check, read_lines, run_pytest, write_test

OUTCOMES = """
import socket
from hfci.testing import unavailable

def test_passes():
    assert 1 == 1

def test_fails():
    assert 1 == 2, "a | b"

def test_swallows_a_lookup():
    try:
        socket.create_connection(("example.com", 80), timeout=1)
    except OSError:
        pass

def test_swallows_an_address():
    with socket.socket() as client:
        try:
            client.connect(("192.0.2.1", 80))
        except OSError:
            pass

def test_talks_to_itself():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()

def test_skips():
    pytest.skip("somehow")

@pytest.mark.xfail(reason="known")
def test_is_expected_to_fail():
    assert 0

@pytest.mark.xfail(reason="known", strict=True)
def test_passes_unexpectedly():
    assert 1

def test_says_what_is_missing():
    unavailable("needs a rocket")

@pytest.mark.hfci(requires=("no-such-package",))
def test_is_not_attempted():
    raise AssertionError("attempted")

def test_does_not_apply():
    from hfci.checks import NotApplicable
    raise NotApplicable("it has no rows")

@pytest.mark.parametrize("task", ["fill-mask"])
def test_has_a_task(task):
    assert task == "fill-mask"

@pytest.fixture
def broken_afterwards():
    yield
    raise RuntimeError("torn down")

def test_breaks_afterwards(broken_afterwards):
    assert True
"""

STAGES = """
from pathlib import Path
from hfci.errors import StageError

@pytest.fixture(scope="module")
def tiny():
    with Path("built").open("a") as file:
        file.write("x")
    try:
        raise ValueError("heads do not divide")
    except ValueError as cause:
        raise StageError("config", "stages", "StagesModel", cause) from cause

def test_first(tiny):
    assert tiny

def test_second(tiny):
    assert tiny
"""

ELSEWHERE = """
from types import SimpleNamespace
import torch

@pytest.fixture(scope="module")
def tiny():
    model = torch.nn.Linear(2, 2, device="meta", dtype=torch.float16)
    model.dtype = torch.float16
    return SimpleNamespace(model=model)

def test_runs_elsewhere(tiny):
    assert tiny
"""

UNKNOWN = """
def test_first(tiny):
    assert tiny
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outcomes")


@pytest.fixture(scope="module")
def done(folder: Path) -> subprocess.CompletedProcess[str]:
    for name, body in {
        "outcomes": OUTCOMES,
        "stages": STAGES,
        "elsewhere": ELSEWHERE,
        "unknown": UNKNOWN,
    }.items():
        write_test(folder, name, body)
    (folder / "test_plain.py").write_text("def test_it():\n    assert True\n", encoding="utf-8")
    return run_pytest(folder)


@pytest.fixture(scope="module")
def records(folder: Path, done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.returncode == 1, done.stdout
    header, lines = read_lines(folder / "out")
    assert header["planned"] == len(lines)
    return by_check(lines)


def test_every_marked_test_has_one_record(records: dict[str, dict[str, Any]]) -> None:
    bodies = (OUTCOMES, STAGES, ELSEWHERE, UNKNOWN)
    assert len(records) == sum(body.count("def test_") for body in bodies)


@pytest.mark.parametrize(
    ("name", "outcome", "said"),
    [
        ("outcomes.passes", "passed", ""),
        ("outcomes.fails", "failed", "a | b"),
        ("outcomes.swallows_a_lookup", "failed", "name lookup of example.com"),
        ("outcomes.swallows_an_address", "failed", "connection to 192.0.2.1"),
        ("outcomes.talks_to_itself", "passed", ""),
        ("outcomes.skips", "failed", "a skip must name what is missing"),
        ("outcomes.is_expected_to_fail", "failed", "ledger"),
        ("outcomes.passes_unexpectedly", "failed", "ledger"),
        ("outcomes.says_what_is_missing", "unavailable", "needs a rocket"),
        ("outcomes.is_not_attempted", "unavailable", "pip install no-such-package"),
        ("outcomes.does_not_apply", "not-applicable", "it has no rows"),
        ("outcomes.has_a_task", "passed", ""),
        ("outcomes.breaks_afterwards", "failed", "torn down"),
        ("stages.first", "failed", "heads do not divide"),
        ("stages.second", "failed", "heads do not divide"),
        ("elsewhere.runs_elsewhere", "failed", "asked for cpu, the parameters are on meta"),
        ("unknown.first", "failed", "unknown"),
    ],
)
def test_outcome(records: dict[str, dict[str, Any]], name: str, outcome: str, said: str) -> None:
    record = records[name]
    assert record["outcome"] == outcome
    assert said in (record["error"] or {}).get("message", "") + (record["reason"] or "")


def test_stage_is_that_of_the_stage_error(records: dict[str, dict[str, Any]], folder: Path) -> None:
    first, second = records["stages.first"], records["stages.second"]
    assert (first["stage"], second["stage"]) == ("config", "config")
    assert first["error"]["type"] == "ValueError"
    assert (folder / "built").read_text() == "x", "the model was built again for the second test"


def test_a_failure_of_the_fixture_is_at_build(records: dict[str, dict[str, Any]]) -> None:
    assert records["unknown.first"]["stage"] == "build"


def test_record_says_what_was_really_used(records: dict[str, dict[str, Any]]) -> None:
    assert records["elsewhere.runs_elsewhere"]["device"] == "meta"
    assert records["elsewhere.runs_elsewhere"]["dtype"] == "float16"
    assert records["outcomes.passes"]["worker"] == "main"
    assert records["outcomes.passes"]["peak_memory_bytes"] > 2**20


def test_only_what_pytest_shows_as_a_failure_has_a_traceback(records: dict[str, dict[str, Any]]) -> None:
    assert "test_outcomes.py" in records["outcomes.fails"]["error"]["traceback"]
    assert not any(records[f"outcomes.{name}"]["error"]["traceback"] for name in ("skips", "is_expected_to_fail"))


def test_case_id_has_the_axes(records: dict[str, dict[str, Any]]) -> None:
    found = records["outcomes.has_a_task"]["case"]
    assert found == "outcomes/outcomesModel/has_a_task[task=fill-mask,device=cpu]"


def test_every_failure_prints_its_command(
    done: subprocess.CompletedProcess[str], records: dict[str, dict[str, Any]]
) -> None:
    for record in records.values():
        if record["outcome"] == "failed":
            assert record["reproduce"] in done.stdout.splitlines()
    assert records["outcomes.fails"]["reproduce"] == "pytest test_outcomes.py::test_fails --hfci-device cpu"


def test_the_command_reproduces(folder: Path, records: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    command = records["outcomes.fails"]["reproduce"].split()
    again = run_pytest(folder, *command[1:], "--hfci-results", str(tmp_path))
    assert again.returncode == 1
    assert [record["error"]["message"] for record in read_lines(tmp_path)[1]] == [
        records["outcomes.fails"]["error"]["message"]
    ]
