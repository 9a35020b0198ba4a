"""ruff and pytest on generated files, each started once for all of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

from hfci.errors import EnvironmentUnfit
from hfci.generation.rules import Problem
from hfci.testing import collecting
from hfci.testing.session import own_environment

__all__ = ["collection_problems", "format_problems", "lint_problems"]

_HUNK = re.compile(r"^--- (?P<file>.+\.py)\n\+\+\+ .*\n@@ -(?P<line>\d+)", re.MULTILINE)
_COLLECTED = re.compile(r"^(?P<file>\S+\.py)::\S+$", re.MULTILINE)
_NOT_COLLECTED = re.compile(r"^ERROR (?P<file>\S+\.py)(?: - (?P<message>.*))?$", re.MULTILINE)


# The last line of pytest: without it, it did not come to its end.
_END = re.compile(r"^(?:no|\d+) tests? collected.* in [\d.:]+s", re.MULTILINE)

# What it returns then: all was collected, some was not, nothing was.
ENDED = (0, 1, 2, 5)

# Seconds that pytest may take to collect: to start, and for each file.
COLLECTING_S, COLLECTING_A_FILE_S = 60.0, 0.2


def lint_problems(root: Path, paths: Sequence[str]) -> Iterator[Problem]:
    """Yield what `ruff check` says of `paths` under `root`."""
    for finding in json.loads(_ruff(root, "check", "--no-fix", "--output-format=json", *paths) or "[]"):
        file = Path(finding["filename"]).relative_to(root.resolve()).as_posix()
        yield Problem(file, finding["location"]["row"], "ruff", f"{finding['code']} {finding['message']}")


def format_problems(root: Path, paths: Sequence[str]) -> Iterator[Problem]:
    """Yield the files among `paths` under `root` that `ruff format` would change."""
    for hunk in _HUNK.finditer(_ruff(root, "format", "--diff", *paths)):
        yield Problem(Path(hunk["file"]).as_posix(), int(hunk["line"]), "format", "`ruff format` would change it")


def collection_problems(root: Path, paths: Sequence[str]) -> Iterator[Problem]:
    """Yield the files among `paths` under `root` that pytest cannot collect, or in which it finds no test.

    One that ends or holds up the process is told of that, and the others are collected without it.
    """
    left, root = list(paths), root.resolve()  # pytest is started in it
    while left:
        ended = _collect(root, left)
        broken = {match["file"]: match["message"] for match in _NOT_COLLECTED.finditer(ended.said)}
        if ended.culprit is None:
            collected = {match["file"] for match in _COLLECTED.finditer(ended.said)}
            for path in left:
                if path in broken:
                    yield Problem(path, 1, "collects", broken[path] or "pytest cannot import it")
                elif path not in collected:
                    yield Problem(path, 1, "collects", "pytest finds no test in it")
            return
        if ended.culprit not in left:  # pytest itself
            raise EnvironmentUnfit(f"pytest --collect-only {ended.how}:\n{ended.said.strip()[-2000:]}")
        yield Problem(ended.culprit, 1, "collects", f"to import it {ended.how}")
        left.remove(ended.culprit)


class _Collected(NamedTuple):
    """What pytest said; if it did not come to its end, how it ended and which file it was importing."""

    said: str
    culprit: str | None = None
    how: str = ""


def _collect(root: Path, paths: Sequence[str]) -> _Collected:
    limit = COLLECTING_S + COLLECTING_A_FILE_S * len(paths)
    with tempfile.TemporaryDirectory(prefix="hfci-collecting-") as folder:
        note = Path(folder, "note")
        command = [
            *(sys.executable, "-m", "pytest", "--collect-only", "-q", "--color=no", "--assert=plain"),
            # The configuration of whatever project lies around the files is none of ours.
            *("-c", os.devnull, f"--rootdir={root}", f"--confcutdir={root}"),
            *("--strict-markers", "-p", "no:cacheprovider"),
            # hfci's plugin makes the process fit to run models, which takes seconds; collecting needs its marker only.
            *("-p", "no:hfci", "-o", "markers=hfci", "-p", collecting.__name__, collecting.OPTION, str(note)),
            *paths,
        ]
        env = {**own_environment(), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
                command, cwd=root, env=env, capture_output=True, text=True, errors="replace", check=False, timeout=limit
            )
            output, how = done.stdout + done.stderr, f"ends the process with exit code {done.returncode}"
            if done.returncode in ENDED and _END.search(done.stdout):
                return _Collected(done.stdout)
        except subprocess.TimeoutExpired:
            output, how = "", f"takes more than {limit:.0f} s"
        return _Collected(output, note.read_text(encoding="utf-8") if note.exists() else "", how)


def _ruff(root: Path, command: str, *arguments: str) -> str:
    """Run one ruff command in `root` with the rules for generated files and return its standard output."""
    from ruff import find_ruff_bin  # type: ignore[import-untyped]

    try:
        binary = find_ruff_bin()
    except FileNotFoundError as error:
        raise EnvironmentUnfit("ruff is not installed: pip install ruff") from error
    with as_file(files("hfci.generation") / "data" / "ruff.toml") as config:
        done = subprocess.run(  # noqa: S603 - our own dependency and arguments
            [binary, command, f"--config={config}", "--no-cache", *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode > 1:  # 1 is "found something"; anything above is ruff itself failing
        raise EnvironmentUnfit(f"ruff {command} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
