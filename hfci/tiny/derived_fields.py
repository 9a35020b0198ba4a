"""What a configuration computes of itself: the number of its stages from their list, a head's size from its halves.

Such a field stands in the configuration's `to_dict()` as any other does, and would keep its old value if handed back;
left out, or None where its class fills it then, it is computed anew from the other fields.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from typing import Any

from hfci.catalog import registries

__all__ = ["drop_computed", "filled_in"]

# No sizes: what picks outputs by layer is moved with the layers, labels are whatever the configuration says.
_NO_SIZES = ("out_indices", "num_classes", "label_names")


def drop_computed(node: dict[str, Any]) -> None:
    """Remove from `node`, a configuration as plain data, the numbers that its class does not take but computes."""
    taken = _fields(str(node.get("model_type", "")), frozenset(node))
    if taken is None:
        return
    for name in [name for name, value in node.items() if name not in taken and _is_size(name, value)]:
        del node[name]


def filled_in(config: Any) -> frozenset[str]:
    """Return the fields that are None by default, and that the class fills, where they are, with what they are here.

    The kinds of layers that follow from their number and from a window, the heads of keys that are those of queries.
    """
    cls, data = type(config), config.to_dict()
    declared = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    optional = {each.name for each in declared if each.default is None and data.get(each.name) is not None}
    alone = {name for name in optional if name in _come_back(cls, data, {name})}
    return frozenset(_come_back(cls, data, alone))


def _come_back(cls: type[Any], data: dict[str, Any], names: set[str]) -> set[str]:
    """Return those of `names` that have their old value in a configuration made with None for all of them."""
    try:
        now = cls.from_dict({**copy.deepcopy(data), **dict.fromkeys(names)}).to_dict()
    except Exception:  # whatever a class says of a None that it does not take
        return set()
    return {name for name in names if now.get(name) == data[name]}


def _is_size(name: str, value: Any) -> bool:
    if name in _NO_SIZES or name.endswith("_token_id"):
        return False
    numbers = value if isinstance(value, (list, tuple)) else [value]
    flat = [item for number in numbers for item in (number if isinstance(number, (list, tuple)) else [number])]
    return all(isinstance(number, int) and not isinstance(number, bool) for number in flat)


@functools.cache
def _fields(model_type: str, present: frozenset[str]) -> frozenset[str] | None:
    if model_type not in registries.model_type_names():
        return None
    cls = registries.config_class(model_type)
    # A part may go by the name of its whole (pp_formulanet's before 5.20), whose parts it does not have.
    if not dataclasses.is_dataclass(cls) or not present.issuperset(getattr(cls, "sub_configs", {})):
        return None
    names = {field.name for field in dataclasses.fields(cls)}
    aliases: dict[str, str] = getattr(cls, "attribute_map", {})
    other_names = {real for alias, real in aliases.items() if alias in names} | aliases.keys()
    # a property that can be set hands its value on to the parts
    handed_on = {name for name in dir(cls) if getattr(inspect.getattr_static(cls, name), "fset", None)}
    return frozenset(names | other_names | handed_on)
