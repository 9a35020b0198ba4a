"""The mutants of a module: its source with one expression changed, by a table of what can go wrong in one."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["KINDS", "Mutant", "mutants_of"]

KINDS = ("operator", "term", "sign", "constant", "slice", "axis", "argument", "condition")


@dataclass(frozen=True)
class Mutant:
    """A change of one expression, of a kind of KINDS, in the function `where` of a module.

    It stands in `line`, from 1, and in the bytes from `start` to `end`.
    """

    kind: str
    where: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        """Return it in a line."""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.where}, line {self.line}: `{old}` → {f'`{new}`' if self.kind != 'argument' else 'left out'}"

    def applied(self, source: str) -> str:
        """Return the source with it."""
        data = source.encode()
        return (data[: self.start] + self.new.encode() + data[self.end :]).decode()


def mutants_of(source: str) -> list[Mutant]:
    """Return every mutant of the functions in a module, in the order of their places.

    None is of what only speaks, errors, warnings, logs and assertions, nor of signatures and decorators.
    Raises SyntaxError where the source is no Python.
    """
    text = _Text(source)
    places: dict[tuple[int, int, str], Mutant] = {}
    for where, node in _expressions(ast.parse(source)):
        for kind, part, new in _changes(node, text):
            start, end = text.place(part)
            old = text.of(part)
            if old != new:  # of two kinds that come to the same the first, that of the larger expression
                places.setdefault((start, end, new), Mutant(kind, where, part.lineno, start, end, old, new))
    return [places[place] for place in sorted(places)]


class _Text:
    """The source by places, which `ast` counts in lines and bytes."""

    def __init__(self, source: str) -> None:
        self.data = source.encode()
        self.begins = [0]
        for line in self.data.splitlines(keepends=True):
            self.begins.append(self.begins[-1] + len(line))

    def place(self, node: Any) -> tuple[int, int]:
        return self.begins[node.lineno - 1] + node.col_offset, self.begins[node.end_lineno - 1] + node.end_col_offset

    def of(self, node: ast.AST) -> str:
        start, end = self.place(node)
        return self.data[start:end].decode()


# --- where ----------------------------------------------------------------------------------------------------------


def _expressions(node: ast.AST, where: str = "", *, inside: bool = False) -> Iterator[tuple[str, ast.expr]]:
    """Yield each expression in the body of a function, with the function's name, the outer ones first."""
    if isinstance(node, ast.expr) and inside:
        yield where, node
    for child in _children(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            name = f"{where}.{child.name}".lstrip(".")
            yield from _expressions(child, name, inside=isinstance(child, ast.FunctionDef))
        elif not _speaks(child):
            yield from _expressions(child, where, inside=inside)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        yield from node.body
    elif isinstance(node, ast.AnnAssign):
        yield from filter(None, [node.value])
    else:
        yield from ast.iter_child_nodes(node)


def _speaks(node: ast.AST) -> bool:
    """Tell whether a statement is a text, or raises, asserts, warns or logs something."""
    if isinstance(node, ast.Expr):
        call = node.value.func if isinstance(node.value, ast.Call) else node.value
        owner = call.value if isinstance(call, ast.Attribute) else None
        return isinstance(call, ast.Constant) or (isinstance(owner, ast.Name) and owner.id in ("logger", "warnings"))
    return isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr)


# --- what -----------------------------------------------------------------------------------------------------------

_Change = tuple[str, Any, str]

_OPERATORS = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "//",
    ast.Pow: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
}
_TERMS = (ast.Add, ast.Sub, ast.Mult)
_COMPARISONS = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_AXES = {"dim", "axis", "start_dim", "end_dim"}
_REORDERS = {"transpose", "permute", "swapaxes"}
# On the one device there is, code does the same without them.
_PLACES = {"device", "non_blocking"}


def _changes(node: ast.expr, text: _Text) -> Iterator[_Change]:
    """Yield the kind, the part and the new text of each change of an expression, not of those within it."""
    change: Callable[[Any, _Text], Iterator[_Change]] | None = _CHANGES.get(type(node))
    if change is not None:
        yield from change(node, text)


def _of_operation(node: ast.BinOp, text: _Text) -> Iterator[_Change]:
    sides = (node.left, node.right)
    if any(isinstance(side, ast.Tuple | ast.List | ast.JoinedStr) or _is_text(side) for side in sides):
        return  # what is put together there are no numbers
    left, right = (f"({text.of(side)})" for side in sides)
    if (other := _OPERATORS.get(type(node.op))) is not None:
        yield "operator", node, f"{left} {other} {right}"
    if isinstance(node.op, _TERMS):
        yield "term", node, left
        yield "term", node, right


def _of_sign(node: ast.UnaryOp, text: _Text) -> Iterator[_Change]:
    if isinstance(node.op, ast.USub):
        yield "sign", node, text.of(node.operand)
    elif isinstance(node.op, ast.Not | ast.Invert):
        yield "condition", node, text.of(node.operand)


def _of_constant(node: ast.Constant, _: _Text) -> Iterator[_Change]:
    if isinstance(node.value, bool):
        yield "constant", node, str(not node.value)
    elif isinstance(node.value, int):
        yield "constant", node, str(node.value + 1)
    elif isinstance(node.value, float):
        yield "constant", node, repr(node.value * 2 or 1.0)


def _of_slice(node: ast.Slice, text: _Text) -> Iterator[_Change]:
    if node.lower is not None:
        yield "slice", node.lower, f"{text.of(node.lower)} + 1"
    if node.upper is not None:
        yield "slice", node.upper, f"{text.of(node.upper)} - 1"


def _of_call(node: ast.Call, text: _Text) -> Iterator[_Change]:
    for keyword in node.keywords:
        if keyword.arg in _AXES and (axis := _whole_number(keyword.value)) is not None:
            yield "axis", keyword.value, str(axis - 1 if axis < 0 else axis + 1)
        elif keyword.arg is not None and keyword.arg not in _PLACES:
            yield "argument", keyword, "**{}"  # which is nothing, and leaves the commas right
    if isinstance(node.func, ast.Attribute) and node.func.attr in _REORDERS:  # they stay where they are
        yield "axis", node, text.of(node.func.value)


def _of_comparison(node: ast.Compare, text: _Text) -> Iterator[_Change]:
    if len(node.ops) == 1 and (other := _COMPARISONS.get(type(node.ops[0]))) is not None:
        yield "condition", node, f"{text.of(node.left)} {other} {text.of(node.comparators[0])}"


def _of_condition(node: ast.BoolOp, text: _Text) -> Iterator[_Change]:
    other = " or " if isinstance(node.op, ast.And) else " and "
    yield "condition", node, f"({other.join(f'({text.of(value)})' for value in node.values)})"


_CHANGES: dict[type[ast.expr], Callable[[Any, _Text], Iterator[_Change]]] = {
    ast.BinOp: _of_operation,
    ast.UnaryOp: _of_sign,
    ast.Constant: _of_constant,
    ast.Slice: _of_slice,
    ast.Call: _of_call,
    ast.Compare: _of_comparison,
    ast.BoolOp: _of_condition,
}


def _whole_number(node: ast.expr) -> int | None:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    value = getattr(node.operand if isinstance(node, ast.UnaryOp) else node, "value", None)
    return None if type(value) is not int else -value if negative else value


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
