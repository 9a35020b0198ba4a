"""Inputs that a recipe spells out: `{ shape = [1, "hidden_size"], values = "normal" }`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from hfci.errors import UsageError
from hfci.tiny.inputs.context import Context

__all__ = ["from_spec"]

_DTYPES = {"int": torch.long, "bool": torch.bool, "float": torch.float32}


def from_spec(name: str, spec: Any, context: Context) -> Any:
    """Return the value that a recipe's `inputs.NAME` describes, with its first dimension one row long.

    A spec is a plain value, handed on as it is, or a table: `shape` of numbers and configuration fields (`a|b`, or
    products and quotients of them, `a * 2`), `values` one of `normal`, `uniform`, `ones`, `zeros`, `range`, `full` (of
    `high`), `integers` (from `low` to below `high`, numbers or fields), `data` the literal nested list, with `dtype`
    `float`, `int` or `bool`. Rows stand one behind the other along dimension `rows`, 0 where it is not given; with
    `step`, every row is so much higher than the one before it: indices into what all rows have together. A table of
    `each` is a list of specs, one of `named` a mapping of them; one of `where`, an input made before, is true where
    that `equals` a number or field.
    Raises UsageError for anything else.
    """
    if not isinstance(spec, Mapping):
        return spec
    if "each" in spec:
        return [from_spec(f"{name}.{place}", part, context) for place, part in enumerate(spec["each"])]
    if "named" in spec:
        return {key: from_spec(f"{name}.{key}", part, context) for key, part in spec["named"].items()}
    if "where" in spec:
        return context.made[spec["where"]] == _number(spec["equals"], context, name)
    if "data" in spec:
        return torch.tensor(spec["data"], dtype=_DTYPES[spec.get("dtype", "int")])
    shape = [_number(size, context, name) for size in spec["shape"]]
    values = spec.get("values", "normal")
    high = _number(spec.get("high", 2), context, name)
    low = _number(spec.get("low", 0), context, name)
    makers = {
        "normal": lambda: context.normal(name, *shape),
        "uniform": lambda: context.uniform(name, *shape),
        "ones": lambda: torch.ones(shape),
        "zeros": lambda: torch.zeros(shape),
        "full": lambda: torch.full(shape, high),
        "range": lambda: torch.arange(shape[-1]).expand(shape),
        "integers": lambda: context.integers(name, low, high, *shape),
    }
    if values not in makers:
        raise UsageError(f"recipe input {name}: values = {values!r} is none of {', '.join(makers)}")
    made = makers[values]()
    return made.to(_DTYPES[spec["dtype"]]) if "dtype" in spec else made


def _number(size: Any, context: Context, name: str) -> int:
    if isinstance(size, int) or size.isdigit():
        return int(size)
    left, operation, right = size.rpartition(" * ") if " * " in size else size.rpartition(" // ")
    if operation:
        first, second = _number(left, context, name), _number(right, context, name)
        return first * second if operation == " * " else first // second
    if size == "length":
        return int(context.made["input_ids"].shape[1])
    found = context.find(size)
    if not isinstance(found, int):
        raise UsageError(f"recipe input {name}: the configuration has no number {size!r}")
    return found
