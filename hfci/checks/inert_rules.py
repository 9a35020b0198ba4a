"""The rules of `data/inert.toml`: which parameters rightly do nothing, or get no gradient. Read without torch."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from hfci.parsing import Pattern, Reason, Text, read_toml

__all__ = ["InertFile", "InertRule", "inert_rules"]


class InertRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `data/inert.toml`: which parameters, why, and which of the two proofs they must give.

    - `parameter`: a pattern of their whole names
    - `proof`: None accepts either
    - `beside`: the parameter that must exist too, written with the groups of `parameter`
    - `unfed`: arguments of the forward, none of which the tiny model may be fed
    - `stored`: a pattern of outputs that they may move, where the model keeps, without a gradient, what they make
    """

    name: Text
    why: Reason
    parameter: Pattern
    proof: Literal["any size", "small step"] | None
    beside: Text | None = None
    unfed: tuple[Text, ...] = ()
    stored: Pattern | None = None

    def holder(self, name: str) -> str:
        """Return what holds the parameters that choose together with `name`: the pattern's first group, `layers.0.`."""
        match = self.parameter.fullmatch(name)
        return match[1] if match is not None and match.re.groups else ""

    def matches(self, name: str, names: Collection[str], fed: Collection[str]) -> bool:
        """Tell whether the rule speaks of the parameter `name` of a model with the parameters `names`, `fed` these."""
        match = self.parameter.fullmatch(name)
        return (
            match is not None
            and (self.beside is None or match.expand(self.beside) in names)
            and not any(argument in fed for argument in self.unfed)
        )


class InertFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules that name parameters which rightly do nothing, or get no gradient."""

    schema: Literal[1]
    rule: tuple[InertRule, ...]


@cache
def inert_rules() -> tuple[InertRule, ...]:
    """Return the rows of `data/inert.toml`; UsageError where one is wrong."""
    return read_toml(files("hfci.checks") / "data" / "inert.toml", InertFile, "the rules of inert parameters").rule
