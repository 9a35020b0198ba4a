"""The child process as its parent sees it: started, ordered, listened to for as long as it may take, and ended."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping

import msgspec

from hfci import __version__
from hfci.errors import UsageError
from hfci.preflight.worker import Absent, Failed, Order, Passed, Progress, Report

__all__ = ["Child", "Ended", "Lacking", "TimeUp"]

ENDING_S = 3.0  # so long it may take to end when it is asked to
LOOKS_S = 0.5  # so often it is looked whether it still lives
READ = 65_536

# What the interpreter is told to do: begin hfci's worker, or report what of that it has not installed. Both processes
# must be of one hfci, to understand each other.
WORKER = """
import os, sys
absent = None
try:
    import hfci
    if hfci.__version__ != sys.argv[2]:
        absent = f"hfci=={sys.argv[2]}"
    else:
        from hfci.preflight.worker import main
except ModuleNotFoundError as error:
    absent = error.name.partition(".")[0]
if absent is None:
    main()
else:
    os.write(int(sys.argv[1]), b'{"type": "absent", "package": "%s"}\\n' % absent.encode())
"""


class TimeUp(Exception):
    """A stage took longer than it may, or went without progress for longer; its process was ended."""

    def __init__(self, seconds: float, *, is_silence: bool) -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.is_silence = is_silence


class Ended(Exception):
    """The process ended before it reported; `status` as `subprocess` has it: -9 is SIGKILL."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Lacking(Exception):
    """The interpreter does not have the `package` that a worker needs."""

    def __init__(self, package: str) -> None:
        super().__init__(package)
        self.package = package


class Child:
    """A worker in a process group of its own, which a terminal's Ctrl-C does not reach; `log` takes what it prints."""

    def __init__(self, python: str, environment: Mapping[str, str], log: Callable[[bytes], None]) -> None:
        self._reading, writing = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- the interpreter that was asked for
                # -P: what lies in the folder must not be imported in place of a package.
                [python, "-P", "-c", WORKER, str(writing), __version__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                pass_fds=(writing,),
                start_new_session=True,
            )
        except BaseException as error:
            os.close(self._reading)
            if isinstance(error, OSError):
                raise UsageError(f"{python} is no interpreter that can be run: {error.strerror}") from error
            raise
        finally:
            os.close(writing)
        assert self._process.stdout is not None
        self._log = log
        self._printed = self._process.stdout.fileno()
        self._line = b""  # what was read of a report that is not whole yet
        self._selector = selectors.DefaultSelector()
        for descriptor in (self._reading, self._printed):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ)

    def run(
        self, order: Order, limit_s: float | None, silence_s: float | None, listen: Callable[[Progress], None]
    ) -> Passed | Failed:
        """Have it run a stage, and return its verdict; `listen` is told of its progress.

        Raises TimeUp where it takes longer than `limit_s`, or goes without progress for `silence_s`, Lacking where the
        interpreter is none of hfci's, and Ended where the process ends; it is gone then.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, which is seen below
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
        begun = heard = time.monotonic()
        said: Progress | None = None
        while True:
            for report in self._reports():
                if isinstance(report, Absent):
                    self.end()
                    raise Lacking(report.package)
                if not isinstance(report, Progress):
                    return report
                if report != said:  # to say the same again is no progress
                    heard, said = time.monotonic(), report
                listen(report)
            now = time.monotonic()
            for limit, since in ((limit_s, begun), (silence_s, heard)):
                if limit is not None and now - since > limit:
                    self.end()
                    raise TimeUp(limit, is_silence=since is heard and limit is silence_s)

    def end(self) -> None:
        """End it and whatever it started: ask first, so that it can clean up, then kill."""
        if self._reading < 0:
            return
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + ENDING_S
        while self._process.poll() is None and time.monotonic() < deadline:
            self._read(0.05)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._read(0.0)
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        os.close(self._reading)
        self._reading = -1

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # the latter on macOS, of what has ended
            os.killpg(self._process.pid, number)

    def _reports(self) -> Iterator[Report]:
        """Yield what it reports within the next moment; Ended where it is gone and has said all."""
        is_gone = self._process.poll() is not None  # asked before it is read, so that nothing is missed
        *lines, self._line = (self._line + self._read(0.0 if is_gone else LOOKS_S)).split(b"\n")
        for line in lines:
            yield msgspec.json.decode(line, type=Report)
        if is_gone and not lines:
            self.end()
            raise Ended(self._process.returncode)

    def _read(self, wait_s: float) -> bytes:
        """Return what it reports and log what it prints, at the latest after `wait_s`."""
        reported = b""
        for key, _ in self._selector.select(wait_s):
            with contextlib.suppress(BlockingIOError):
                while content := os.read(key.fd, READ):
                    if key.fd == self._printed:
                        self._log(content)
                    else:
                        reported += content
                self._selector.unregister(key.fd)  # its other end is closed
        return reported
