"""The typed arguments of a processor class: their defaults, and those of them that a tiny configuration answers."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from hfci.tiny.inputs.context import look_up

__all__ = ["declared", "typed_arguments"]

# Said of one call, not of the object.
_OF_A_CALL = {"data_format", "input_data_format", "device", "return_tensors", "disable_grouping"}
# What a configuration calls otherwise.
_SPELLED = {
    "merge_size": "spatial_merge_size|merge_size",
    "temporal_patch_size": "temporal_patch_size|patch_temporal",
    "max_image_tiles": "max_num_tiles",
}


def typed_arguments(cls: type[Any]) -> dict[str, Any]:
    """Return the arguments that a `cls` may be made with → what it has by default.

    They are the keys of its `valid_kwargs`, and what its constructor names itself. A size is a plain dict of what it
    says. Raises what `cls()` raises.
    """
    usual = cls()
    known = getattr(cls, "valid_kwargs", None)
    names = dict.fromkeys(known.__annotations__ if known is not None else ())
    constructor = inspect.signature(cls.__init__).parameters.values()
    names |= dict.fromkeys(one.name for one in constructor if one.kind is one.POSITIONAL_OR_KEYWORD)
    return {name: _plain(getattr(usual, name, None)) for name in names if name != "self" and name not in _OF_A_CALL}


def _plain(value: Any) -> Any:
    """Return a size as a dict of the edges that it gives, anything else as it is."""
    if not dataclasses.is_dataclass(value):
        return value
    edges = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: edge for name, edge in edges.items() if edge is not None}


def declared(name: str, default: Any, *configs: Any) -> Any:
    """Return what the first of `configs` that knows says of an argument by its name, None where it says nothing.

    That is a number, numbers, the two edges of a size, or a word for a word; of a flag it says nothing, nor of a list
    for a number.
    """
    for config in configs:
        value = look_up(config, _SPELLED.get(name, name))
        if value is None or isinstance(value, bool) or isinstance(default, bool):
            continue
        if isinstance(value, str) or isinstance(default, str):
            if isinstance(value, str) and isinstance(default, str):
                return value
            continue
        edges = list(value) if isinstance(value, (list, tuple)) else [value, value]
        if isinstance(default, dict):
            if default.keys() == {"height", "width"} and all(isinstance(edge, int) for edge in edges):
                return {"height": edges[-2], "width": edges[-1]}
        elif isinstance(default, int):
            return edges[0]
        elif default is None or isinstance(default, (float, list, tuple)):
            return value
    return None
