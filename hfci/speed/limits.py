"""What measuring may take, by a clock of its own: that of the case stands still meanwhile."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Clock", "TimeUp"]

# What is stopped may catch everything, as compilers do: it is stopped again after so many seconds.
_AGAIN_S = 1.0


class TimeUp(BaseException):
    """There was no more time; no Exception, which a model or a compiler might take for its own."""


class Clock:
    """The seconds that several things may take together; 0 is without limit.

    Only the main thread can be stopped, and only where there is SIGALRM; elsewhere there is no limit.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._taken = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the time run. Raises TimeUp when it is over, at once where it was before."""
        left = self.seconds - self._taken
        if self.seconds and left <= 0:
            raise TimeUp(self._said)
        began = time.perf_counter()
        try:
            with _alarm(left if self.seconds else 0.0, self._said):
                yield
        finally:
            self._taken += time.perf_counter() - began

    @property
    def _said(self) -> str:
        return f"not within {self.seconds:g} s"


@contextmanager
def _alarm(seconds: float, said: str) -> Iterator[None]:
    """Raise TimeUp in `seconds`, 0 is never; the alarm that was set before goes on with what it had left."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return
    is_running = True

    def ring(*_: Any) -> None:
        if is_running:
            raise TimeUp(said)

    handler = signal.signal(signal.SIGALRM, ring)
    before = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S if seconds else 0.0)
    try:
        try:
            yield
        finally:
            is_running = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *before)
