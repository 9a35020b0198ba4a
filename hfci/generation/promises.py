"""What an architecture says of itself that decides which shapes its test file asserts."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable
from typing import Any

from hfci.catalog.facts import forward_parameters
from hfci.catalog.registries import config_class, default_config, find_class
from hfci.tiny import recipe_for

__all__ = ["promises_of"]

_RETURNED = re.compile(r"^\s+return (\w+)\(", re.MULTILINE)


def promises_of(model_type: str, architecture: str) -> dict[str, Any]:
    """Return what templates may ask of `architecture`.

    `module`: where a person would import it from. `parameters`: those of its forward. `fields`: the output
    fields that forward gives, empty where that cannot be told. `gives_tensor`: it gives a bare tensor.
    `is_backbone`: it says how many channels its feature maps have. `config`: name → value of the default
    configuration. `config_type`: the model type that the configuration says it is of; model types share some.
    `recipe`: how it departs from the general rule.
    """
    cls = find_class(model_type, architecture)
    fields = _output_fields(cls)
    return {
        "module": _importable_from(cls),
        "parameters": forward_parameters(cls),
        "fields": fields,
        "gives_tensor": not fields and _gives_tensor(cls),
        "is_backbone": hasattr(cls, "channels"),
        "config": _default_config(model_type),
        "config_type": config_class(model_type).model_type,
        "recipe": recipe_for(model_type, architecture),
    }


def _importable_from(cls: type[Any]) -> str:
    """Return `transformers` where it exports `cls`, and else the module of `cls`."""
    package = cls.__module__.partition(".")[0]
    return package if hasattr(importlib.import_module(package), cls.__name__) else cls.__module__


def _output_fields(cls: type[Any]) -> frozenset[str]:
    """Return the fields of the outputs that forward's `return` statements make, or else of those it declares.

    The statements come first because annotations are at times another class's, left over from a copy. So is one of
    logits on a class that hands on what the model within it gives, and cannot generate: it is the annotation of the
    class with the head.
    """
    forward = inspect.unwrap(cls.forward)
    names = dict.fromkeys(_RETURNED.findall(inspect.getsource(forward)))
    made = [kind for name in names if dataclasses.is_dataclass(kind := forward.__globals__.get(name))]
    kinds = made or [kind for kind in _declared(forward) if dataclasses.is_dataclass(kind)]
    fields = frozenset(field.name for kind in kinds for field in dataclasses.fields(kind))
    if not made and {"logits", "past_key_values"} <= fields and not cls.can_generate():
        return fields - {"logits", "loss"} | {"last_hidden_state"}
    return fields


def _gives_tensor(cls: type[Any]) -> bool:
    return [getattr(kind, "__name__", "") for kind in _declared(inspect.unwrap(cls.forward))] == ["Tensor"]


def _declared(forward: Callable[..., Any]) -> tuple[Any, ...]:
    """Return the members of the union that `forward` declares to return."""
    try:
        declared = typing.get_type_hints(forward).get("return")
    except (NameError, TypeError):  # an annotation whose names its module imports for type checkers only
        return ()
    is_union = typing.get_origin(declared) in (typing.Union, types.UnionType)
    return typing.get_args(declared) if is_union else (declared,)


def _default_config(model_type: str) -> dict[str, Any]:
    """Return name → value of the attributes of the default configuration."""
    try:
        config = default_config(model_type)
    except Exception:  # two of 804 have no default: their templates are told of no attribute
        return {}
    return {
        **vars(config),
        **{alias: getattr(config, name, None) for alias, name in config.attribute_map.items()},
    }
