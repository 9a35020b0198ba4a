"""Ctrl-C and a cancelled job: real signals to real processes, of which one worker is deep in C code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hfci.interruption import ENDING_S, interruptible, uninterrupted
from tests.warm import COLD

from .stuck import STUCK
from .test_cli import generated, records

# With a process of its own.
DEEP = f"""
    import pathlib, subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path("pids.new").write_text(f"{{os.getpid()}} {{child.pid}}")
    pathlib.Path("pids.new").rename("pids")
    {STUCK}
"""


def wait_for(happened: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # a zombie of which nobody has taken note yet


@pytest.fixture
def running(tmp_path: Path) -> subprocess.Popen[bytes]:
    """Start a run, and return when one case has been recorded and the next is deep in C code."""
    generated(tmp_path / "generated", deep=DEEP.strip())
    extra = {"GITHUB_STEP_SUMMARY": str(tmp_path / "page.md")}
    process = subprocess.Popen(
        [COLD, "-m", "hfci", "run", "deep", "--workers", "1", "--results", "out"],
        cwd=tmp_path,
        env={**os.environ, **extra},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: (tmp_path / "pids").exists() or process.poll() is not None)
    return process


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to the command", "to all"])
def test_it_ends_soon_keeps_what_it_has_and_leaves_nobody(
    running: subprocess.Popen[bytes], number: int, send: Callable[[int, int], None], tmp_path: Path
) -> None:
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert all(map(is_alive, pids))
    started = time.monotonic()
    send(running.pid, number)
    assert running.wait(timeout=60) == 130
    assert time.monotonic() - started < ENDING_S
    assert not any(map(is_alive, pids))
    outcomes = {record["check"]: (record["outcome"], record["reason"]) for record in records(tmp_path / "out")}
    late = ("not-run", "the run was interrupted")
    assert outcomes == {
        "builds_tiny": ("passed", None),
        "forward_is_finite": late,
        "save_load_roundtrip": late,
    }
    assert (tmp_path / "page.md").read_text().startswith("## Red: 2 not-run (1 cause), 1 of 3 cases executed")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it takes execnet some seconds to see it")
def test_workers_of_a_killed_run_end_with_it_and_what_they_have_started(
    running: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    running.kill()
    running.wait()
    try:
        wait_for(lambda: not any(map(is_alive, pids)), seconds=ENDING_S)
    finally:
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells of a worker's end")
@pytest.mark.parametrize("end", ["pass", "os._exit(3)"])
def test_what_a_worker_has_started_ends_with_it(tmp_path: Path, end: str) -> None:
    start = """
    import pathlib, subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stderr=subprocess.DEVNULL)
    pathlib.Path("pid").write_text(str(child.pid))
    """
    generated(tmp_path / "generated", leaves=f"{start.strip()}\n    {end}")
    command = [COLD, "-m", "hfci", "run", "leaves", "--workers", "1", "--results", "out"]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=False, timeout=300)
    assert done.returncode == (0 if end == "pass" else 1)
    child = int((tmp_path / "pid").read_text())
    wait_for(lambda: not is_alive(child), seconds=ENDING_S)


def test_a_signal_waits_for_what_must_be_whole() -> None:
    done = []

    def write() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("whole")
        done.append("and no more")

    with interruptible(), pytest.raises(KeyboardInterrupt):
        write()
    assert done == ["whole"]


def test_a_second_signal_does_not_disturb_the_end_that_the_first_has_begun() -> None:
    with interruptible():
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)


def test_what_a_shell_ignores_for_a_command_in_the_background_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
