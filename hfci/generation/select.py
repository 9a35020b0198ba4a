"""Which model types a person means: names, shell-style patterns, `family:vision`, or an architecture."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from hfci.catalog import ModelType, families, model_type_names, read_row
from hfci.errors import UsageError, nearest

__all__ = ["select"]


def select(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the model types that any of `patterns` names, in the registry's order; without patterns, all.

    Only a family or an architecture needs the rows of the catalog to be read. Raises UsageError for a pattern
    that names nothing.
    """
    names = model_type_names()
    found = {name for pattern in patterns for name in _named(pattern, names)}
    return tuple(name for name in names if not patterns or name in found)


def _named(pattern: str, names: Sequence[str]) -> set[str]:
    kind, _, family = pattern.partition(":")
    if kind == "family" and family not in families():
        raise UsageError(f"no family {family!r}.{nearest(family, families())}")
    if kind == "family":
        return {name for name in names if _is_of(read_row(name), family)}
    found = {name for name in names if fnmatchcase(name, pattern)}
    if not found and pattern.isidentifier():
        found = {name for name in names if pattern in (arch.name for arch in read_row(name).architectures)}
    if not found:
        raise UsageError(f"{pattern!r} names no model type of the installed transformers.{nearest(pattern, names)}")
    return found


def _is_of(row: ModelType, family: str) -> bool:
    return row.base is not None and row.base.family == family
