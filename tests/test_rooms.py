"""Imports go down only, in the order that README gives."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parents[1]
README = (HERE / "README.md").read_text(encoding="utf-8")
*ROOMS, LOWEST = re.search(r"Imports go down only: ([^.]+)\.", README)[1].replace("\n", " ").split(" → ")  # type: ignore[index]


def imported(path: Path) -> Iterator[str]:
    """Yield what of hfci a file imports, by the first part of its name below hfci."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        if isinstance(node, ast.ImportFrom) and node.module == "hfci":
            names = [f"hfci.{name}" for name in names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        yield from (name.split(".")[1] for name in names if name.startswith("hfci."))


def test_every_room_and_every_file_beside_them_stands_in_the_order() -> None:
    package = HERE / "hfci"
    assert sorted(ROOMS) == sorted(path.parent.name for path in package.glob("*/__init__.py"))
    for name in LOWEST.split(", "):
        assert (package / f"{name}.py").is_file()


def test_imports_go_down_only() -> None:
    upwards = []
    for number, room in enumerate([*ROOMS, *LOWEST.split(", ")]):
        above = set(ROOMS[:number])
        folder = HERE / "hfci" / room
        for path in sorted(folder.rglob("*.py")) or [folder.with_suffix(".py")]:
            upwards += [f"{path.relative_to(HERE)} imports {name}" for name in imported(path) if name in above]
    assert upwards == []
