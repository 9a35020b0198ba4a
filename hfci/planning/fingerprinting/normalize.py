"""What counts of a Python file: a digest of its syntax tree, and what it imports. Nothing is executed.

Docstrings, comments, formatting and what only a type checker reads do not count: they cannot change what a test sees.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

__all__ = [
    "ALWAYS",
    "FORMAT",
    "IN_FUNCTION",
    "TYPED",
    "Facts",
    "Import",
    "digest_of",
    "exports_of",
    "read_facts",
    "says_nothing",
    "serve",
    "tree_facts",
]

# Raised whenever the same source gives other facts than before: what was kept of earlier ones is then of no use.
FORMAT = 3

# When an import runs: with its module, when a function is called, or never, since only a type checker reads it.
ALWAYS, IN_FUNCTION, TYPED = range(3)

# How transformers' packages say that their names are imported only when they are asked for.
LAZY = "_LazyModule"

# Fields of the syntax tree that say nothing: `ctx` repeats where a node stands, the others are comments and prefixes.
SILENT = ("ctx", "type_comment", "kind", "type_ignores")

_EXPORTS = re.compile(rb"__all__\s*(?::[^=\n]+)?\+?=\s*[\[(](.*?)[\])]", re.DOTALL)
_NAME = re.compile(rb"""["'](\w+)["']""")
_REQUIRED = re.compile(rb"^@requires\(.*?^(?:class|def) (\w+)", re.MULTILINE | re.DOTALL)
_STARRED = "*"


class Import(msgspec.Struct, frozen=True, array_like=True):
    """One statement: `from module import names`, `level` dots before it; `import module` has no names."""

    module: str
    level: int
    names: tuple[str, ...]
    when: int


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """What counts of one file. `is_lazy` is true of a package whose names are imported when asked for."""

    digest: str
    imports: tuple[Import, ...] = ()
    is_lazy: bool = False


def digest_of(*contents: bytes) -> str:
    """Return the digest of texts, one after the other; where one ends matters."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()[:32]


def read_facts(source: bytes) -> Facts:
    """Return what counts of a Python file; of one that Python cannot read, each of its bytes does."""
    try:
        facts = tree_facts(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Facts(digest_of(b"no Python", source))
    lazy = any(LAZY in statement.names for statement in facts.imports) and f"{LAZY}(".encode() in source
    return Facts(facts.digest, facts.imports, lazy)


def tree_facts(tree: ast.Module) -> Facts:
    """Return what counts of the syntax tree of a module, or of some of its statements."""
    parts: list[str] = []
    _write(tree, parts)
    return Facts(digest_of("\0".join(parts).encode("utf-8", "surrogatepass")), tuple(_imports(tree.body, ALWAYS)))


def exports_of(source: bytes) -> tuple[str, ...]:
    """Return the names that a file exports, as transformers reads them: those of `__all__`, and what is `@requires`."""
    names: list[bytes] = []
    place = source.find(b"__all__")  # most of a file is passed over at once
    while place >= 0:
        statement = _EXPORTS.match(source, place) if source[place - 1 : place] in (b"", b"\n") else None
        names += _NAME.findall(statement[1]) if statement else []
        place = source.find(b"__all__", place + 1)
    if b"@requires" in source:
        names += _REQUIRED.findall(source)
    return tuple(dict.fromkeys(name.decode() for name in names))


def serve(request: BinaryIO, answer: BinaryIO) -> None:
    """Answer a JSON list of paths with their facts; None for a file that cannot be read."""
    gc.disable()  # a syntax tree has no circles, and is a hundred thousand objects to look through
    paths = msgspec.json.decode(request.read(), type=list[str])
    answer.write(msgspec.json.encode([_facts_at(Path(path)) for path in paths]))


def _facts_at(path: Path) -> Facts | None:
    try:
        return read_facts(path.read_bytes())
    except OSError:
        return None


# The digest.

_fields: dict[type[ast.AST], tuple[str, ...]] = {}


def _write(node: ast.AST, parts: list[str]) -> None:
    """Append what `node` says: its kind, then each field that is not empty: one that is new in Python adds nothing.

    Names and constants, most of all nodes, are told by their value where they stand, which saves half of the time.
    """
    kind = type(node)
    names = _fields.get(kind)
    if names is None:
        names = _fields[kind] = tuple(name for name in kind._fields if name not in SILENT)
    parts.append(f"{kind.__name__}(")
    if isinstance(node, ast.If) and _is_typed(node):
        names = ("orelse",)
    for name in names:
        value = getattr(node, name, None)
        if type(value) is list:
            items = [item for item in value if not says_nothing(item)]
            if items:
                parts.append(f"{name}[")
                for item in items:
                    _write_value(item, parts)
                parts.append("]")
        elif value is not None:
            parts.append(name)
            _write_value(value, parts)
    parts.append(")")


def _write_value(value: object, parts: list[str]) -> None:
    kind = type(value)
    if kind is ast.Name:
        parts.append(f"={value.id}")  # type: ignore[attr-defined]
    elif kind is ast.Constant:
        parts.append(repr(value.value))  # type: ignore[attr-defined]
    elif isinstance(value, ast.AST):
        _write(value, parts)
    else:
        parts.append(f"{value!r};")


def says_nothing(node: object) -> bool:
    """Tell of a statement that nothing runs: a docstring or another lone text, or what is for type checkers alone."""
    kind = type(node)
    if kind is ast.Expr:
        value = node.value  # type: ignore[attr-defined]
        return isinstance(value, ast.Constant) and isinstance(value.value, str)
    return kind is ast.If and _is_typed(node) and not node.orelse  # type: ignore[arg-type, attr-defined]


# The imports.


def _imports(body: Iterable[ast.stmt], when: int) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", node.level, tuple(alias.name for alias in node.names), when)
        elif isinstance(node, ast.Import):
            yield from (Import(alias.name, 0, (), when) for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(node.body, max(when, IN_FUNCTION))
        elif isinstance(node, ast.If) and _is_typed(node):
            yield from _imports(node.body, TYPED)
            yield from _imports(node.orelse, when)
        else:
            for part in ("body", "orelse", "finalbody"):
                yield from _imports(getattr(node, part, ()), when)
            for part in ("handlers", "cases"):
                for branch in getattr(node, part, ()):
                    yield from _imports(branch.body, when)


def _is_typed(node: ast.If) -> bool:
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
