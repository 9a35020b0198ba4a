"""Whoever reads the output, or does not: records and exit code are the same. Real processes and real streams."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm import COLD

from .test_cli import generated, records

HFCI = shlex.join([sys.executable, "-m", "hfci"])

# What a shell puts after a command, whose exit code the shell's own may hide.
READERS = (
    "| true",
    "2>&1 | true",
    "| head -n 1",
    ">&-",
    "<&- >&- 2>&-",
    "> /dev/full",
    "> /dev/full 2>&1",
)


def ends(arguments: str, reader: str, cwd: Path, **extra: str) -> tuple[int, str]:
    """Return the exit code of `hfci ARGUMENTS` with that reader, and what stands on standard error."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PYTEST_"))}
    script = f"{{ {HFCI} {arguments}; echo $? >&3; }} 3> code {reader}"
    done = subprocess.run(["sh", "-c", script], cwd=cwd, env={**kept, **extra}, capture_output=True, check=False)
    return int((cwd / "code").read_text()), done.stderr.decode()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the records of a red and of a green run."""
    folder = tmp_path_factory.mktemp("recorded")
    generated(folder / "generated", good="assert True", bad="assert 0, chr(0x2026) * 100_000")
    assert ends("run good --results green", "> /dev/null", folder)[0] == 0
    assert ends("run bad --results red", "> /dev/null", folder)[0] == 1
    return folder


# Of a run whose cases are executed, and of one, which takes no time, of a model type that has no test.
@pytest.mark.parametrize(
    ("name", "cases", "reader"),
    [
        *(("bad", 3, reader) for reader in ("| true", "<&- >&- 2>&-", "> /dev/full")),
        *(("stuck", 1, each) for each in READERS),
    ],
)
def test_a_run_is_as_red_as_it_is_and_recorded(
    recorded: Path, name: str, cases: int, reader: str, tmp_path: Path
) -> None:
    results = tmp_path / "out"
    code, said = ends(f"run {name} --workers 1 --results {results}", reader, recorded)
    assert (code, len(records(results))) == (1, cases), said
    assert "Traceback" not in said
    assert ("not all of the output could be written" in said) == (reader == "> /dev/full")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("results", "code"), [("green", 0), ("red", 1)])
@pytest.mark.parametrize("form", ["", "--json", "--annotations"])
def test_so_is_a_report(recorded: Path, results: str, code: int, form: str, reader: str) -> None:
    ended, said = ends(f"report {results} {form}", reader, recorded)
    assert ended == code
    assert "Traceback" not in said


@pytest.mark.parametrize("reader", ["| true", ">&-", "> /dev/full"])
@pytest.mark.parametrize(("arguments", "code"), [("--help", 0), ("runn", 2), ("report nowhere", 2)])
def test_so_are_help_and_wrong_use(arguments: str, code: int, reader: str, tmp_path: Path) -> None:
    assert ends(arguments, reader, tmp_path)[0] == code


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_characters(recorded: Path, encoding: str, tmp_path: Path) -> None:
    results = tmp_path / "out"
    extra = {"PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    code, said = ends(f"run bad --workers 1 --results {results}", f"> {tmp_path}/said", recorded, **extra)
    assert (code, len(records(results))) == (1, 3), said
    assert "\\u2026" in (tmp_path / "said").read_text(encoding=encoding)
    code, said = ends("report red", f"> {tmp_path}/told", recorded, **extra)
    assert (code, said) == (1, "")
    assert "\\u2026" in (tmp_path / "told").read_text(encoding=encoding)


def test_closed_streams_are_no_files_of_others(tmp_path: Path) -> None:
    # The number of a closed stream is that of the next file to be opened: what is printed must not get there.
    code = (
        "import sys\nfrom hfci.output import unfailing_output\n"
        "with unfailing_output():\n"
        "    file = open('mine', 'w')\n"
        "    print('to the terminal'); print('to the terminal', file=sys.stderr)\n"
        "    import subprocess; subprocess.run(['echo', 'to the terminal'], check=True)\n"
        "    assert file.fileno() > 2\n"
    )
    script = f"{shlex.quote(COLD)} -c {shlex.quote(code)} <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, check=False)
    assert (done.returncode, (tmp_path / "mine").read_text()) == (0, "")


def test_a_full_pipe_that_does_not_block_is_waited_for(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom hfci.output import unfailing_output\n"
        "os.set_blocking(1, False)\n"
        "with unfailing_output():\n    print('x' * 1_000_000)\n"
    )
    script = f"{shlex.quote(COLD)} -c {shlex.quote(code)} | (sleep 1; wc -c)"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("1000001", "")
