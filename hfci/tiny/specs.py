"""Inputs that a recipe spells out: plain values, and tables as `{ shape = [1, "hidden_size"], values = "normal" }`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hfci.parsing import Text

__all__ = ["OMITTED", "Input", "Shown", "Spec"]

# What a model that sees both is shown beside its text.
Shown = Literal["image", "video"]

# The plain value that says not to feed a parameter.
OMITTED = "omit"

# A number, or what it is in the configuration: a field (`a|b` for the first that is there), products and quotients of
# them (`a * 2`), or `length`, of the text that was made before.
Number = Annotated[int | Text, Meta(title="a number, or a field of the configuration")]


class Spec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How one row of an input is made, in one of five ways.

    - `shape`: a tensor of this shape, its first dimension one row long, of `values`: `integers` are from `low` to below
      `high`, `full` is of `high`
    - `data`: a tensor of this nested list, in which `token` is an ordinary token, another one in each row; `dtype` of
      these two, where it is not the usual one
    - `each`: a list of these; `named`: a mapping of these
    - `where`: an input made before; whether it `equals` that
    - `rows`: the dimension along which rows stand one behind the other
    - `step`: how much higher every row is than the one before it, as indices into what all rows have together are
    """

    shape: tuple[Number, ...] | None = None
    values: Literal["normal", "uniform", "ones", "zeros", "range", "full", "integers"] = "normal"
    low: Number = 0
    high: Number = 2
    data: list[Any] | None = None
    dtype: Literal["float", "int", "bool"] | None = None
    each: tuple[Input, ...] | None = None
    named: Mapping[str, Input] | None = None
    where: Text | None = None
    equals: Number | None = None
    rows: Annotated[int, Meta(ge=0, title="a dimension")] = 0
    step: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError where it does not say one way."""
        ways = ("shape", "data", "each", "named", "where")
        if sum(getattr(self, way) is not None for way in ways) != 1:
            raise ValueError(f"an input is made in one way: {', '.join(ways)}")
        if (self.where is None) != (self.equals is None):
            raise ValueError("`where` names an input, and `equals` what it is compared with")


Input = Spec | bool | int | float | str
