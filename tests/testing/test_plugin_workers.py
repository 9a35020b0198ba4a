"""Workers that die, hang or are interrupted: every planned case has a record all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.stuck import STUCK

from .support import by_check, environment, read_lines, run_pytest, write_test

KILLED = """
import os, signal

def test_before():
    assert True

def test_kills():
    os.kill(os.getpid(), signal.SIGKILL)

def test_after():
    assert True
"""

WAITING = f"""
import time

def test_sleeps():
    time.sleep(60)

def test_is_stuck_in_c():
    {STUCK}
def test_after():
    assert True
"""

SEGFAULT = """
import ctypes

def test_reads_nothing():
    ctypes.string_at(0)

def test_after():
    assert True
"""

INTERRUPTED = """
import time
from pathlib import Path

def test_before():
    assert True

def test_is_interrupted():
    Path("running").touch()
    time.sleep(60)

def test_after():
    assert True
"""

# The process that records hands on nothing that a worker reports.
BUSY = """
import os, time

def pytest_runtest_logstart():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        time.sleep(60)
"""


def test_dead_and_stuck_workers(tmp_path: Path) -> None:
    for name, body in {"killed": KILLED, "segfault": SEGFAULT, "stuck": WAITING}.items():
        write_test(tmp_path, name, body)
    done = run_pytest(tmp_path, "-n", "2", "--dist", "loadfile", "--hfci-timeout", "2", is_warm=False)
    assert done.returncode == 1, done.stdout
    header, lines = read_lines(tmp_path / "out")
    assert header["planned"] == len(lines) == 8
    records = by_check(lines)
    said = {name: record["error"]["message"] for name, record in records.items() if record["error"]}
    assert {name for name, record in records.items() if record["outcome"] == "passed"} == set(records) - set(said)
    assert set(said) == {"killed.kills", "segfault.reads_nothing", "stuck.sleeps", "stuck.is_stuck_in_c"}
    assert "died with signal SIGKILL" in said["killed.kills"]
    assert "died with signal SIGSEGV" in said["segfault.reads_nothing"]
    assert "Timeout" in said["stuck.sleeps"]
    assert "was stuck for more than 0:00:07" in said["stuck.is_stuck_in_c"]
    stack = {name: records[name]["error"]["traceback"] for name in said}
    assert 'test_stuck.py", line 11 in test_is_stuck_in_c' in stack["stuck.is_stuck_in_c"].splitlines()[-1]
    assert 'test_segfault.py", line 8 in test_reads_nothing' in stack["segfault.reads_nothing"].splitlines()[-2]
    assert stack["stuck.is_stuck_in_c"] in done.stdout
    assert records["killed.kills"]["stage"] == "check"
    assert records["killed.kills"]["worker"].startswith("gw")
    assert records["killed.kills"]["reproduce"] in done.stdout


def test_a_single_case_left_over_is_run(tmp_path: Path) -> None:
    # The new worker is given the one case that the dead one left, while a whole file still waits.
    write_test(tmp_path, "killed", KILLED)
    write_test(tmp_path, "other", KILLED.replace("os.kill(os.getpid(), signal.SIGKILL)", "assert os, signal"))
    done = run_pytest(tmp_path, "-n", "1", "--dist", "loadfile", is_warm=False)
    assert done.returncode == 1, done.stdout
    outcomes = [record["outcome"] for record in read_lines(tmp_path / "out")[1]]
    assert sorted(outcomes) == ["failed", *["passed"] * 5]


def test_interrupt_keeps_what_was_done_even_if_nobody_had_time_to_take_it_in(tmp_path: Path) -> None:
    write_test(tmp_path, "interrupted", INTERRUPTED)
    (tmp_path / "conftest.py").write_text(BUSY)
    arguments = ["-n", "1", "--dist", "loadfile", "--hfci-results", "out", "-p", "no:cacheprovider"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not (tmp_path / "running").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 130
    header, lines = read_lines(tmp_path / "out")
    outcomes = {record["check"]: record["outcome"] for record in lines}
    assert outcomes == {"before": "passed", "is_interrupted": "not-run", "after": "not-run"}
    assert header["planned"] == 3
