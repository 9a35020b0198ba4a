"""What packages beside transformers have registered through its Auto classes, in this process, until now.

It is read where transformers keeps it, apart from its own tables.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

__all__ = [
    "MAPPINGS_OF_PROCESSORS",
    "Registered",
    "is_library",
    "is_model_code",
    "mappings_of_transformers",
    "mark",
    "registered",
    "registered_by",
    "short_name",
]

_AUTO = "transformers.models.auto"

# Kind of processor → the module and the mapping of its auto class; its table of names is the mapping's with _NAMES.
MAPPINGS_OF_PROCESSORS = {
    "processor": ("processing_auto", "PROCESSOR_MAPPING"),
    "tokenizer": ("tokenization_auto", "TOKENIZER_MAPPING"),
    "image_processor": ("image_processing_auto", "IMAGE_PROCESSOR_MAPPING"),
    "feature_extractor": ("feature_extraction_auto", "FEATURE_EXTRACTOR_MAPPING"),
    "video_processor": ("video_processing_auto", "VIDEO_PROCESSOR_MAPPING"),
}

# Model type → the import that registered it, where hfci imported it.
_MARKED: dict[str, str] = {}


@dataclass(frozen=True, eq=False)
class Registered:
    """What is registered: classes, since there is no table of names.

    - `configs`: model type → configuration class
    - `models`: short name of a table, as in `registries.model_tables` → model type → model class
    - `processors`: kind of processor → model type → classes
    """

    configs: Mapping[str, type[Any]] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, type[Any]]] = field(default_factory=dict)
    processors: Mapping[str, Mapping[str, tuple[type[Any], ...]]] = field(default_factory=dict)

    @functools.cached_property
    def packages(self) -> frozenset[str]:
        """The top packages of all these classes, beside transformers."""
        return frozenset(cls.__module__.partition(".")[0] for cls in self.classes) - {"transformers"}

    @functools.cached_property
    def classes(self) -> tuple[type[Any], ...]:
        """All of them."""
        models = (cls for table in self.models.values() for cls in table.values())
        processors = (cls for table in self.processors.values() for listed in table.values() for cls in listed)
        return tuple(dict.fromkeys((*self.configs.values(), *models, *processors)))

    def find(self, model_type: str, name: str) -> type[Any] | None:
        """Return the class `name` that is registered for `model_type`, of models or processors; None where none is."""
        models = [table[model_type] for table in self.models.values() if model_type in table]
        processors = [cls for table in self.processors.values() for cls in table.get(model_type, ())]
        return next((cls for cls in (*models, *processors) if cls.__name__ == name), None)

    def modules(self, model_type: str) -> tuple[ModuleType, ...]:
        """Return the modules of the model classes of `model_type`, and that of its configuration class."""
        classes = [table[model_type] for table in self.models.values() if model_type in table]
        names = dict.fromkeys(cls.__module__ for cls in (*classes, self.configs[model_type]))
        return tuple(sys.modules[name] for name in names)

    def lines(self) -> list[str]:
        """Return a line for each registration, sorted: two processes in which they are equal have the same rows."""
        lines = [f"{name} {_full(cls)}" for name, cls in self.configs.items()]
        lines += [f"{name} {short} {_full(cls)}" for short, table in self.models.items() for name, cls in table.items()]
        for kind, table in self.processors.items():
            lines += [f"{name} {kind} {' '.join(map(_full, classes))}" for name, classes in table.items()]
        return sorted(lines)


_NOTHING = Registered()


def registered() -> Registered:
    """Return what is registered now; of transformers' own, which it can register anew, nothing."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    configs = CONFIG_MAPPING._extra_content
    if not configs:
        return _NOTHING
    return _registered(
        tuple(configs.items()), sum(len(mapping._extra_content) for mapping in mappings_of_transformers().values())
    )


@functools.lru_cache(maxsize=2)
def _registered(configs: tuple[tuple[str, type[Any]], ...], _: int) -> Registered:
    types = {cls: name for name, cls in configs}
    models: dict[str, dict[str, type[Any]]] = {}
    processors: dict[str, dict[str, tuple[type[Any], ...]]] = {}
    for name, mapping in mappings_of_transformers().items():
        for config, value in mapping._extra_content.items():
            if config not in types:
                continue
            if name in MAPPINGS_OF_PROCESSORS:
                processors.setdefault(name, {})[types[config]] = _classes(value)
            else:
                models.setdefault(name, {})[types[config]] = value
    return Registered(dict(configs), models, processors)


def _classes(value: Any) -> tuple[type[Any], ...]:
    """Return the classes of what is registered of a processor: one, variants by backend, a slow and a fast one."""
    variants = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else [value]
    return tuple(dict.fromkeys(cls for cls in variants if cls is not None))


@functools.cache
def mappings_of_transformers() -> dict[str, Any]:
    """Return transformers' lazy mappings: by the short names of the tables of models, by the kinds of processors."""
    modeling = importlib.import_module(f"{_AUTO}.modeling_auto")
    mappings = {
        short_name(name, "_MAPPING"): value for name, value in vars(modeling).items() if _is_model_mapping(name)
    }
    for kind, (module, attribute) in MAPPINGS_OF_PROCESSORS.items():
        mappings[kind] = getattr(importlib.import_module(f"{_AUTO}.{module}"), attribute)
    return mappings


def _is_model_mapping(name: str) -> bool:
    return name.startswith("MODEL_") and name.endswith("_MAPPING")


def short_name(attribute: str, suffix: str) -> str:
    """Return what stands between `MODEL_` and `_MAPPING` in a table's name; `BASE` for that of `MODEL_MAPPING`."""
    short = attribute.removesuffix(suffix).removesuffix("MAPPING").strip("_").removeprefix("MODEL")
    return short.strip("_") or "BASE"


def mark(model_type: str, name: str) -> None:
    """Note that the import `name` has registered `model_type`."""
    _MARKED[model_type] = name


def registered_by(model_type: str) -> str | None:
    """Return which import has registered `model_type`, or else its package; None for transformers' own."""
    config = registered().configs.get(model_type)
    return None if config is None else _MARKED.get(model_type, config.__module__.partition(".")[0])


def is_model_code(module: str) -> bool:
    """Tell whether a module of this dotted name is a model's: below `transformers.models`, or of who registered one."""
    return module.startswith("transformers.models.") or _is_foreign(module)


def is_library(module: str) -> bool:
    """Tell whether a module of this dotted name is of transformers, or of who registered a model."""
    return module.startswith("transformers.") or _is_foreign(module)


def _is_foreign(module: str) -> bool:
    return module.partition(".")[0] in registered().packages


def _full(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
