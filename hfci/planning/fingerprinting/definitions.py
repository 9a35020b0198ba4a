"""What counts of a Python file for one definition in it: itself, and what it names of the file's own.

A module of checks holds several, and a test file asks several: to change one of them must not select the others.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from hfci.planning.fingerprinting.normalize import Facts, says_nothing, tree_facts

__all__ = ["ANY", "PART", "definition_facts"]

# Stands between a file and one of its definitions in a label, and between definitions of which the first that is there
# is meant.
PART, ANY = "#", "|"

# What pytest reads though nothing names it.
READ_BY_NAME = ("pytestmark",)


def definition_facts(source: bytes, wanted: str) -> Facts | None:
    """Return what counts for `wanted`, `NAME` or `CLASS.METHOD`, or several of them with `ANY` between.

    That is the definition, the definitions and imports of the module that it names, what those name, and what the
    module runs beside its definitions. What parametrizes a test chooses its cases and is none of it. None where the
    source has none of these definitions, or cannot be read.
    """
    try:
        body = ast.parse(source).body
        found = next((path for path in wanted.split(ANY) if _has(body, path)), None)
        if found is None:
            return None
        return tree_facts(ast.Module(_needed(body, found), []))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _has(body: list[ast.stmt], path: str) -> bool:
    owner, _, method = path.rpartition(".")
    if owner:
        return any(_has(node.body, method) for node in body if isinstance(node, ast.ClassDef) and node.name == owner)
    return any(isinstance(node, ast.FunctionDef) and node.name == path for node in body)


def _needed(body: list[ast.stmt], path: str) -> list[ast.stmt]:
    """Return the statements of a module that count for the definition at `path`, in their order."""
    top, _, method = path.partition(".")
    body = [
        _narrowed(node, method) if getattr(node, "name", None) == top else node
        for node in body
        if not says_nothing(node)
    ]
    defined: dict[str, list[int]] = {}
    due: list[int] = []
    for place, node in enumerate(body):
        bound = tuple(_bound(node))
        for name in bound:
            defined.setdefault(name, []).append(place)
        if not bound:
            due.append(place)
    for name in (top, *READ_BY_NAME):
        due += defined.get(name, ())
    kept: set[int] = set()
    while due:
        place = due.pop()
        if place not in kept:
            kept.add(place)
            names = {node.id for node in ast.walk(body[place]) if isinstance(node, ast.Name)}
            due += (other for name in names for other in defined.get(name, ()))
    return [node for place, node in enumerate(body) if place in kept]


def _narrowed(node: ast.stmt, method: str) -> ast.stmt:
    """Return a definition without what parametrizes it; of a class, with the one `method` of all its functions."""
    if isinstance(node, ast.ClassDef):
        kept = (part for part in node.body if not isinstance(part, ast.FunctionDef) or part.name == method)
        node.body = [_narrowed(part, "") for part in kept]
    elif isinstance(node, ast.FunctionDef):
        node.decorator_list = [each for each in node.decorator_list if not _parametrizes(each)]
    return node


def _parametrizes(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr == "parametrize"


def _bound(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of a module does nothing but bind; of any other kind none."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign):
        yield from (part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
