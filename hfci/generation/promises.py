"""What an architecture says of itself that decides which shapes its test file asserts."""

from __future__ import annotations

import importlib
from typing import Any

from hfci.catalog.facts import forward_parameters
from hfci.catalog.outputs import gives_tensor, output_fields
from hfci.catalog.registries import config_class, find_class
from hfci.tiny.model import default_config_of, recipe_of
from hfci.tiny.recipes import recipe_for

__all__ = ["promises_of"]


def promises_of(model_type: str, architecture: str) -> dict[str, Any]:
    """Return what templates may ask of `architecture`.

    `module`: where a person would import it from. `parameters`: those of its forward, every name of each → how this
    release spells it. `fields`: the same of the output fields that forward gives, empty where that cannot be told.
    `gives_tensor`: it gives a bare tensor. `is_backbone`: it says how many channels its feature maps have. `config`:
    name → value of the default configuration it is built from. `is_nested`: the text's configuration is a part of that.
    `config_type`: the model type that the model type's configuration says it is of; some share one. `recipe`: how it
    departs from the general rule.
    """
    cls = find_class(model_type, architecture)
    fields = output_fields(cls)
    config = _default_config(model_type, architecture)
    return {
        "module": _importable_from(cls),
        "parameters": forward_parameters(cls),
        "fields": fields,
        "gives_tensor": not fields and gives_tensor(cls),
        "is_backbone": hasattr(cls, "channels"),
        "config": _attributes(config),
        "is_nested": _is_nested(config),
        "config_type": config_class(model_type).model_type,
        "recipe": recipe_for(model_type, architecture)
        if config is None
        else recipe_of(model_type, architecture, config),
    }


def _importable_from(cls: type[Any]) -> str:
    """Return `transformers` where it exports `cls`, and else the module of `cls`."""
    package = cls.__module__.partition(".")[0]
    return package if hasattr(importlib.import_module(package), cls.__name__) else cls.__module__


def _default_config(model_type: str, architecture: str) -> Any:
    try:
        return default_config_of(model_type, architecture)
    except Exception:  # a few have no default, whatever they are told: their templates are told of no attribute
        return None


def _attributes(config: Any) -> dict[str, Any]:
    """Return name → value of the attributes of a configuration."""
    if config is None:
        return {}
    return {**vars(config), **{alias: getattr(config, name, None) for alias, name in config.attribute_map.items()}}


def _is_nested(config: Any) -> bool:
    try:
        return config is not None and config.get_text_config(decoder=True) is not config
    except ValueError:  # more than one part that could be the text's
        return False
