"""The sources of what a process was begun to import beside transformers, and of what these import in turn.

What is installed counts by its version; what was named, and what lies elsewhere, an editable installation too, by its
files.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from hfci.errors import EnvironmentUnfit
from hfci.imports import Imports, custom_module, place_of

__all__ = ["LABEL", "sources_of"]

# What begins the labels of their files; a module's name stands behind it.
LABEL = "imports/"

# What counts anyhow.
KNOWN = {"transformers", "hfci", *sys.stdlib_module_names}
# The folders of what is installed.
INSTALLED = {"site-packages", "dist-packages"}


def sources_of(imports: Imports | None) -> dict[str, Path]:
    """Return where the sources lie: label → a folder, or a file that is a module by itself."""
    if imports is None:
        return {}
    found = {f"{LABEL}{custom_module(folder).replace('.', '/')}": Path(folder) for folder in imports.folders}
    tops = [name.partition(".")[0] for name in imports.packages]
    waiting = [place for name in tops if name not in KNOWN and (place := _lies(name, found)) is not None]
    waiting += found.values()
    while waiting:
        for name in sorted(_imported_in(waiting.pop())):
            if name not in KNOWN and (place := _lies(name, found, named=False)) is not None:
                waiting.append(place)
    return found


def _lies(name: str, found: dict[str, Path], *, named: bool = True) -> Path | None:
    """Note where the top package `name` lies, and return it; None where it is known already, or not here.

    None, too, of one that is installed and was not `named`.
    """
    try:
        place = place_of(name)
    except EnvironmentUnfit:
        return None
    label = f"{LABEL}{name}" if place.is_dir() else f"{LABEL}{name}.py"
    if not named and INSTALLED.intersection(place.parts):
        return None
    if label in found or (place.is_file() and place.suffix != ".py"):
        return None
    found[label] = place
    return place


def _imported_in(place: Path) -> frozenset[str]:
    return frozenset(name for file in _files(place) for name in _tops(file))


def _files(place: Path) -> Iterator[Path]:
    yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _tops(file: Path) -> Iterator[str]:
    """Yield the top packages that a file imports; nothing of one that Python cannot read, each byte of which counts."""
    try:
        nodes = ast.walk(ast.parse(file.read_bytes()))
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                yield node.module.partition(".")[0]
    except (OSError, ValueError, SyntaxError, RecursionError):
        return
