"""Model types without a model class of their own: which other model types' configurations hold theirs."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from hfci.catalog import registries
from hfci.catalog.registered import registered
from hfci.errors import FOREIGN

__all__ = ["holds", "model_types_in", "parents_of", "why_without_class"]


def parents_of(model_type: str) -> Mapping[str, tuple[str, ...]]:
    """Return the model types whose configuration holds that of `model_type`: model type → fields, in registry order.

    Told from the configuration classes alone; nothing is built. A field that may be any model counts where `model_type`
    is what it is by default. Those of its own package come first and alone, as a part without a class is not known
    outside of it; the others are asked where there are none. Empty for one that no other holds.
    """
    package, part = registries.module_name(model_type), registries.config_class(model_type)
    return _holders(model_types_in(package)).get(part) or _holders(registries.model_type_names()).get(part, {})


def why_without_class(model_type: str) -> str:
    """Say why `model_type`, which no model class is built from, has none, and what transformers has it for."""
    name = registries.config_class(model_type).__name__
    parents = parents_of(model_type)
    held = [f"{parent} ({', '.join(fields)})" for parent, fields in parents.items()]
    processors = dict.fromkeys(name for names in registries.processors_of(model_type).values() for name in names)
    use = f"a part of {', '.join(held)}" if held else "no model type's configuration holds it"
    mend = f"; `AutoModel….register({name}, MODEL_CLASS)` adds one" if model_type in registered().configs else ""
    has = f"; it names processors: {', '.join(processors)}" if processors else ""
    return f"no model class has {name} as its configuration class; {use}{has}{mend}"


def model_types_in(package: str) -> tuple[str, ...]:
    """Return the model types that `package` holds, in registry order."""
    return _packages(registries.model_type_names())[package]


def holds(config: type[Any], name: str) -> bool:
    """Say whether the configuration class `config` has a part, at whatever depth, that is a `name` or a child of it."""
    parts = [part for _, part in _held_by(config)]
    return any(name in (cls.__name__ for cls in part.__mro__) or holds(part, name) for part in parts)


@functools.cache
def _packages(model_types: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return package → those of `model_types`, which are more once something was imported, that it holds."""
    packages: dict[str, tuple[str, ...]] = {}
    for name in model_types:
        package = registries.module_name(name)
        packages[package] = (*packages.get(package, ()), name)
    return packages


@functools.cache
def _holders(model_types: tuple[str, ...]) -> dict[type[Any], dict[str, tuple[str, ...]]]:
    """Return configuration class → those of `model_types` that hold one → in which fields."""
    holders: dict[type[Any], dict[str, tuple[str, ...]]] = {}
    for holder in model_types:
        try:
            own = registries.config_class(holder)
            fields_of_parts = list(_held_by(own))
        except FOREIGN:  # which its own row says; it holds nothing
            continue
        for field, part in fields_of_parts:
            if part is not own:
                fields = holders.setdefault(part, {})
                fields[holder] = (*fields.get(holder, ()), field)
    return holders


def _held_by(config: type[Any]) -> Iterator[tuple[str, type[Any]]]:
    """Yield the fields of a configuration class that hold a configuration, each with the class of that."""
    defaults = getattr(config, "sub_configs_defaults", None) or {}
    for field, part in (getattr(config, "sub_configs", None) or {}).items():
        if part.__name__ != "AutoConfig":
            yield field, part
        elif field in defaults and defaults[field].model_type in registries.model_type_names():
            yield field, registries.config_class(defaults[field].model_type)
