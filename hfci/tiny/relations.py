"""Relations between fields, `data/relations.toml`: what holds of a default configuration holds of the tiny one."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Set
from importlib.resources import files
from typing import Annotated, Any

from msgspec import Meta, Struct

from hfci.parsing import Names, read_toml

__all__ = ["RelationFile", "equals_another", "keep_relations"]

Data = dict[str, Any]

Formula = Annotated[
    str,
    Meta(pattern=r"^\w+( (\*|//|\+) \w+)*$", title="a formula such as 'hidden_size // num_attention_heads'"),
]


class _Relation(Struct, frozen=True, forbid_unknown_fields=True):
    targets: Names
    equals: Formula


class RelationFile(Struct, frozen=True, forbid_unknown_fields=True):
    """What `data/relations.toml` holds: each of the fields `targets` equals a formula of other fields."""

    relation: tuple[_Relation, ...]


@functools.cache
def _relations() -> tuple[tuple[str, str], ...]:
    path = files("hfci.tiny") / "data" / "relations.toml"
    rows = read_toml(path, RelationFile, "the relations").relation
    return tuple((target, row.equals) for row in rows for target in row.targets)


_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "*": operator.mul,
    "//": operator.floordiv,
    "+": operator.add,
}


def keep_relations(node: Data, default: Data, fixed: Set[str] = frozenset()) -> None:
    """Make every relation that holds in `default` hold in `node`; rope sections fill their share of a head again.

    The fields that are `fixed` stay as they are in `node`.
    """
    for target, formula in _relations():
        if target in fixed:
            continue
        before = _evaluated(formula, default)
        if before is not None and default.get(target) == before:
            after = _evaluated(formula, node)
            if after:
                node[target] = after
    for holder, original in ((node, default), *_rope_parameters(node, default)):
        section = original.get("mrope_section")
        if isinstance(section, list) and section and _head_dim(node):
            holder["mrope_section"] = _scaled_section(section, node, default)


def equals_another(name: str, data: Mapping[str, Any]) -> bool:
    """Tell whether a field equals another one in `data`, as a relation says that it may."""
    return any(target == name and formula in data and data[formula] == data[name] for target, formula in _relations())


def _rope_parameters(node: Data, default: Data) -> Iterator[tuple[Data, Data]]:
    for name in ("rope_parameters", "rope_scaling"):
        if isinstance(default.get(name), dict) and isinstance(node.get(name), dict):
            yield node[name], default[name]


def _head_dim(data: Data) -> int:
    if isinstance(data.get("head_dim"), int) and data["head_dim"]:
        return int(data["head_dim"])
    if data.get("hidden_size") and data.get("num_attention_heads"):
        return int(data["hidden_size"] // data["num_attention_heads"])
    return 0


def _scaled_section(section: list[int], node: Data, default: Data) -> list[int]:
    share = sum(section) / max(1, _head_dim(default))
    total = max(len(section), round(share * _head_dim(node)))
    scaled = [max(1, math.floor(part * total / sum(section))) for part in section]
    scaled[0] += total - sum(scaled)
    return scaled


def _evaluated(formula: str, data: Data) -> int | None:
    """Evaluate a formula of field names, left to right, `a * b // c`; None where a field is missing or no number."""
    result: int | None = None
    operation = "*"
    for word in formula.split():
        if word in _OPERATIONS:
            operation = word
            continue
        value = int(word) if word.isdigit() else data.get(word)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not value:
            return None
        result = int(value) if result is None else int(_OPERATIONS[operation](result, value))
    return result
