"""What one model class gives back: the fields of its outputs, read off its forward."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hfci.catalog.aliases import field_aliases, named, words_of

__all__ = ["declared_outputs", "gives_tensor", "output_fields", "source_of"]

_RETURNED = re.compile(r"^\s+return (\w+)\(", re.MULTILINE)
_NAMED = re.compile(r"^\s+return (\w+)$", re.MULTILINE)
_PARENT_S = re.compile(r"^\s+return super\(\)\.forward\(", re.MULTILINE)


def output_fields(cls: type[Any]) -> dict[str, str]:
    """Return every name of the fields of the outputs of `cls` → how the output class spells it, in order.

    The outputs are those that forward's `return` statements make, or else those it declares, or else those it gives a
    name first; empty where they cannot be told. The statements come first because annotations are at times another
    class's, left over from a copy. So is one of logits on a class that hands on what the model within it gives, and
    cannot generate: it is the annotation of the class with the head. A forward that returns its parent's is that of its
    parent.
    """
    forward = _own_forward(cls)
    source = source_of(forward)
    returned = _dataclasses(forward.__globals__.get(name) for name in _RETURNED.findall(source))
    kinds = returned or _dataclasses(_declared(forward)) or _dataclasses(_named(forward, source))
    spelled = [field.name for kind in kinds for field in dataclasses.fields(kind)]
    aliases = {alias: name for kind in kinds for alias, name in field_aliases(kind).items()}
    fields = named(spelled, aliases)
    if not returned and {"logits", "cache"} <= fields.keys() and not cls.can_generate():
        head = {fields["logits"], fields.get("loss")}
        return named(["last_hidden_state", *(name for name in spelled if name not in head)], aliases)
    return fields


def declared_outputs(cls: type[Any]) -> tuple[str, ...]:
    """Return the words for the fields of the outputs of `cls`, the same in every release; empty where none can be told.

    They are what a manifest keeps of an architecture, so that a field lost from one release to the next is seen.
    """
    return words_of(output_fields(cls))


def gives_tensor(cls: type[Any]) -> bool:
    """Say whether the forward of `cls` declares to return a bare tensor."""
    return [getattr(kind, "__name__", "") for kind in _declared(inspect.unwrap(cls.forward))] == ["Tensor"]


def _dataclasses(kinds: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(kind for kind in kinds if dataclasses.is_dataclass(kind)))


def _named(forward: Callable[..., Any], source: str) -> Iterator[Any]:
    """Yield what makes the values that `forward`, whose source this is, returns by a name."""
    for name in _NAMED.findall(source):
        for maker in re.findall(rf"^\s+{name} = (\w+)\(", source, re.MULTILINE):
            yield forward.__globals__.get(maker)


def _own_forward(cls: type[Any]) -> Callable[..., Any]:
    """Return the forward of `cls`, or the first of its parents' that is no mere call of the one above it."""
    forwards: list[Callable[..., Any]] = [
        inspect.unwrap(vars(owner)["forward"]) for owner in cls.__mro__ if "forward" in vars(owner)
    ]
    return next(forward for forward in forwards if not _PARENT_S.search(source_of(forward)))


@functools.cache
def source_of(function: Callable[..., Any]) -> str:
    """Return the source of a function, whose end `inspect` finds by reading word for word."""
    return inspect.getsource(function)


def _declared(forward: Callable[..., Any]) -> tuple[Any, ...]:
    """Return the members of the union that `forward` declares to return."""
    try:
        declared = typing.get_type_hints(forward).get("return")
    except (NameError, TypeError):  # an annotation whose names its module imports for type checkers only
        return ()
    is_union = typing.get_origin(declared) in (typing.Union, types.UnionType)
    return typing.get_args(declared) if is_union else (declared,)
