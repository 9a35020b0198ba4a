"""How functions of transformers differ from one side to the other: nothing but what can change what they do.

Comments, docstrings and annotations say nothing, and neither does a name that is spelled otherwise for the same thing:
`past_key_values` is `cache`, in the diffs too.
"""

from __future__ import annotations

import ast
import difflib
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from hfci.catalog.aliases import spellings
from hfci.releases.measurements import Function

__all__ = ["SourceDiff", "differing"]

# Of a class, what is no method; of a module, what is no definition: its constants.
CONSTANTS = "constants"
# Which models there are, and no part of any.
_REGISTRY = "models/auto/"
_LONGEST = 160  # lines of a diff
# Decorators that rename or document, and attributes of classes that say how to place, load or train them.
_DECORATORS = ("deprecate_kwarg", "auto_docstring", "add_start_docstrings", "replace_return_docstrings")
_ATTRIBUTES = (
    "_can_record_outputs",
    "_keys_to_ignore_on_load_missing",
    "_keys_to_ignore_on_load_unexpected",
    "_no_split_modules",
    "_skip_keys_device_placement",
    "_tp_plan",
    "base_model_pp_plan",
    "base_model_tp_plan",
    "keys_to_ignore_at_inference",
)


class SourceDiff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a function, a class beside its methods, or the constants of a module differ: a unified diff, cut if long."""

    file: str
    name: str
    diff: str

    @property
    def key(self) -> str:
        """What it is known by in a document."""
        return hashlib.sha256(f"{self.file}\0{self.name}\0{self.diff}".encode()).hexdigest()[:12]


def differing(functions: Iterable[Function], before: Path, after: Path) -> tuple[SourceDiff, ...]:
    """Return how those of `functions` differ that do, from the package `before` to the one `after`, models' own first.

    With a method its class counts, and with all the constants of their modules.
    """
    wanted = set(functions)
    wanted |= {Function(one.file, one.name.rpartition(".")[0]) for one in wanted if "." in one.name}
    wanted |= {Function(one.file, CONSTANTS) for one in wanted if not one.file.startswith(_REGISTRY)}
    diffs = (_diff(one, before, after) for one in sorted(wanted))
    return tuple(sorted(filter(None, diffs), key=_rank))


def _rank(diff: SourceDiff) -> tuple[bool, bool, bool]:
    """Return what comes first: what models define themselves, their functions before their constants."""
    return not diff.file.startswith("models/"), diff.file.startswith(_REGISTRY), diff.name == CONSTANTS


@functools.lru_cache(maxsize=20_000)
def _diff(function: Function, before: Path, after: Path) -> SourceDiff | None:
    old, new = _definitions(before / function.file), _definitions(after / function.file)
    if old is None and new is None:
        return None
    left, right = (table.get(function.name) if table else None for table in (old, new))
    if (left and left[0]) == (right and right[0]):
        return None
    texts = [found[1].splitlines() if found else [] for found in (left, right)]
    lines = list(difflib.unified_diff(texts[0], texts[1], lineterm="", n=2))[2:]
    if len(lines) > _LONGEST:
        lines = [*lines[:_LONGEST], f"… {len(lines) - _LONGEST} more lines"]
    return SourceDiff(function.file, function.name, "\n".join(lines))


@functools.lru_cache(maxsize=200)
def _definitions(path: Path) -> dict[str, tuple[str, str]] | None:
    """Return what a file defines, by name with its class: what it means, and its text; None where there is no file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    lines = text.splitlines()
    found = dict(_named(tree.body, lines, ""))
    rest = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    found[CONSTANTS] = (_meaning(rest), "\n".join(_text(node, lines) for node in rest))
    return found


def _named(body: Iterable[ast.stmt], lines: list[str], owner: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield f"{owner}{node.name}", (_meaning([node]), _text(node, lines))
        elif isinstance(node, ast.ClassDef):
            own = [part for part in node.body if not isinstance(part, ast.FunctionDef | ast.ClassDef)]
            own = [part for part in own if not _places(part)]
            head = ast.Tuple([*node.bases, *(word.value for word in node.keywords)], ast.Load())
            text = "\n".join([lines[node.lineno - 1], *(_text(part, lines) for part in own if not _is_text(part))])
            yield f"{owner}{node.name}", (ast.dump(head) + _meaning(own), text)
            yield from _named(node.body, lines, f"{owner}{node.name}.")


def _text(node: ast.stmt, lines: list[str]) -> str:
    decorators = (each for each in getattr(node, "decorator_list", ()) if not _renames(each))
    parts = [range(each.lineno, (each.end_lineno or each.lineno) + 1) for each in decorators]
    texts = [each for each in getattr(node, "body", ()) if _is_text(each)]
    left_out = {line for each in texts for line in range(each.lineno, (each.end_lineno or each.lineno) + 1)}
    parts.append(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return _in_words("\n".join(lines[line - 1] for part in parts for line in part if line not in left_out))


def _meaning(nodes: Iterable[ast.stmt]) -> str:
    """Return what statements mean, the same for two that can do nothing but the same."""
    return "\n".join(_dump(node) for node in nodes if not _is_text(node))


def _is_text(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _in_words(text: str) -> str:
    """Return `text` with the word of this hfci for each name that releases spell otherwise, within longer names too."""
    pattern, words = _spelled()
    return pattern.sub(lambda match: words[match[0]], text)


@functools.cache
def _spelled() -> tuple[re.Pattern[str], dict[str, str]]:
    words = spellings()
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(longest_first)})(?![A-Za-z0-9])"), words


def _dump(value: Any) -> str:
    if isinstance(value, ast.AST):
        fields = []
        for name, item in ast.iter_fields(value):
            if name in ("annotation", "returns", "type_comment", "ctx"):
                continue
            if name == "decorator_list":
                item = [each for each in item if not _renames(each)]
            if name == "body" and isinstance(item, list):
                item = [each for each in item if not _is_text(each)]
            fields.append(_dump(item))
        return f"{type(value).__name__}({','.join(fields)})"
    if isinstance(value, list):
        return f"[{','.join(map(_dump, value))}]"
    return repr(_in_words(value)) if isinstance(value, str) else repr(value)


def _renames(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id in _DECORATORS


def _places(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Name) and target.id in _ATTRIBUTES for target in targets)
