"""Reproducers of the ledger: short programs on transformers alone, each run in a process and a folder of its own."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hfci.testing.process_setup import OFFLINE

__all__ = ["ALLOWED", "LINES", "TIMEOUT_S", "Ending", "faults", "run_alone"]

LINES, COLUMNS = 12, 120
TIMEOUT_S = 120.0

# Beside the standard library.
ALLOWED = ("transformers", "torch")

# Runs the program as `python FILE` would, and writes down what it raised.
_DRIVER = """
import json, runpy, sys
program, ending = sys.argv[1:]
try:
    runpy.run_path(program, run_name="__main__")
except BaseException as error:
    with open(ending, "w") as file:
        json.dump([type(error).__name__, str(error)], file)
"""


@dataclass(frozen=True)
class Ending:
    """How a program ended: the type and message of what it raised, or None where it ran to its end."""

    error: tuple[str, str] | None = None

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


def run_alone(program: str, timeout_s: float = TIMEOUT_S) -> Ending:
    """Run a reproducer in a fresh process and an empty folder, without network, and return how it ended."""
    with tempfile.TemporaryDirectory(prefix="hfci-reproducer-") as folder:
        file, ending = Path(folder, "work", "reproducer.py"), Path(folder, "ending.json")
        file.parent.mkdir()
        file.write_text(program, encoding="utf-8")
        # -P: what lies in the folder must not be imported in place of a package.
        command = [sys.executable, "-P", "-c", _DRIVER, str(file), str(ending)]
        quiet = {**os.environ, **OFFLINE, "TRANSFORMERS_VERBOSITY": "error"}
        try:
            done = subprocess.run(  # noqa: S603 -- an entry of the ledger, which is part of the repository
                command, cwd=file.parent, env=quiet, capture_output=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            return Ending(("Timeout", f"no end within {timeout_s:g} s"))
        if ending.exists():
            kind, message = json.loads(ending.read_text(encoding="utf-8"))
            return Ending((kind, message))
        if done.returncode:
            return Ending(("Died", f"exit code {done.returncode}"))
        return Ending()
