"""Rules over facts: to which architectures a family or a check belongs.

A fact is a short string, `kind:value`, so that a rule is lists of strings in a data file (`hfci.catalog.facts` has the
kinds that a class has by itself).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import ClassVar

import msgspec

from hfci.errors import nearest

__all__ = ["KINDS", "Rule"]

# Kind of fact → what it says of an architecture; {} is the value.
KINDS = {
    "input": "its forward takes the modality {}",
    "param": "its forward has a parameter that answers to {}",
    "output": "its outputs declare the field {}",
    "table": "it stands in the auto table {}",
    "type-table": "a class of its model type stands in the auto table {}",
    "any-model": "its configuration has a part {} that may be any model",
    "flag": "its class says {}",
    "config": "its configuration class says {}",
    "family": "it is of the family {}",
    "processor": "transformers has a processor of its model type of the kind {}",
}


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule: every fact of `all` holds, at least one of `any` if there are some, and not one of `none`.

    Rules that are asked of more than what the catalog knows have `kinds` of their own.
    """

    kinds: ClassVar[Mapping[str, str]] = KINDS

    all: frozenset[str] = frozenset()
    any: frozenset[str] = frozenset()
    none: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raise ValueError for a fact of no known kind."""
        for fact in sorted(self.all | self.any | self.none):
            kind, _, value = fact.partition(":")
            if kind not in self.kinds or not value:
                kinds = ", ".join(self.kinds)
                raise ValueError(f"no fact {fact!r}: facts are KIND:VALUE of {kinds}.{nearest(kind, self.kinds)}")

    def holds(self, facts: Set[str]) -> bool:
        """Say whether `facts` satisfy the rule."""
        return self.all <= facts and not self.none & facts and (not self.any or bool(self.any & facts))
