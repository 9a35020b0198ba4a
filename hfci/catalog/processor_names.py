"""The processor classes that the source of transformers' tables names, those too whose packages are not installed.

Where a package is missing, transformers takes the names of what needs it out of its tables when these are imported.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from hfci.catalog.registered import MAPPINGS_OF_PROCESSORS

__all__ = ["named_in_source"]

# Where the tables stand that transformers infers; a table's own module adds to them.
_INFERRED = "auto_mappings"
_ASKED = re.compile(r"is_(\w+)_available")


@functools.cache
def named_in_source(kind: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return the classes that the table of a kind of processor names → their keys → the packages that these ask for.

    A package is asked for by a condition, `is_g2p_en_available()`, or as the name of a variant, `torchvision`.
    """
    module, mapping = MAPPINGS_OF_PROCESSORS[kind]
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in (_INFERRED, module):
        for key, value in _rows(_tree(f"transformers.models.auto.{name}"), f"{mapping}_NAMES"):
            for cls, packages in _classes(value):
                found.setdefault(cls, {})[key] = packages
    return found


def _tree(module: str) -> ast.Module:
    specification = importlib.util.find_spec(module)
    path = specification.origin if specification is not None else None
    return ast.parse(Path(path).read_bytes() if path else "")


def _rows(tree: ast.Module, table: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield key and value of each row of what is assigned to a table, or to one that it is made larger by."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        made = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(made, ast.Call) and made.args and any(_is_called(one, table) for one in targets):
            for row in getattr(made.args[0], "elts", ()):
                key, value = row.elts
                yield ast.literal_eval(key), value


def _is_called(target: ast.expr | None, table: str) -> bool:
    return isinstance(target, ast.Name) and target.id in (table, f"MISSING_{table}")


def _classes(value: ast.expr, asked: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each class that the value of a row names, whichever packages are here, and those that it asks for."""
    if isinstance(value, ast.Constant):
        if isinstance(value.value, str):
            yield value.value, asked
    elif isinstance(value, ast.IfExp):
        yield from _classes(value.body, (*asked, *_ASKED.findall(ast.unparse(value.test))))
        yield from _classes(value.orelse, asked)
    elif isinstance(value, ast.Dict):
        for backend, one in zip(value.keys, value.values, strict=True):
            yield from _classes(one, (*asked, ast.literal_eval(backend)) if backend is not None else asked)
    elif isinstance(value, (ast.Tuple, ast.List)):
        for one in value.elts:
            yield from _classes(one, asked)
