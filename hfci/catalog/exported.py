"""Models that transformers exports and no auto table lists: `CLIPTextModelWithProjection`, `XLNetForQuestionAnswering`.

They are read off the sources: nothing is imported but configurations.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hfci.catalog import registries
from hfci.catalog.aliases import named
from hfci.catalog.parts import holds, model_types_in
from hfci.catalog.registered import registered
from hfci.catalog.sources import SourceClass, defined_class, exported_names, modeling_module_names
from hfci.catalog.tasks import asked_for

__all__ = ["Exported", "exported_classes"]


SHARED = "PreTrainedModel"
NOT_REGISTERED = "it is registered with no auto class, as `AutoModelFor….register(CONFIG_CLASS, MODEL_CLASS)` does"


class Exported(NamedTuple):
    """The classes of one model type: `architectures` by name, and name → reason of those that cannot be one."""

    architectures: tuple[str, ...]
    left_out: Mapping[str, str]


def exported_classes(model_type: str) -> Exported:
    """Return the models of `model_type` that its package exports and that stand in no auto table, of whatever type.

    A class is of the model type whose configuration class it is built from, or which has a part that it is built from.
    One that holds shared behaviour has no forward, and says so in its name (`BertPreTrainedModel`): it is no model.
    Who registers a model type registers its architectures: what else stands in the files of these is told as none.
    """
    if model_type in registered().configs:
        return _beside_registered(model_type)
    return _of_package(registries.module_name(model_type)).get(model_type, Exported((), {}))


def _beside_registered(model_type: str) -> Exported:
    listed = {name for rows in registries.model_tables().values() for name in rows.get(model_type, ())}
    others = [cls.__name__ for cls in registries.own_model_classes(model_type)] if listed else []
    return Exported((), {name: NOT_REGISTERED for name in others if name not in listed and not name.endswith(SHARED)})


@functools.cache
def _of_package(package: str) -> dict[str, Exported]:
    """Return model type → what `package` exports of it beside the auto tables."""
    model_types = model_types_in(package)
    found: dict[str, tuple[list[str], dict[str, str]]] = {}
    for cls in _unlisted(package):
        owner = _owner(cls, model_types)
        architectures, left_out = found.setdefault(owner or model_types[0], ([], {}))
        if reason := _why_no_architecture(cls, owner):
            left_out[cls.name] = reason
        else:
            architectures.append(cls.name)
    return {name: Exported(tuple(names), reasons) for name, (names, reasons) in found.items()}


def _unlisted(package: str) -> Iterator[SourceClass]:
    """Yield the models that `package` exports and no auto table lists, in the order in which they are exported."""
    for module in modeling_module_names(package):
        names = [name for name in exported_names(module) if not name.endswith(SHARED)]
        for name in names:
            cls = None if registries.tables_of_class(name) else defined_class(module, name)
            if cls and cls.definer("forward") and any("PreTrainedModel" in owner.bases for owner in cls.lineage):
                yield cls


def _owner(cls: SourceClass, model_types: tuple[str, ...]) -> str | None:
    """Return which of `model_types` has the configuration class of `cls` as its own, or as that of a part of it."""
    config = _config_of(cls)
    own = (name for name in model_types if registries.config_class_name(name) == config)
    holders = (name for name in model_types if config and holds(registries.config_class(name), config))
    return next(own, None) or next(holders, None)


def _config_of(cls: SourceClass) -> str | None:
    """Return the name of the configuration class of `cls`, which it, or its nearest parent, names or annotates."""
    return next(
        (name for owner in cls.lineage for of in ("config_class", "config") if (name := owner.own_class_of(of))), None
    )


def _why_no_architecture(cls: SourceClass, owner: str | None) -> str | None:
    """Say why an exported model cannot be tried by itself; None where it can."""
    forward, definer = cls.method("forward"), cls.definer("forward")
    if owner is None:
        return f"no model type of its package has {_config_of(cls)} as its configuration"
    if forward is None or definer is None or definer.name != cls.name:
        return f"its forward is that of {definer and definer.name}"
    if demanded := cls.demanded("__init__")[1:]:
        return f"its constructor wants {', '.join(demanded)} beside a configuration"
    if named(cls.parameters("forward"), {}).get("cache") in asked_for(forward):
        return "its forward wants a cache that another model has filled"
    return None
