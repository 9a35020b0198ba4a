"""Which arguments of a processor do nothing, whatever else it is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfci.checks.processing import difference

__all__ = ["Asked", "differ", "inert"]

# Less than this is no effect: the same sums in another order.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Asked:
    """What is asked of a processor.

    - `others`: argument → values, each another than it has usually
    - `contexts`: what is told beside an argument, one after the other, as long as some do nothing
    - `ask`: what it gives, told some arguments: answers to several questions, or what each raises
    """

    others: Mapping[str, Sequence[Any]]
    contexts: Iterable[Mapping[str, Any]]
    ask: Callable[[Mapping[str, Any]], list[Any]]


def inert(asked: Asked, excepted: Collection[str]) -> set[str]:
    """Return the arguments that change nothing in any context; of `excepted` ones it is enough to leave the rest."""
    left = set(asked.others)
    for context in asked.contexts:
        usual = asked.ask(context)
        left -= {
            name
            for name in left - context.keys()
            if any(differ(usual, asked.ask({**context, name: other})) for other in asked.others[name])
        }
        if not left - set(excepted):
            break
    return left


def differ(first: Sequence[Any], second: Sequence[Any]) -> bool:
    """Tell whether any of several answers is another one."""
    for one, other in zip(first, second, strict=True):
        if isinstance(one, str) or isinstance(other, str):
            if one != other:
                return True
        elif difference(one, other, _ROUNDING):
            return True
    return False
