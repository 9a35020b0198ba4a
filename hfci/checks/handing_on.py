"""Does a model hand its arguments on to the models within it?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import PreTrainedModel

from hfci.catalog.facts import entry_point, signature_of
from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import names_excepted
from hfci.checks.running import seeded

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["arguments_are_handed_on"]

# What a decorator of transformers takes in its own hands, or what says what is to be returned, or a head's own labels.
_OF_OUTPUTS = ("output_", "return_", "labels")


class _Arrived(Exception):
    """What was given came to a model within."""


def arguments_are_handed_on(tiny: TinyModel) -> None:
    """Assert that each argument which a model within, that it calls, takes by the same name comes to one of these.

    It is given a thing that is nothing that could be computed with: a forward that does so before, or refuses it,
    stops, which says nothing. Where an exception says that it keeps an argument to itself, that must come to none.

    Raises `NotApplicable` where it calls no model that takes an argument of a name that it takes.
    """
    names = _shared(tiny)
    if not names:
        raise NotApplicable("it calls no model within it that takes an argument by a name that it takes")
    kept = names_excepted(tiny, "arguments_are_handed_on", "kept")
    lost = [name for name in names if not _arrives(tiny, name)]
    problems = [f"{name} comes to no model within it, one of which takes it" for name in lost if name not in kept]
    problems += [f"an exception says that it keeps {name}, which it hands on" for name in kept if name not in lost]
    if problems:
        raise AssertionError("; ".join(problems))


def _shared(tiny: TinyModel) -> list[str]:
    """Return the arguments that it takes, and one of the models that it calls."""
    called: set[str] = set()

    def note(module: nn.Module, *_: Any) -> None:
        called.update(_named(type(module)))

    with _watched(tiny, note), torch.no_grad(), seeded(tiny):
        tiny.forward(tiny.inputs())
    return [name for name in _named(type(tiny.model)) if name in called and not name.startswith(_OF_OUTPUTS)]


def _named(cls: type[Any]) -> list[str]:
    """Return the arguments of the class's forward that have a name."""
    parameters = signature_of(entry_point(cls)).parameters.values()
    return [each.name for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)][1:]


def _arrives(tiny: TinyModel, name: str) -> bool:
    """Tell whether what is given by that name comes to a model within, or nobody can tell."""
    given = object()

    def look(_: nn.Module, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
        if any(value is given for value in (*positional, *named.values())):
            raise _Arrived

    with _watched(tiny, look), torch.no_grad(), seeded(tiny):
        try:
            tiny.model(**tiny.inputs() | {name: given})
        except Exception:
            return True
    return False


@contextmanager
def _watched(tiny: TinyModel, look: Any) -> Iterator[None]:
    """Have `look` see what each model within it is called with."""
    within = [module for module in tiny.model.modules() if isinstance(module, PreTrainedModel)][1:]
    handles = [module.register_forward_pre_hook(look, with_kwargs=True) for module in within]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
