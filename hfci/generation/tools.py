"""ruff and pytest on generated files, each started once for all of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path

from hfci.errors import EnvironmentUnfit
from hfci.generation.rules import Problem
from hfci.testing.session import own_environment

__all__ = ["collection_problems", "format_problems", "lint_problems"]

_HUNK = re.compile(r"^--- (?P<file>.+\.py)\n\+\+\+ .*\n@@ -(?P<line>\d+)", re.MULTILINE)
_COLLECTED = re.compile(r"^(?P<file>\S+\.py)::\S+$", re.MULTILINE)
_NOT_COLLECTED = re.compile(r"^ERROR (?P<file>\S+\.py)(?: - (?P<message>.*))?$", re.MULTILINE)


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
    """Yield the files among `paths` under `root` that pytest cannot collect, or in which it finds no test."""
    if not paths:
        return
    root = root.resolve()  # pytest is started in it
    done = subprocess.run(  # noqa: S603 - our own interpreter and arguments
        [
            *(sys.executable, "-m", "pytest", "--collect-only", "-q", "--color=no", "--assert=plain"),
            # The configuration of whatever project lies around the files is none of ours.
            *("-c", os.devnull, f"--rootdir={root}", f"--confcutdir={root}"),
            *("--strict-markers", "-p", "no:cacheprovider"),
            # hfci's plugin makes the process fit to run models, which takes seconds; collecting needs its marker only.
            *("-p", "no:hfci", "-o", "markers=hfci"),
            *paths,
        ],
        cwd=root,
        env={**own_environment(), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = {match["file"]: match["message"] for match in _NOT_COLLECTED.finditer(done.stdout)}
    collected = {match["file"] for match in _COLLECTED.finditer(done.stdout)}
    if not broken and not collected:
        raise EnvironmentUnfit(f"pytest --collect-only failed:\n{(done.stdout + done.stderr).strip()[-2000:]}")
    for path in paths:
        if path in broken:
            yield Problem(path, 1, "collects", broken[path] or "pytest cannot import it")
        elif path not in collected:
            yield Problem(path, 1, "collects", "pytest finds no test in it")


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
