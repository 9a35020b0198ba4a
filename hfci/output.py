"""Standard output and error that never fail: what a command does and how it ends is not up to who reads along.

A reader that is gone (`| head`), a full disk (`> /dev/full`), no stream at all (`>&-`) or a terminal that knows only
ASCII must neither stop a run nor change its exit code.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["unfailing_output"]

DESCRIPTORS = (0, 1, 2)


class _Unfailing(io.RawIOBase):
    """Writes to another raw stream until that fails, and from then on nowhere; `error` says how it failed."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self.stream = stream
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.stream.fileno()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def write(self, data: ReadableBuffer, /) -> int:
        if self.error is None:
            try:
                while (written := self.stream.write(data)) is None:
                    select.select([], [self.stream], [])  # it does not block, and is full for now
            except OSError as error:
                self.error = error
            else:
                return written
        return memoryview(data).nbytes


@contextlib.contextmanager
def unfailing_output() -> Iterator[None]:
    """Let nothing raise that is written to standard output or error; what cannot be encoded is escaped.

    At the end, a lost output is told on standard error, unless its reader is gone: that one has seen enough.
    """
    _open_descriptors()
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_unfailing, streams)
    try:
        yield
    finally:
        sys.stdout.flush()
        if isinstance(sys.stdout, io.TextIOWrapper):
            _tell(sys.stdout)
        sys.stderr.flush()
        sys.stdout, sys.stderr = streams


def _tell(stream: io.TextIOWrapper) -> None:
    raw = getattr(stream.buffer, "raw", None)
    error = raw.error if isinstance(raw, _Unfailing) else None
    if error is not None and not isinstance(error, BrokenPipeError):
        sys.stderr.write(f"hfci: not all of the output could be written: {error.strerror}\n")


def _unfailing(stream: TextIO | None) -> TextIO:
    if stream is None:  # it was closed
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 -- as long as the process
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # with `python -u`, there is no buffer between them
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(raw, io.RawIOBase):
        return stream  # somebody's own, such as a test's
    return io.TextIOWrapper(
        io.BufferedWriter(_Unfailing(raw)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _open_descriptors() -> None:
    """Open the null device for each standard stream that is closed.

    Else the next file to be opened takes its number, and gets what is printed.
    """
    for descriptor in DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one
