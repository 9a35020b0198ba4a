"""What a configuration computes of itself: the number of its stages from their list, a head's size from its halves.

Such a field stands in the configuration's `to_dict()` as any other does, and would keep its old value if handed back;
left out, it is computed anew from the tiny sizes.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any

from hfci.catalog import registries

__all__ = ["drop_computed"]

# No sizes: what picks outputs by layer is moved with the layers, labels are whatever the configuration says.
_NO_SIZES = ("out_indices", "num_classes", "label_names")


def drop_computed(node: dict[str, Any]) -> None:
    """Remove from `node`, a configuration as plain data, the numbers that its class does not take but computes."""
    taken = _fields(str(node.get("model_type", "")), frozenset(node))
    if taken is None:
        return
    for name in [name for name, value in node.items() if name not in taken and _is_size(name, value)]:
        del node[name]


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
