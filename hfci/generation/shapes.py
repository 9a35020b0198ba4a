"""The table of shapes, `data/shapes/`: what must hold of an architecture's outputs, chosen by its facts."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

from hfci.catalog.families import families
from hfci.catalog.rules import KINDS, Rule
from hfci.errors import UsageError, nearest
from hfci.parsing import read_toml

__all__ = ["FOLDER", "Row", "Shapes", "read_shapes", "shapes"]

FOLDER = files("hfci.generation") / "data" / "shapes"

# The choices that hfci asks for by name, beside those that bear a family's.
ASKED = ("head", "forward", "plain_forward", "batch", "batch_and_length")

_NAMED = re.compile(r"\{([a-z_]+)\}")
_SPELLED = re.compile(r"\{output:(\w+)\}")


class Row(Rule, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row of a choice, and its rule; the head of `shared.toml` says what each column is."""

    kinds: ClassVar[Mapping[str, str]] = {**KINDS, "recipe": "its recipe makes the input {}"}

    lines: str

    @property
    def is_for_all(self) -> bool:
        """Whether it has no rule."""
        return not (self.all or self.any or self.none)

    @property
    def text(self) -> str:
        """Its lines without the line ends around them."""
        return self.lines.strip("\n")

    @property
    def blocks(self) -> list[str]:
        """The choices that stand alone on a line."""
        return [match[1] for line in self.text.splitlines() if (match := _NAMED.fullmatch(line))]

    @property
    def pieces(self) -> list[str]:
        """The choices that stand within a line."""
        return [name for line in self.text.splitlines() if not _NAMED.fullmatch(line) for name in _NAMED.findall(line)]


@dataclass(frozen=True)
class Shapes:
    """The choices by name, each its rows in order; read by `read_shapes`, which makes sure that they fit together."""

    choices: Mapping[str, Sequence[Row]]

    def lines(self, name: str, facts: Set[str], spelled: Mapping[str, str]) -> list[str]:
        """Return the lines that the choice `name` gives an architecture with `facts`: of its first row that holds.

        `spelled` says how the installed release spells a field of its outputs. Raises UsageError for one without.
        """
        return [_SPELLED.sub(lambda match: spelled[match[1]], line) for line in self._lines(name, facts)]

    def of_family(self, name: str, facts: Set[str], spelled: Mapping[str, str]) -> list[str]:
        """Return the lines of a family. Raises UsageError where nobody has said what is expected of it."""
        if name not in self.choices:
            raise UsageError(f"nothing is expected of the family {name}: it wants rows [[{name}]] in {FOLDER}")
        return self.lines(name, facts, spelled)

    def _lines(self, name: str, facts: Set[str]) -> Iterator[str]:
        row = next((row for row in self.choices[name] if row.holds(facts)), None)
        for line in row.text.splitlines() if row else ():
            if match := _NAMED.fullmatch(line):
                yield from self._lines(match[1], facts)
            else:
                yield _NAMED.sub(lambda match: "".join(self._lines(match[1], facts)), line)


@functools.cache
def shapes() -> Shapes:
    """Return the table of the package."""
    return read_shapes(FOLDER)


def read_shapes(folder: Path | Traversable) -> Shapes:
    """Return the table in the files of `folder`.

    Raises UsageError with file and row where a row is wrong, names a choice that there is not, comes after one for
    everybody, or is no Python; and where a name stands in two files, leads back to itself, or is used by nobody.
    """
    choices: dict[str, tuple[Row, ...]] = {}
    places: dict[str, str] = {}
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
        for name, rows in read_toml(path, dict[str, tuple[Row, ...]], "the shapes").items():
            if name in choices:
                raise UsageError(f"{path}: {name} stands in {places[name]} too")
            choices[name], places[name] = rows, str(path)
    for name, wrong in _wrong(choices):
        raise UsageError(f"{places[name.partition('[')[0]]}: {name}: {wrong}")
    return Shapes(choices)


# What can be wrong with rows that are each well formed.

_Choices = Mapping[str, Sequence[Row]]


def _wrong(choices: _Choices) -> Iterator[tuple[str, str]]:
    """Yield the choice, or the row of it, and what is wrong with that; references first, on which the others stand."""
    for name, rows in choices.items():
        for index, row in enumerate(rows):
            for used in (*row.blocks, *row.pieces):
                if used not in choices:
                    yield f"{name}[{index}]", f"there is no choice {{{used}}}.{nearest(used, choices)}"
                elif name in _reached(choices, used):
                    yield f"{name}[{index}]", f"{{{used}}} leads back to {name}"
        for index, (before, _) in enumerate(pairwise(rows), start=1):
            if before.is_for_all:
                yield f"{name}[{index}]", "is never reached: the row before it is for everybody"
        if not rows[-1].is_for_all and name in families():
            yield name, "the last row of a family has no rule: it is for everybody else"
    needed = {reached for root in (*ASKED, *families()) for reached in _reached(choices, root)}
    for name in choices:
        if name not in needed:
            yield name, f"is no family, and no row uses it.{nearest(name, families())}"
    pieces = {piece for rows in choices.values() for row in rows for piece in row.pieces}
    within = {reached for piece in pieces for reached in _reached(choices, piece)}
    for name, rows in choices.items():
        if name in within and not rows[-1].is_for_all:
            yield name, "stands within a line, and its last row is not for everybody"
        for index, row in enumerate(rows):
            if name in within and "\n" in row.text:
                yield f"{name}[{index}]", "stands within a line, and has several"
    for name in sorted(choices.keys() - within):
        for index, row in enumerate(choices[name]):
            yield from ((f"{name}[{index}]", wrong) for wrong in _no_python(choices, row))


def _reached(choices: _Choices, name: str) -> set[str]:
    """Return `name` and the choices that its rows lead to."""
    reached, left = set(), [name]
    while left:
        choice = left.pop()
        if choice not in reached:
            reached.add(choice)
            left += [used for row in choices.get(choice, ()) for used in (*row.blocks, *row.pieces)]
    return reached


def _no_python(choices: _Choices, row: Row) -> Iterator[str]:
    """Yield why the lines of `row` are no Python, with each row of the choices within them in turn."""
    text = _SPELLED.sub(r"\1", "\n".join("pass" if _NAMED.fullmatch(line) else line for line in row.text.splitlines()))
    last = {piece: choices[piece][-1] for piece in row.pieces}
    for chosen in (last, *({**last, piece: other} for piece in last for other in choices[piece])):
        filled = _NAMED.sub(lambda match, chosen=chosen: _within(choices, chosen[match[1]]), text)  # type: ignore[misc]
        try:
            ast.parse(filled)
        except SyntaxError as error:
            yield f"{error.msg}: {(error.text or filled).strip()}"
            return


def _within(choices: _Choices, row: Row) -> str:
    """Return the text of a row that stands within a line, with the last rows of those within it."""
    return _NAMED.sub(lambda match: _within(choices, choices[match[1]][-1]), row.text)
