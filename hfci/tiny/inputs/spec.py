"""Inputs made as a recipe spells them out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch

from hfci.errors import UsageError
from hfci.tiny.inputs.context import Context
from hfci.tiny.inputs.text import ordinary_tokens
from hfci.tiny.specs import Input, Spec

__all__ = ["from_spec"]

_DTYPES = {"int": torch.long, "bool": torch.bool, "float": torch.float32}


def from_spec(name: str, spec: Input, context: Context) -> Any:
    """Return the value that a recipe's `inputs.NAME` describes, with its first dimension one row long.

    A plain value is handed on as it is. Raises UsageError for a number that the configuration does not have.
    """
    if not isinstance(spec, Spec):
        return spec
    if spec.each is not None:
        return [from_spec(f"{name}.{place}", part, context) for place, part in enumerate(spec.each)]
    if spec.named is not None:
        return {key: from_spec(f"{name}.{key}", part, context) for key, part in spec.named.items()}
    if spec.where is not None:
        return context.made[spec.where] == _number(spec.equals, context, name)
    if spec.data is not None:
        return torch.tensor(_with_tokens(spec.data, _tokens(name, context)), dtype=_DTYPES[spec.dtype or "int"])
    shape = [_number(size, context, name) for size in spec.shape or ()]
    low, high = (_number(limit, context, name) for limit in (spec.low, spec.high))
    makers = {
        "normal": lambda: context.normal(name, *shape),
        "uniform": lambda: context.uniform(name, *shape),
        "ones": lambda: torch.ones(shape),
        "zeros": lambda: torch.zeros(shape),
        "full": lambda: torch.full(shape, high),
        "range": lambda: torch.arange(shape[-1]).expand(shape),
        "integers": lambda: context.integers(name, low, high, *shape),
    }
    value = makers[spec.values]()
    return value if spec.dtype is None else value.to(_DTYPES[spec.dtype])


def _tokens(name: str, context: Context) -> Iterator[int]:
    """Yield ordinary tokens of the row's own."""
    allowed = ordinary_tokens(context)
    for place in itertools.count():
        yield allowed[int(context.integers(f"{name}.{place}", 0, len(allowed), 1))]


def _with_tokens(data: Any, tokens: Iterator[int]) -> Any:
    """Return `data` with one of `tokens` in each place where it says `token`."""
    if isinstance(data, list):
        return [_with_tokens(item, tokens) for item in data]
    return next(tokens) if data == "token" else data


def _number(size: Any, context: Context, name: str) -> int:
    if isinstance(size, int) or size.isdigit():
        return int(size)
    left, operation, right = size.rpartition(" * ") if " * " in size else size.rpartition(" // ")
    if operation:
        first, second = _number(left, context, name), _number(right, context, name)
        return first * second if operation == " * " else first // second
    if size == "length":
        return int(context.made["input_ids"].shape[1])
    number = context.find(size)
    if not isinstance(number, int):
        raise UsageError(f"recipe input {name}: the configuration has no number {size!r}")
    return number
