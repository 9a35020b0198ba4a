"""The processes of xdist's workers: how they end, how they are ended, and that none outlives the run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any

__all__ = ["become_worker", "end_worker", "manner"]

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def become_worker() -> None:
    """Make this process a worker that only its controller ends, with all that it has started itself.

    A group of its own: a Ctrl-C in the terminal is for the controller, which then decides. On Linux it also ends when
    the controller is killed; elsewhere, when execnet sees that nobody is there any more, some seconds later.
    """
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # else a terminal may stop a group that is not in front
    if sys.platform == "linux":
        import ctypes

        parent = os.getppid()
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


def manner(node: Any) -> str:
    """Return how the process of a worker ended."""
    process = _process(node)
    try:
        code = process.wait(timeout=5) if process is not None else None
    except subprocess.TimeoutExpired:
        code = None
    if code is None:
        return "without a word"
    if code < 0:
        name = signal.Signals(-code).name
        return f"with signal {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"with exit code {code}" + (" (stuck beyond its timeout?)" if code == 1 else "")


def _process(node: Any) -> subprocess.Popen[bytes] | None:
    # execnet keeps it, but has no public name for it.
    return getattr(getattr(node.gateway, "_io", None), "popen", None)
