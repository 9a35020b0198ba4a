"""What counts of a Python file for one definition in it: itself, and what it names of the file's own.

A module of checks holds several, and a test file asks several: to change one of them must not select the others.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Iterator

from hfci.planning.fingerprinting.normalize import Facts, says_nothing, tree_facts

__all__ = ["PART", "definition_facts", "definitions_of"]

# Stands between a file and one of its definitions in a label.
PART = "#"

# What pytest reads though nothing names it.
READ_BY_NAME = ("pytestmark",)


def definitions_of(source: bytes) -> tuple[str, ...]:
    """Return the functions that a source defines, `NAME` or `CLASS.METHOD`; none where it cannot be read."""
    return tuple(_functions(_parsed(source)))


def definition_facts(source: bytes, wanted: str) -> Facts | None:
    """Return what counts for `wanted`, `NAME` or `CLASS.METHOD`.

    That is the definition, the definitions and imports of the module that it names, what those name, and what the
    module runs beside its definitions. What parametrizes a test chooses its cases and is none of it. None where the
    source has no such definition, or cannot be read.
    """
    body = _parsed(source)
    if wanted not in _functions(body):
        return None
    try:
        return tree_facts(ast.Module(_needed(body, wanted), []))
    except RecursionError:
        return None


@functools.lru_cache(maxsize=2)  # several definitions of a file are asked for one after the other
def _parsed(source: bytes) -> list[ast.stmt]:
    """Return the statements of a source, which nobody may change; none where it cannot be read."""
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _functions(body: list[ast.stmt], owner: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield f"{owner}{node.name}"
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{owner}{node.name}.")


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
    narrowed = copy.copy(node)
    if isinstance(narrowed, ast.ClassDef):
        kept = (part for part in narrowed.body if not isinstance(part, ast.FunctionDef) or part.name == method)
        narrowed.body = [_narrowed(part, "") for part in kept]
    elif isinstance(narrowed, ast.FunctionDef):
        narrowed.decorator_list = [each for each in narrowed.decorator_list if not _parametrizes(each)]
    return narrowed


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
