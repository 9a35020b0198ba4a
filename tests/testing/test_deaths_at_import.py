"""Files of which the process dies that imports them, or never comes back: each costs its own cases, and no other's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stuck import STUCK
from tests.test_cli import generated, records, run

# What the import of a file does, and what its records say of it.
DEADLY = {
    "exits": ("import os\nos._exit(0)\n", "died with exit code 0 while importing text/test_exits.py"),
    "segfaults": ("import ctypes\nctypes.string_at(0)\n", "died with signal SIGSEGV while importing"),
    "leaves": ("import sys\nsys.exit('enough')\n", "SystemExit: enough"),
    "raises": ("raise RuntimeError('no')\n", "RuntimeError: no"),
}
WHOLE = ("first", "last")


def spoilt(folder: Path, **texts: str) -> None:
    """Write a folder of generated tests, of which some begin with such a text."""
    generated(folder, **dict.fromkeys(("first", *texts, "last"), "pass"))
    for name, text in texts.items():
        file = folder / "text" / f"test_{name}.py"
        file.write_text(text + file.read_text())


def told(tmp_path: Path, *arguments: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Run one check of each file; return the record of each model type that has one, and what was said."""
    names = [path.stem.removeprefix("test_") for path in (tmp_path / "generated" / "text").glob("test_*.py")]
    done = run("run", *names, "--check", "builds_tiny", "--results", "out", *arguments, cwd=tmp_path, is_warm=False)
    assert done.returncode == 1, done.stdout + done.stderr
    found = records(tmp_path / "out")
    assert sorted(record["model_type"] for record in found) == sorted(names)
    return {record["model_type"]: record for record in found}, done.stdout


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_ends_the_process_costs_its_own_cases_only(tmp_path: Path, workers: int) -> None:
    spoilt(tmp_path / "generated", **{name: text for name, (text, _) in DEADLY.items()})
    found, said = told(tmp_path, "--workers", str(workers))
    assert {name for name, record in found.items() if record["outcome"] == "passed"} == set(WHOLE)
    for name, (_, message) in DEADLY.items():
        record = found[name]
        assert (record["outcome"], record["reason"]) == ("not-run", "its file was not collected")
        assert message in record["error"]["message"]
        assert record["error"]["message"] in said
    assert 'test_segfaults.py", line 2 in <module>' in found["segfaults"]["error"]["traceback"]


def test_a_file_that_never_comes_back_costs_its_own_cases_only(tmp_path: Path) -> None:
    spoilt(tmp_path / "generated", endless=STUCK)
    found, said = told(tmp_path, "--workers", "2", "--timeout", "10")
    assert {name for name, record in found.items() if record["outcome"] == "passed"} == set(WHOLE)
    error = found["endless"]["error"]
    assert "was stuck for more than 0:00:20 while importing text/test_endless.py" in error["message"]
    assert 'test_endless.py", line 1 in <module>' in error["traceback"]
    assert "_pytest" not in error["traceback"]
    assert error["message"] in said


# Of one worker alone, as where a machine runs out of memory: the one that came first has collected the file.
ONE_OF_TWO = "import os\nif os.environ['PYTEST_XDIST_WORKER'] == 'gw1':\n    os._exit(3)\n"
# Of one that takes the place of a dead one, when the others are at work.
LATE = "import os\nif os.environ['PYTEST_XDIST_WORKER'] not in ('gw0', 'gw1'):\n    os._exit(3)\n"
KILLS = "import os\n    os._exit(4)"


def test_a_file_of_which_only_one_worker_dies_costs_its_own_cases_only(tmp_path: Path) -> None:
    spoilt(tmp_path / "generated", flaky=ONE_OF_TWO)
    found, _ = told(tmp_path, "--workers", "2")
    assert {name for name, record in found.items() if record["outcome"] == "passed"} == set(WHOLE)
    assert "gw1 died with exit code 3 while importing" in found["flaky"]["error"]["message"]


def test_a_file_of_which_a_later_worker_dies_is_waited_for_by_none(tmp_path: Path) -> None:
    generated(tmp_path / "generated", a=KILLS, b=KILLS, c="pass", late="pass", z="pass")
    file = tmp_path / "generated" / "text" / "test_late.py"
    file.write_text(LATE + file.read_text())
    done = run("run", "a", "b", "c", "late", "z", "--workers", "2", "--results", "out", cwd=tmp_path, is_warm=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("- reproduce -") == 2  # once for each that failed
    found = {(record["model_type"], record["check"]): record for record in records(tmp_path / "out")}
    assert len(found) == 15
    assert {name for name, record in found.items() if record["outcome"] == "failed"} == {
        ("a", "forward_is_finite"),
        ("b", "forward_is_finite"),
    }
    assert {record["outcome"] for (name, _), record in found.items() if name in ("c", "z")} == {"passed"}
    for (name, _), record in found.items():
        if record["outcome"] == "not-run":
            assert (name, record["error"]["type"]) == ("late", "NotCollected")
