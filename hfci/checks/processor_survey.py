"""What can be built here of the processor classes that transformers' tables name, and is the same once loaded."""

from __future__ import annotations

import contextlib
import importlib.metadata
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, get_args

import msgspec
import transformers

from hfci.catalog import read_row, registries
from hfci.catalog.processor_names import named_in_source
from hfci.catalog.requirements import absent_packages, is_absent, needs
from hfci.checks.processors import differences
from hfci.errors import FOREIGN, StageError, in_one_line
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.processors import KINDS, VOCABULARY, Refused
from hfci.tiny.processors.build import build_kind
from hfci.tiny.processors.plan import Wanted
from hfci.tiny.processors.tokenizers import make_tokenizer

__all__ = ["ENDINGS", "Survey", "Surveyed", "processor_classes", "survey"]

# The same once it is saved and loaded; built, and another then; wants a package; cannot be built here.
Ending = Literal["same", "another", "unavailable", "refused"]
ENDINGS: tuple[Ending, ...] = get_args(Ending)
# What the class is called that stands in, with a word of warning, for one that wants torchvision.
_FALLEN_BACK = "Pil"
# What stands behind the reason of another error, and says that each time anew.
_LONGEST = 200


class Surveyed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class of a kind, the keys of the table that it stands for, for which it was built, and how that ended.

    `why` is empty where it ended well.
    """

    kind: str
    name: str
    keys: tuple[str, ...]
    ending: Ending
    built_for: str | None = None
    why: str = ""


def _packages() -> dict[str, str]:
    """Return the versions of the installed packages without which transformers lacks something."""
    asked = (re.fullmatch(r"is_(\w+)_available", name) for name in dir(transformers.utils))
    names = sorted(match[1] for match in asked if match)
    found: dict[str, str] = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


class Survey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every class, and the versions of transformers and of the optional packages with which it was asked."""

    schema: Literal[2] = 2
    transformers: str = msgspec.field(default_factory=registries.transformers_version)
    packages: dict[str, str] = msgspec.field(default_factory=_packages)
    classes: tuple[Surveyed, ...]


def processor_classes(among: Collection[str] | None = None) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return kind and name of each class that a table names, or would with other packages → its keys, those first that
    have it here; of the keys only those `among` these, and of the classes those that have any.
    """
    classes: dict[tuple[str, str], dict[str, None]] = {}
    for kind in KINDS:
        here = ((name, key) for key, names in registries.processor_tables()[kind].items() for name in names)
        elsewhere = ((name, key) for name, keys in named_in_source(kind).items() for key in keys)
        for name, key in (*here, *elsewhere):
            if among is None or key in among:
                classes.setdefault((kind, name), {})[key] = None
    return {which: tuple(keys) for which, keys in classes.items()}


def survey(classes: Mapping[tuple[str, str], tuple[str, ...]]) -> Iterator[Surveyed]:
    """Yield each of `classes`, built for the first of its keys for which it can be, saved and loaded.

    For a key that is no model type, and one without a model that can be built here, a tokenizer is made for no model.
    """
    for (kind, name), keys in classes.items():
        yield _surveyed(kind, name, keys)


def _surveyed(kind: str, name: str, keys: tuple[str, ...]) -> Surveyed:
    failed: Surveyed | None = None
    for key in keys:
        if name not in registries.processor_tables()[kind].get(key, ()):
            lacking = tuple(filter(is_absent, named_in_source(kind)[name].get(key, ())))
            failed = failed or Surveyed(kind, name, keys, "unavailable", why=needs(lacking))
            continue
        try:
            tiny = _tiny(key)
            one = _build(tiny, kind, name)
        except FOREIGN as error:
            absent = sorted(absent_packages(error))
            why = needs(absent) if absent else _said(error)
            failed = failed or Surveyed(kind, name, keys, "unavailable" if absent else "refused", why=why)
            continue
        wrong = _once_loaded(one, None if isinstance(tiny, StageError) else tiny)
        return Surveyed(kind, name, keys, "another" if wrong else "same", key, wrong)
    assert failed is not None, f"{name} has no key"
    return failed


def _tiny(key: str) -> TinyModel | StageError | None:
    """Return the model of a key, what keeps it from being built here, or None where there is none to build."""
    if key not in registries.model_type_names() or read_row(key).base is None:
        return None
    try:
        return build_tiny(key, vocabulary=VOCABULARY)
    except StageError as error:
        return error


def _build(tiny: TinyModel | StageError | None, kind: str, name: str) -> Any:
    """Build one; raises what keeps it from that, or Refused."""
    if isinstance(tiny, TinyModel):
        one = build_kind(tiny, kind, name)
    elif kind == "tokenizer":
        one = make_tokenizer(getattr(transformers, name), Wanted())
    else:
        raise Refused("no model of its row can be built here that says how large it is to be") from tiny
    if type(one).__name__ == f"{name}{_FALLEN_BACK}":
        raise ModuleNotFoundError(f"{name} falls back to PIL", name="torchvision")
    return one


def _once_loaded(one: Any, tiny: TinyModel | None) -> str:
    """Return where one is another once its own class loads what it saved, the first place; empty where it is not."""
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        try:
            one.save_pretrained(folder)
            if tiny is not None:
                tiny.config.save_pretrained(folder)
            again = type(one).from_pretrained(folder)
        except FOREIGN as error:
            return _said(error)
        return next(iter(differences(one, again)), "")[:_LONGEST]


def _said(error: BaseException) -> str:
    return (str(error) if isinstance(error, Refused) else in_one_line(error))[:_LONGEST]
