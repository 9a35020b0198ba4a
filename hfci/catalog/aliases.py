"""The other names of arguments and output fields: what a class means, however one release of transformers spells it.

Names are a dict: every name that an argument or a field answers to → how the installed release spells it. They are
transformers' own aliases, of `deprecate_kwarg` and of `ModelOutput`'s properties, and the words of `data/aliases.toml`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

import msgspec

from hfci.catalog.registries import quiet
from hfci.parsing import Names, Reason, Text, read_toml

__all__ = ["AliasFile", "argument_aliases", "field_aliases", "named", "spellings", "word_by_spelling", "words_of"]


def named(spelled: Iterable[str], aliases: Mapping[str, str]) -> dict[str, str]:
    """Return the names of what is `spelled` so: the spellings themselves first, then `aliases` and hfci's own words.

    What an alias stands for that is not there (`**kwargs` may take it) has no name.
    """
    names = {name: name for name in spelled}
    for alias, name in aliases.items():
        if name.partition(".")[0] in names:
            names.setdefault(alias, name)
    for word, spellings in _words().items():
        known = next((names[spelling] for spelling in spellings if spelling in names), None)
        if known is not None:
            names.setdefault(word, known)
    return names


def words_of(names: Mapping[str, str]) -> tuple[str, ...]:
    """Return one word for each thing in `names`, in their order, the same in every release that has it."""
    return tuple(word_by_spelling(names).values())


def word_by_spelling(names: Mapping[str, str]) -> dict[str, str]:
    """Return spelling → word of each thing in `names`, in their order.

    The word is hfci's if there is one, else the first alias, which is the name of the releases before, else the name.
    """
    others: dict[str, list[str]] = {}
    for name, answered in names.items():
        spelled = name if "." in answered else answered  # what is a part now was a field of its own before
        others.setdefault(spelled, []).extend([name] if name != spelled else [])
    return {
        spelled: next((name for name in (spelled, *aliases) if name in _words()), next(iter(aliases), spelled))
        for spelled, aliases in others.items()
    }


def argument_aliases(function: Any) -> dict[str, str]:
    """Return deprecated name → name of the arguments of `function`, as its `deprecate_kwarg`s declare them."""
    from transformers.utils.deprecation import deprecate_kwarg

    aliases: dict[str, str] = {}
    while function is not None:
        if getattr(function, "__globals__", None) is deprecate_kwarg.__globals__:  # `wraps` leaves these as they are
            held = dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))
            old, new = held["old_name"].cell_contents, held["new_name"].cell_contents
            if new is not None:  # else it is deprecated, and nothing takes its place
                aliases = {alias: new if name == old else name for alias, name in aliases.items()} | {old: new}
        function = getattr(function, "__wrapped__", None)
    return aliases


@functools.cache
def field_aliases(kind: Any) -> dict[str, str]:
    """Return other name → field of the output class `kind`: its properties that give a field or a part of one.

    A part is dotted: `image_outputs.pooler_output`.
    """
    instance = kind.__new__(kind)
    held = {field.name: _Held(field.name) for field in dataclasses.fields(kind)}
    for name, value in held.items():
        object.__setattr__(instance, name, value)
    properties = {
        name: member
        for owner in kind.__mro__
        for name, member in vars(owner).items()
        if isinstance(member, property) and name not in held
    }
    aliases: dict[str, str] = {}
    for alias, member in properties.items():
        try:
            with quiet():
                result = member.fget(instance) if member.fget else None
        except Exception:  # noqa: S112 -- what computes on its fields, or has none here to give, is no alias of one
            continue
        if isinstance(result, _Held):
            aliases[alias] = result.place
    return aliases


def spellings() -> dict[str, str]:
    """Return spelling → word of all that `data/aliases.toml` names."""
    return {spelling: word for word, named in _words().items() for spelling in named}


class _Held:
    """What a field holds, or a part of that: it knows its `place`, and nothing else."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __getattr__(self, name: str) -> _Held:
        return _Held(f"{self.place}.{name}")


class _Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    word: Text
    spelled: Names
    reason: Reason


class AliasFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `data/aliases.toml` holds: words, the spellings that mean each, and why that has to be said."""

    alias: tuple[_Alias, ...]


@functools.cache
def _words() -> dict[str, tuple[str, ...]]:
    path = files("hfci.catalog") / "data" / "aliases.toml"
    return {row.word: row.spelled for row in read_toml(path, AliasFile, "the aliases").alias}
