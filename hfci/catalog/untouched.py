"""Whether transformers is as it was before something was imported: its classes, functions and methods, its tables.

An import may register what is its own. What it puts in the place of something of transformers' would be tested instead.
"""

from __future__ import annotations

import inspect
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator, Mapping
from types import ModuleType
from typing import Any

from hfci.catalog.registered import mappings_of_transformers

__all__ = ["Tables", "replaced", "tables"]

_AUTO = "transformers.models.auto."
# The tables of names, by which hfci too knows what transformers has: nothing may be added to them either.
_NAMES = "_NAMES"

_PLAIN = (dict, OrderedDict, defaultdict)

# Dotted name of a dictionary → what is in it.
Tables = Mapping[str, Mapping[Any, Any]]


def tables() -> Tables:
    """Return what is now in the dictionaries of transformers' modules and classes, as far as they are imported."""
    mappings_of_transformers()  # imports those of the auto classes
    return {name: dict(table) for name, table in _tables()}


def replaced(before: Tables, packages: Collection[str]) -> Iterator[str]:
    """Yield the dotted name of each thing of transformers' that is one of the `packages`' now.

    And of what has changed in tables since `before`: in those of the auto classes anything, elsewhere what is one of
    the `packages`' now.
    """
    for name, module in _modules():
        for attribute, value in list(vars(module).items()):
            yield from _members(value, attribute, name, packages)
    for name, table in _tables():
        earlier = before.get(name)
        if earlier is None:
            continue
        is_auto = name.startswith(_AUTO)
        for key, value in list(table.items()):
            if key not in earlier:
                changed = is_auto and name.endswith(_NAMES)
            else:
                changed = not _same(earlier[key], value) and (is_auto or _is_of(value, packages))
            if changed:
                yield f"{name}[{key!r:.80}]"
        if is_auto:
            yield from (f"{name}[{key!r:.80}]" for key in earlier if key not in table)


def _modules() -> Iterator[tuple[str, ModuleType]]:
    for name, module in list(sys.modules.items()):
        if (name == "transformers" or name.startswith("transformers.")) and isinstance(module, ModuleType):
            yield name, module


def _tables() -> Iterator[tuple[str, dict[Any, Any]]]:
    """Yield the dictionaries of modules, and of the classes that are defined there, by dotted names.

    Of plain ones alone: the lazy mappings, each of which is made from a plain one, import what they are asked for.
    """
    for name, module in _modules():
        for attribute, value in list(vars(module).items()):
            if attribute.startswith("__"):
                continue
            if type(value) in _PLAIN:
                yield f"{name}.{attribute}", value
            elif inspect.isclass(value) and value.__module__ == name:
                for member, inner in list(vars(value).items()):
                    if type(inner) in _PLAIN and not member.startswith("__"):
                        yield f"{name}.{attribute}.{member}", inner


def _members(value: Any, attribute: str, module: str, packages: Collection[str]) -> Iterator[str]:
    """Yield what is of the `packages`: what a module of transformers' has by that name, or a method of it."""
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return
    if _is_of(value, packages):
        yield f"{module}.{attribute}"
    elif inspect.isclass(value) and value.__module__ == module:
        for name, member in list(vars(value).items()):
            function = getattr(member, "__func__", member)
            if getattr(function, "__code__", None) is not None and _is_of(function, packages):
                yield f"{module}.{attribute}.{name}"


def _is_of(value: Any, packages: Collection[str]) -> bool:
    return str(getattr(value, "__module__", "")).partition(".")[0] in packages


def _same(before: Any, now: Any) -> bool:
    """Tell whether an entry is as it was; what is no text, nor made of texts, by identity."""
    if before is now:
        return True
    kinds = (str, tuple, list)
    return isinstance(before, kinds) and isinstance(now, kinds) and repr(before) == repr(now)
