"""Reproducers of the ledger: short programs on transformers alone, each run in a process and a folder of its own.

What all of them import is imported once, by a process that does nothing else; each program runs in a fork of it.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Timer
from types import TracebackType

from hfci.cases.ledger import Failure
from hfci.testing.process_setup import OFFLINE

__all__ = ["ALLOWED", "LINES", "PROGRAM", "TIMEOUT_S", "Ending", "Reproducers", "faults"]

PROGRAM = "reproducer.py"
LINES, COLUMNS = 12, 120
TIMEOUT_S = 120.0

# Beside the standard library.
ALLOWED = ("transformers", "torch")

# Says of each program which fork runs it, as `python FILE` would, and how that exited; the fork writes what it raised.
# What is imported before starts no threads, which a fork would lack.
_SERVER = """
import json, os, runpy, sys, traceback
import torch, torch._dynamo, transformers.modeling_utils
for line in sys.stdin:
    program, ending = json.loads(line)
    child = os.fork()
    if child:
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    os.setsid()
    os.chdir(os.path.dirname(program))
    for stream in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    try:
        runpy.run_path(program, run_name="__main__")
    except BaseException as error:
        frames = error.__traceback__
        while frames and frames.tb_frame.f_code.co_filename != program:
            frames = frames.tb_next
        trace = "".join(traceback.format_exception(type(error), error, frames))
        with open(ending, "w") as file:
            json.dump([[type(error).__name__, str(error)], trace], file)
    os._exit(0)
"""


@dataclass(frozen=True)
class Ending:
    """How a program ended: the type and message of what it raised, or None where it ran to its end; the traceback."""

    error: tuple[str, str] | None = None
    trace: str = field(default="", compare=False)

    def is_as(self, entered: Failure) -> bool:
        """Tell whether it ended with the error that was entered."""
        return self.error is not None and self.error[0] == entered.type and entered.message in self.error[1]

    def __str__(self) -> str:
        """Return it in a few words."""
        return f"{self.error[0]}: {self.error[1]}" if self.error else "it ran to its end"


def faults(program: str) -> Iterator[str]:
    """Yield what is wrong with a reproducer, read but not run: its length, its syntax, what it imports."""
    lines = program.strip().splitlines()
    if not lines:
        yield "it lacks its reproducer"
        return
    if len(lines) > LINES:
        yield f"its reproducer has {len(lines)} lines, {LINES} are allowed"
    if longest := [line for line in lines if len(line) > COLUMNS]:
        yield f"its reproducer has a line of {len(longest[0])} characters, {COLUMNS} are allowed"
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError) as error:
        yield f"its reproducer is no Python: {error}"
        return
    imported = set(_imported(tree))
    if foreign := sorted(imported - {*ALLOWED, *sys.stdlib_module_names}):
        yield f"its reproducer imports {', '.join(foreign)}; it may use {', '.join(ALLOWED)} and the standard library"
    if "transformers" not in imported:
        yield "its reproducer does not import transformers"


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else (node.module or "").partition(".")[0]


class Reproducers:
    """Runs reproducers, each in a fresh process and an empty folder, without network; up to `workers` at a time."""

    def __init__(self, workers: int = 1) -> None:
        """Start the processes that import transformers, a worker each."""
        self._servers = [_Server() for _ in range(workers)]
        self._idle: SimpleQueue[_Server] = SimpleQueue()
        for server in self._servers:
            self._idle.put(server)

    def run(self, program: str, timeout_s: float = TIMEOUT_S) -> Ending:
        """Return how a program ended; threads may ask at once, and wait for each other."""
        server = self._idle.get()
        try:
            return server.run(program, timeout_s)
        finally:
            self._idle.put(server)

    def __enter__(self) -> Reproducers:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End its processes, and what they run."""
        for server in self._servers:
            server.end()


class _Server:
    def __init__(self) -> None:
        self._running: int | None = None
        self._process = subprocess.Popen(  # noqa: S603 -- a text of this module
            # -P: what lies in the folder must not be imported in place of a package.
            [sys.executable, "-P", "-c", _SERVER],
            env={**os.environ, **OFFLINE},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, program: str, timeout_s: float) -> Ending:
        with tempfile.TemporaryDirectory(prefix="hfci-reproducer-") as folder:
            file, ending = Path(folder, "work", PROGRAM), Path(folder, "ending.json")
            file.parent.mkdir()
            file.write_text(program, encoding="utf-8")
            exit_code, is_late = self._ask(str(file), str(ending), timeout_s)
            if is_late:
                return Ending(("Timeout", f"no end within {timeout_s:g} s"))
            if ending.exists():
                (kind, message), trace = json.loads(ending.read_text(encoding="utf-8"))
                return Ending((kind, message), trace)
            return Ending(("Died", f"exit code {exit_code}")) if exit_code else Ending()

    def end(self) -> None:
        self._kill(Event())
        self._process.kill()
        self._process.communicate()

    def _ask(self, file: str, ending: str, timeout_s: float) -> tuple[int, bool]:
        """Return the exit code of a program, or of the server where that has ended; and whether it had to be ended."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps([file, ending]) + "\n")
            self._process.stdin.flush()
            started = self._process.stdout.readline()
        except BrokenPipeError:
            started = ""
        if not started:
            return self._process.wait() or 1, False
        self._running = int(started)
        late = Event()
        timer = Timer(timeout_s, self._kill, [late])
        timer.start()
        exited = self._process.stdout.readline()
        timer.cancel()
        self._running = None
        return int(exited or "1"), late.is_set()

    def _kill(self, ended: Event) -> None:
        """End the program that runs, and what it has started."""
        if self._running is not None:
            ended.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running, signal.SIGKILL)
