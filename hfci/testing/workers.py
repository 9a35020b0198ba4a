"""The processes of xdist's workers: how they end, how they are ended, and that none outlives the run."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from hfci.testing import guard

__all__ = ["Death", "become_worker", "death_of", "die_with", "end_worker", "read_stack"]

PR_SET_PDEATHSIG = 1  # linux/prctl.h

# What faulthandler writes of one thread, and how what it has written begins where a timer of its own has run out.
_THREAD = re.compile(r"^(?P<kind>Current thread|Thread) .*\(most recent call first\):\n(?P<frames>(?:  .*\n?)*)", re.M)
_STUCK = re.compile(r"Timeout \((?P<limit>[\d:.]+)\)!")

# The frames of what has called a test, or imported its file.
_CALLER = re.compile(r'File "[^"]*[/\\](?:_pytest|pluggy)[/\\]')


class Death(NamedTuple):
    """How a worker died, and the stack of Python that it has left, the innermost call last, or nothing."""

    worker: str
    manner: str = "died"
    stack: str = ""

    def __str__(self) -> str:
        """Return which worker died, and how."""
        return f"worker {self.worker} {self.manner}"

    def while_doing(self, what: str) -> str:
        """Return the stack, and a last line that says what it was doing."""
        return "\n".join(filter(None, (self.stack, f"{self} while {what}")))


def become_worker() -> None:
    """Make this process a worker that only its controller ends, with all that it has started itself.

    A group of its own: a Ctrl-C in the terminal is for the controller, which then decides. On Linux it also ends when
    the controller is killed, and so does its group; elsewhere, when execnet sees that nobody is there any more, some
    seconds later.
    """
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # else a terminal may stop a group that is not in front
    die_with(os.getppid())
    if sys.platform == "linux":
        command = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid())]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 -- hfci's own file


def die_with(parent: int) -> None:
    """On Linux, have this process killed when `parent`, which has started it, ends."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed just now
            os.kill(os.getpid(), signal.SIGKILL)


def end_worker(node: Any) -> None:
    """Kill a worker, whatever it is doing, and what it has started."""
    process = _process(node)
    if process is None or process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg") and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def death_of(node: Any, written: Path) -> Death:
    """Return how a worker died; faulthandler has `written` its stack there, if it was in time to."""
    stack = read_stack(written.read_text(encoding="utf-8", errors="replace") if written.exists() else "")
    stuck = _STUCK.match(stack)
    manner = f"was stuck for more than {stuck['limit']}" if stuck else _manner(_process(node))
    return Death(node.gateway.id, manner, stack)


def read_stack(written: str) -> str:
    """Return what faulthandler has `written`: why, then the thread that it is about, the innermost call last.

    That is the thread that died, or else the main one, which is written last. What called the test is left out.
    """
    threads = {match["kind"]: match["frames"].splitlines() for match in _THREAD.finditer(written)}
    frames = threads.get("Current thread") or threads.get("Thread") or []
    own = list(itertools.takewhile(lambda frame: not _CALLER.search(frame), frames)) or frames
    return "\n".join([*written.splitlines()[:1], *reversed(own)])


def _manner(process: subprocess.Popen[bytes] | None) -> str:
    try:
        code = process.wait(timeout=5) if process is not None else None
    except subprocess.TimeoutExpired:
        code = None
    if code is None:
        return "died without a word"
    if code < 0:
        name = signal.Signals(-code).name
        return f"died with signal {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"died with exit code {code}"


def _process(node: Any) -> subprocess.Popen[bytes] | None:
    # execnet keeps it, but has no public name for it.
    return getattr(getattr(node.gateway, "_io", None), "popen", None)
