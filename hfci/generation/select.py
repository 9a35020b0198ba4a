"""Which model types of the installed transformers a person means."""

from __future__ import annotations

from collections.abc import Sequence

from hfci.cases.selector import Known, choose
from hfci.catalog import model_type_names, read_row, registries
from hfci.catalog.exported import exported_classes
from hfci.catalog.registered import registered, registered_by
from hfci.errors import FOREIGN
from hfci.generation.expected_files import host
from hfci.generation.render import FAMILY_OF_PARTS

__all__ = ["select"]


def select(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the model types that any of `patterns` names, in the registry's order; without patterns, all.

    Only a family needs the rows of the catalog to be read. Raises UsageError for a pattern that names nothing.
    """
    names = model_type_names()
    chosen = choose(patterns, Known(names, _architectures, _families, _imports))
    return tuple(name for name in names if name in chosen)


def _architectures() -> dict[str, set[str]]:
    """Return the classes of each model type: of the auto tables or, if none, its module's own; and what it exports."""
    by_type: dict[str, set[str]] = {name: set() for name in model_type_names()}
    for table in registries.model_tables().values():
        for name, classes in table.items():
            by_type.setdefault(name, set()).update(classes)
    return {
        name: (classes or {arch.name for arch in read_row(name).architectures}) | _exported(name)
        for name, classes in by_type.items()
    }


def _exported(model_type: str) -> set[str]:
    try:
        return set(exported_classes(model_type).architectures)
    except FOREIGN:  # which its row says
        return set()


def _imports() -> dict[str, str]:
    return {name: by for name in registered().configs if (by := registered_by(name)) is not None}


def _families() -> dict[str, dict[str, str | None]]:
    """Return the family of each architecture; a model type that is a part of others alone is of that of parts."""
    by_type: dict[str, dict[str, str | None]] = {}
    for name in model_type_names():
        row = read_row(name)
        by_type[name] = {arch.name: arch.family for arch in row.architectures}
        if not row.architectures and (held := host(row)) is not None:
            by_type[name] = {held[1].name: FAMILY_OF_PARTS}
    return by_type
