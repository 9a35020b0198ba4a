"""A process with one side's transformers, which is asked questions; replaced when it dies or hangs."""

from __future__ import annotations

import contextlib
import select
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import IO

import msgspec

from hfci.errors import EnvironmentUnfit
from hfci.releases.environments import Environment
from hfci.releases.measurements import Answer, Question, Told
from hfci.releases.sides import SideKind
from hfci.results.text import shorten

__all__ = ["SideProcess", "link_hfci"]

TIMEOUT_S = 600.0
# So many model types a process: what they import stays in its memory.
QUESTIONS = 1_000


def link_hfci(folder: Path) -> Path:
    """Make, in `folder`, a folder that holds this hfci and nothing else, for the path of another interpreter."""
    import hfci

    place = folder / "hfci-alone"
    place.mkdir()
    (place / "hfci").symlink_to(Path(hfci.__file__).parent, target_is_directory=True)
    return place


class SideProcess:
    """The process of a side; one question at a time, of whichever thread."""

    def __init__(self, environment: Environment, alone: Path, timeout_s: float = TIMEOUT_S) -> None:
        """Start nothing yet; `alone` is of `link_hfci`."""
        self.environment = environment
        self._alone = alone
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = 0
        self._stopped = False

    def tell(self) -> Told:
        """Return what the side is; EnvironmentUnfit where it cannot be imported, and why."""
        answer = self.ask(Question("tell"))
        if answer.told is None:
            side = self.environment.side
            mend = ""
            if side.kind == SideKind.INTERPRETER and "No module named" in (answer.error or ""):
                mend = f"; what hfci itself needs must be there: `{side.path} -m pip install hfci`"
            raise EnvironmentUnfit(f"{side} cannot be used here: {answer.error}{mend}")
        return answer.told

    def ask(self, question: Question) -> Answer:
        """Return the answer; one with an `error` where the process died or did not answer in time."""
        with self._lock:
            if self._stopped:
                return Answer(error="it was stopped")
            if self._process is not None and self._asked >= QUESTIONS:
                self._end()
            process = self._process or self._start()
            self._asked += 1
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):  # reading tells of a process that died
                process.stdin.write(msgspec.json.encode(question) + b"\n")
            line = _line(process.stdout, self._timeout_s)
            if line is not None and line.endswith(b"\n"):
                try:
                    return msgspec.json.decode(line, type=Answer)
                except msgspec.DecodeError as error:
                    line = f"it answered what is no answer: {error}".encode()
            return self._died(line)

    def stop(self) -> None:
        """End the process, whatever it does; it is not started again."""
        self._stopped = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        with self._lock:
            self._end()

    def _died(self, line: bytes | None) -> Answer:
        process = self._process
        assert process is not None
        if line is None:
            error = f"it did not answer within {self._timeout_s:.0f} s"
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5.0)
            code = process.poll()
            died = f"its process died of {signal.Signals(-code).name}" if code and code < 0 else ""
            said = self._said()
            error = died or (f"its process ended: {said}" if said else f"its process ended with exit code {code}")
        self._end()
        return Answer(error=error)

    def _start(self) -> subprocess.Popen[bytes]:
        environment = self.environment
        self._errors = open(self._alone.parent / f"errors-{id(self)}", "w+b")  # noqa: PTH123, SIM115 -- as long as this
        self._process = subprocess.Popen(  # noqa: S603 -- the interpreter that was named
            [str(environment.python), "-P", "-m", "hfci.releases.side_process"],
            env=environment.variables(self._alone),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the one that was called
        )
        self._asked = 0
        return self._process

    def _said(self) -> str:
        """Return the last line of what the process said on its standard error."""
        self._errors.seek(0)
        lines = self._errors.read()[-4_000:].decode("utf-8", "replace").strip().splitlines()
        return shorten(lines[-1], 300) if lines else ""

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()
        self._errors.close()


def _line(pipe: IO[bytes], timeout_s: float) -> bytes | None:
    """Return the next line, all there is of one where the pipe ends, None where it does not come in time."""
    until = time.monotonic() + timeout_s
    parts: list[bytes] = []
    while True:
        if not select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
            return None
        part = pipe.read(65_536)
        parts.append(part)
        if not part or part.endswith(b"\n"):
            return b"".join(parts)
