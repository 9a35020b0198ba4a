"""Which processor classes of transformers' registries can be built here, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hfci.catalog import read_row, registries
from hfci.catalog.requirements import absent_packages, needs
from hfci.errors import FOREIGN, StageError, in_one_line
from hfci.tiny.model import build_tiny
from hfci.tiny.processors.build import KINDS, VOCABULARY, Refused, build_kind
from hfci.tiny.processors.plan import Wanted
from hfci.tiny.processors.tokenizers import make_tokenizer

__all__ = ["Surveyed", "class_count", "survey"]


@dataclass(frozen=True)
class Surveyed:
    """A class of a kind, for how many rows of the registry it stands, and for which it was built, or `why` not."""

    kind: str
    name: str
    rows: int
    built_for: str | None
    why: str | None


def _classes() -> dict[tuple[str, str], list[str]]:
    """Return kind and class name → the keys of the registry that it stands for."""
    classes: dict[tuple[str, str], list[str]] = {}
    for kind in KINDS:
        for key, names in registries.processor_tables()[kind].items():
            for name in names:
                classes.setdefault((kind, name), []).append(key)
    return classes


def class_count() -> int:
    """Return how many classes `survey` yields."""
    return len(_classes())


def survey() -> Iterator[Surveyed]:
    """Yield each class of each kind, built for the first of its rows for which it can be.

    A row that is no model type, and one without a model that can be built here, has a tokenizer for no model.
    """
    for (kind, name), keys in _classes().items():
        why = None
        for key in keys:
            try:
                _build(kind, name, key)
            except FOREIGN as error:
                why = why or _reason(error)
            else:
                yield Surveyed(kind, name, len(keys), key, None)
                break
        else:
            yield Surveyed(kind, name, len(keys), None, why)


def _build(kind: str, name: str, key: str) -> None:
    is_model_type = key in registries.model_type_names() and read_row(key).base is not None
    try:
        tiny = build_tiny(key, vocabulary=VOCABULARY) if is_model_type else None
    except StageError:
        tiny = None
    if tiny is not None:
        build_kind(tiny, kind, name)
    elif kind == "tokenizer":
        import transformers

        make_tokenizer(getattr(transformers, name), Wanted())
    else:
        raise Refused("no model of its row can be built here that says how large it is to be")


def _reason(error: BaseException) -> str:
    absent = absent_packages(error)
    if absent:
        return needs(absent)
    return str(error) if isinstance(error, Refused) else in_one_line(error)
