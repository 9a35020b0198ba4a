"""transformers' own registries, read from the installed package: the denominator of everything hfci says.

What other packages have registered through its Auto classes counts as its own (`hfci.catalog.registered`).

Nothing here lists a model. Importing this module is cheap; transformers is imported when a function is called.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import importlib
import inspect
import logging
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from hfci.catalog.registered import MAPPINGS_OF_PROCESSORS, Registered, registered, short_name

__all__ = [
    "auto_classes_by_table",
    "backends_without_class",
    "config_class",
    "config_class_name",
    "default_config",
    "find_class",
    "model_tables",
    "model_type_names",
    "modeling_modules",
    "module_name",
    "own_model_classes",
    "processor_tables",
    "processors_of",
    "quiet",
    "registry_digest",
    "tables_of_class",
    "tables_of_transformers",
    "tasks_by_auto_class",
    "transformers_version",
]

_MODELS = "transformers.models"


@functools.cache
def transformers_version() -> str:
    """Return the version of the transformers that is imported here, without importing it."""
    from hfci.origin import find_transformers, version_of

    return version_of(find_transformers()) or "unknown"


def registry_digest() -> str:
    """Return the digest of the registries of the transformers that is imported here: which model types there are.

    What the imports of this process register is part of it.
    """
    from hfci.imports import entered
    from hfci.origin import find_transformers, registry_of

    own, imports = registry_of(find_transformers()), entered()
    if imports is None:
        return own
    return hashlib.sha256(f"{own} {imports.registry}".encode()).hexdigest()[:32]


def model_type_names() -> tuple[str, ...]:
    """Return every key of the installed `CONFIG_MAPPING_NAMES`, in its own order, then those that were registered."""
    from transformers import CONFIG_MAPPING

    return tuple(CONFIG_MAPPING.keys())


def config_class(model_type: str) -> type[Any]:
    """Return the configuration class of `model_type`."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    cls: type[Any] = CONFIG_MAPPING[model_type]
    return cls


def config_class_name(model_type: str) -> str | None:
    """Return the name of the configuration class of `model_type`, not imported; None where there is none of that."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES  # type: ignore[attr-defined]

    if (config := registered().configs.get(model_type)) is not None:
        return config.__name__
    name: str | None = CONFIG_MAPPING_NAMES.get(model_type)
    return name


def default_config(model_type: str, **arguments: Any) -> Any:
    """Return the default configuration of `model_type`, or that of `arguments`, without the warnings of its defaults.

    `arguments` are left as they are: some configuration classes take `model_type` out of the parts handed to them.

    Raises what the configuration class raises; two of 804 have no default.
    """
    try:
        with quiet():  # defaults warn of themselves; what matters of them fails later
            return config_class(model_type)(**copy.deepcopy(arguments))
    except TypeError as error:
        if model_type not in registered().configs:
            raise
        mend = "a recipe gives what it cannot be made without (`default`, in the folder of [tool.hfci] recipes)"
        raise TypeError(f"{error}; {mend}") from error


@contextlib.contextmanager
def quiet(library: str = "transformers") -> Iterator[None]:
    """Keep a library's own warnings to itself.

    Where it is within another, or as quiet otherwise, it costs nothing: each change of a level has every logger of the
    process forget what it knows.
    """
    logger = logging.getLogger(library)
    level = logger.level
    if level >= logging.ERROR:
        yield
        return
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def module_name(model_type: str) -> str:
    """Return the dotted name of the package under `transformers.models` that holds `model_type`.

    Of one that was registered it is the name of its configuration's module.
    """
    if (config := registered().configs.get(model_type)) is not None:
        return config.__module__
    from transformers.models.auto.configuration_auto import model_type_to_module_name

    return f"{_MODELS}.{model_type_to_module_name(model_type)}"


def model_tables() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return the tables of transformers: short table name → model type → class names; with what was registered."""
    return _tables(registered())


@functools.lru_cache(maxsize=2)
def _tables(beside: Registered) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    own = tables_of_transformers()
    added = {short: {key: (cls.__name__,) for key, cls in table.items()} for short, table in beside.models.items()}
    return {**own, **{short: {**own.get(short, {}), **table} for short, table in added.items()}}


@functools.cache
def tables_of_transformers() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the `MODEL_*_NAMES` tables: short table name → model type → class names.

    The short name is what stands between `MODEL_` and `_MAPPING_NAMES` (`FOR_MASKED_LM`); that of `MODEL_MAPPING_NAMES`
    itself is `BASE`. `modeling_auto` re-exports `CONFIG_MAPPING_NAMES`, hence the filter on the prefix.
    """
    from transformers.models.auto import modeling_auto

    tables = {}
    for attribute, table in vars(modeling_auto).items():
        if attribute.startswith("MODEL_") and attribute.endswith("_NAMES"):
            tables[short_name(attribute, "_NAMES")] = {key: _as_tuple(names) for key, names in table.items()}
    return tables


def tables_of_class(name: str) -> frozenset[str]:
    """Return the short names of the tables that list the class `name`, for whatever model type."""
    return _tables_of_class(name, registered())


@functools.cache
def _tables_of_class(name: str, beside: Registered) -> frozenset[str]:
    tables = _tables(beside).items()
    return frozenset(short for short, rows in tables if any(name in names for names in rows.values()))


@functools.cache
def auto_classes_by_table() -> dict[str, str]:
    """Return short table name → auto class name, for the tables that an auto class loads from."""
    from transformers.models.auto import modeling_auto

    mappings = {id(value): name for name, value in vars(modeling_auto).items() if name.endswith("_MAPPING")}
    auto_classes = {}
    for name, value in vars(modeling_auto).items():
        # `AutoModelWithLMHead` and its like are deprecated doors, marked by a leading underscore.
        if not name.startswith("_") and inspect.isclass(value) and hasattr(value, "_model_mapping"):
            mapping = mappings.get(id(value._model_mapping))
            if mapping is not None:
                auto_classes[short_name(mapping, "_MAPPING")] = name
    return auto_classes


@functools.cache
def tasks_by_auto_class() -> dict[str, tuple[tuple[str, str], ...]]:
    """Return auto class name → (pipeline task, dotted name of its pipeline class) pairs of `SUPPORTED_TASKS`."""
    from transformers.pipelines import SUPPORTED_TASKS

    by_auto_class: dict[str, list[tuple[str, str]]] = {}
    tasks: Mapping[str, Any] = SUPPORTED_TASKS
    for task, entry in tasks.items():
        implementation = entry["impl"]
        if not isinstance(implementation, str):
            implementation = f"{implementation.__module__}.{implementation.__qualname__}"
        for auto_class in entry["pt"]:
            by_auto_class.setdefault(auto_class.__name__, []).append((task, implementation))
    return {name: tuple(pairs) for name, pairs in by_auto_class.items()}


def processor_tables() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return kind of processor (`tokenizer`, `image_processor` …) → model type → class names."""
    return _processors(registered())


@functools.lru_cache(maxsize=2)
def _processors(beside: Registered) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    kinds = _tables_of_processors()
    added = {
        kind: {key: tuple(cls.__name__ for cls in classes) for key, classes in table.items()}
        for kind, table in beside.processors.items()
    }
    return {
        kind: {**{key: _as_tuple(names) for key, names in table.items()}, **added.get(kind, {})}
        for kind, table in kinds.items()
    }


def backends_without_class(kind: str, model_type: str) -> tuple[str, ...]:
    """Return the packages for which a table of processors has a variant for `model_type`, but here no class of it.

    transformers takes the names of video processors out of its table where torchvision is not installed.
    """
    variants = _tables_of_processors().get(kind, {}).get(model_type)
    if not isinstance(variants, dict) or any(variants.values()):
        return ()
    return tuple(variants)


def _tables_of_processors() -> dict[str, Mapping[str, Any]]:
    return {
        kind: getattr(importlib.import_module(f"{_MODELS}.auto.{module}"), f"{mapping}_NAMES")
        for kind, (module, mapping) in MAPPINGS_OF_PROCESSORS.items()
    }


def processors_of(model_type: str) -> dict[str, tuple[str, ...]]:
    """Return kind of processor → the names of its classes for `model_type`, of the kinds that there are for it."""
    return {kind: table[model_type] for kind, table in processor_tables().items() if model_type in table}


def find_class(model_type: str, name: str) -> type[Any]:
    """Return the class `name` that a table lists for `model_type`.

    Raises ImportError where the class exists but its module cannot be imported here (a missing optional package), and
    AttributeError where transformers lists a class that it does not have.
    """
    if (added := registered().find(model_type, name)) is not None:
        return added
    package = importlib.import_module(module_name(model_type))
    cls = getattr(package, name, None)
    if cls is None:  # listed in a table yet not exported by its package, or another model type's class
        holders = [*modeling_modules(model_type), importlib.import_module("transformers")]
        cls = next((getattr(holder, name) for holder in holders if hasattr(holder, name)), None)
    if cls is None:
        raise AttributeError(f"transformers lists {name} for {model_type!r} but has no such class")
    if hasattr(cls, "_backends"):  # transformers puts a placeholder where a package is missing
        raise ImportError(f"{name} needs {', '.join(cls._backends)}")
    return cls  # type: ignore[no-any-return]


def modeling_modules(model_type: str) -> tuple[ModuleType, ...]:
    """Import and return the `modeling_*` modules of the package that holds `model_type`.

    Of one that was registered they are those of its classes.
    """
    if model_type in registered().configs:
        return registered().modules(model_type)
    package = importlib.import_module(module_name(model_type))
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(
        importlib.import_module(f"{package.__name__}.{name}") for name in names if name.startswith("modeling_")
    )


def own_model_classes(model_type: str) -> tuple[type[Any], ...]:
    """Return the runnable model classes of `model_type`'s package whose `config_class` is its configuration class.

    A class that only holds shared behaviour (`BertPreTrainedModel`) has neither a `forward` nor an `__init__` of its
    own and is left out. Exported classes come first, in order of definition; then the internal ones, last defined
    first, since the outer is defined after the inner.
    """
    from torch import nn
    from transformers import PreTrainedModel

    config = config_class(model_type)
    exported, internal = [], []
    for module in modeling_modules(model_type):
        own = [
            value
            for value in vars(module).values()
            if inspect.isclass(value)
            and issubclass(value, PreTrainedModel)
            and value.__module__ == module.__name__
            and value.config_class is config
            and (value.forward is not nn.Module.forward or "__init__" in vars(value))
        ]
        public = set(getattr(module, "__all__", ()))
        exported += [value for value in own if value.__name__ in public]
        internal += [value for value in own if value.__name__ not in public]
    return (*exported, *reversed(internal))


def _as_tuple(names: Any) -> tuple[str, ...]:
    """Flatten what a table holds for a key: a name, several, variants by backend, or None."""
    if names is None or isinstance(names, str):
        names = [names]
    flat = names.values() if isinstance(names, dict) else names
    return tuple(dict.fromkeys(name for name in flat if name))
