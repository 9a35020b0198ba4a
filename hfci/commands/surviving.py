"""Imports that end the process, or never come back: errors of the rows that need them, and the command goes on.

A command that imports whatever transformers has runs in a child of this process, forked before anything is loaded. The
child notes which module of transformers.models it executes, with a timer that ends it even where it is stuck in native
code. If it dies then, another child begins anew, in which the import of that module raises what is known of it.
"""

from __future__ import annotations

import faulthandler
import importlib.machinery
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import BinaryIO

from hfci.testing.workers import die_with, read_stack

__all__ = ["survive"]

# Seconds that the code of one module may take: of the first, torch and much else is part.
LIMIT_S = 60.0

MODELS = "transformers.models."
LONGEST_NAME = 200


def survive() -> int | None:
    """Return None in a child that is to run the command, and its exit code in this process, once it has ended.

    Call it before threads are started and anything is written. Elsewhere than on a POSIX system there is no child.
    """
    deadly: dict[str, Exception] = {}
    while hasattr(os, "fork"):
        with tempfile.TemporaryFile() as note, tempfile.TemporaryFile() as stack:
            parent, child = os.getpid(), os.fork()
            if child == 0:
                die_with(parent)
                # Duplicates: the files are closed here, and the finder is there as long as the process.
                sys.meta_path.insert(0, _Finder(deadly, os.dup(note.fileno()), os.dup(stack.fileno())))
                return None
            code = _ended(child)
            module = os.pread(note.fileno(), LONGEST_NAME, 0).decode().strip()
            if not module or module in deadly:
                return code if code >= 0 else 128 - code  # as a shell says it
            deadly[module] = _why(code, stack)
    return None


def _ended(child: int) -> int:
    """Wait for the child, which keeps what it has if there is an interruption, and return how it ended."""
    while True:
        try:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        except KeyboardInterrupt:
            os.kill(child, signal.SIGTERM)


def _why(code: int, stack: BinaryIO) -> Exception:
    stack.seek(0)
    first, *frames = read_stack(stack.read().decode("utf-8", "replace")).splitlines() or [""]
    if first.startswith("Timeout"):
        where = frames[-1].strip().rpartition("/")[2].replace('"', "") if frames else "where it cannot be told"
        return TimeoutError(f"its import takes more than {LIMIT_S:.0f} s: {where}")
    how = f"dies of {signal.Signals(-code).name}" if code < 0 else f"ends with exit code {code}"
    return RuntimeError(f"the process that imports it {how}")


class _Finder(importlib.machinery.PathFinder):
    """Finds what PathFinder does, of transformers.models alone, and has it executed with a note and a timer."""

    def __init__(self, deadly: dict[str, Exception], note: int, stack: int) -> None:
        self.deadly = deadly
        self.note = note
        self.stack = stack
        self.executed: list[str] = []

    def find_spec(  # type: ignore[override]  # it is a class method there
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not name.startswith(MODELS):
            return None
        if name in self.deadly:
            raise self.deadly[name]
        spec = super().find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                with self.executing(name):
                    execute(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    @contextmanager
    def executing(self, name: str) -> Iterator[None]:
        self.executed.append(name)
        self._watch()
        try:
            yield
        finally:
            self.executed.pop()
            self._watch()

    def _watch(self) -> None:
        """Note the innermost of what is being executed, and give it the whole time."""
        name = self.executed[-1] if self.executed else ""
        os.pwrite(self.note, name.encode()[:LONGEST_NAME].ljust(LONGEST_NAME), 0)
        if name:
            faulthandler.dump_traceback_later(LIMIT_S, exit=True, file=self.stack)
        else:
            faulthandler.cancel_dump_traceback_later()
