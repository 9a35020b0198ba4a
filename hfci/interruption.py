"""Ctrl-C and SIGTERM, by which a job is cancelled: one KeyboardInterrupt, and never in the midst of a record.

GitHub sends SIGINT, after 7.5 s SIGTERM, and kills after 2.5 s more: what is to be kept is written by then.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

__all__ = ["EXIT_INTERRUPTED", "interruptible", "raise_again", "uninterrupted"]

EXIT_INTERRUPTED = 130

SIGNALS = (signal.SIGINT, signal.SIGTERM)
USUAL = (signal.SIG_DFL, signal.default_int_handler)  # what is installed where nobody has said anything

# So many seconds a command has to end after a signal; one that comes within them says nothing new.
ENDING_S = 5.0


class _Interruption:
    """What came, and whether it must wait."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.depth = 0
        self.is_pending = False

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.since is not None and now - self.since < ENDING_S:
            return
        self.since = now
        if self.depth:
            self.is_pending = True
        else:
            raise KeyboardInterrupt

    def resume(self) -> None:
        if self.is_pending and not self.depth:
            self.is_pending = False
            raise KeyboardInterrupt


_interruption = _Interruption()


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Make SIGINT and SIGTERM a KeyboardInterrupt of the main thread, where nobody else handles or ignores them."""
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in SIGNALS} if is_main else {}
    ours = {number: handler for number, handler in before.items() if handler in USUAL}
    _interruption.since = None
    for number in ours:
        signal.signal(number, _interruption.handle)
    try:
        yield
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        _interruption.since = None


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Put off an interruption until what is done here is whole."""
    _interruption.depth += 1
    try:
        yield
    finally:
        _interruption.depth -= 1
        _interruption.resume()


def raise_again() -> None:
    """Raise KeyboardInterrupt if this command has been interrupted, by one that native code may have swallowed.

    A library that is being imported may take it for a fault of its own: it is broken then, or does not say a word.
    """
    if _interruption.since is not None:
        raise KeyboardInterrupt
