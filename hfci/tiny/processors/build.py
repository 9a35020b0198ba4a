"""What stands before and behind a model: one of each kind that transformers' tables have for its model type."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfci.catalog import read_row, registries
from hfci.catalog.requirements import absent_packages, needs
from hfci.errors import FOREIGN, HfciError, in_one_line
from hfci.tiny.processors.bundle import build_processor
from hfci.tiny.processors.images import build_image_processor
from hfci.tiny.processors.sounds import build_feature_extractor
from hfci.tiny.processors.tokenizers import build_tokenizer
from hfci.tiny.processors.videos import build_video_processor

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["KINDS", "VOCABULARY", "Processors", "Refused", "build_part", "build_processors", "save_checkpoint"]

# Tokens of a tiny model that is to read what a real tokenizer gives: all bytes, the special ones and some words.
VOCABULARY = 512

# Kind, as transformers' tables name it → what makes one of a class for a tiny model.
_PARTS: Mapping[str, Callable[[type[Any], TinyModel], Any]] = {
    "tokenizer": build_tokenizer,
    "image_processor": build_image_processor,
    "video_processor": build_video_processor,
    "feature_extractor": build_feature_extractor,
}
KINDS = (*_PARTS, "processor")


@dataclass(frozen=True)
class Processors:
    """The objects themselves; None of a kind that the model type has none of, or whose every class is `refused`.

    `processor` bundles the others. `refused` says of a kind why none can be made here.
    """

    tokenizer: Any = None
    image_processor: Any = None
    video_processor: Any = None
    feature_extractor: Any = None
    processor: Any = None
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, Any]:
        """Kind → object, of those that there are, without the one that bundles them."""
        return {kind: part for kind in _PARTS if (part := getattr(self, kind)) is not None}

    def save(self, folder: str | Path) -> None:
        """Write into `folder` what `AutoProcessor`, `AutoTokenizer` and the other auto classes load."""
        for one in self.parts.values() if self.processor is None else (self.processor,):
            one.save_pretrained(folder)


class Refused(HfciError):
    """No class that transformers' tables have of a kind can be built here; the message says why."""


def build_processors(tiny: TinyModel) -> Processors:
    """Build one of each kind for `tiny`, of the first class in the table of its model type that can be built here."""
    built: dict[str, Any] = {}
    refused: dict[str, str] = {}
    bundling = functools.partial(build_processor, parts=built)
    for kind in KINDS:
        try:
            one = build_part(tiny, kind) if kind in _PARTS else _first(tiny, kind, bundling)
        except Refused as error:
            refused[kind] = str(error)
        else:
            built |= {kind: one} if one is not None else {}
    return Processors(**built, refused=refused)


def build_part(tiny: TinyModel, kind: str) -> Any:
    """Build one of a kind for `tiny`, which is none of those that bundle others; None where the tables have none.

    Raises Refused.
    """
    return _first(tiny, kind, lambda cls: _PARTS[kind](cls, tiny))


def _first(tiny: TinyModel, kind: str, build: Callable[[type[Any]], Any]) -> Any:
    """Build one of the first class of a kind that can be built here; None where there is no such class."""
    names = read_row(tiny.model_type).processors.get(kind, ())
    for name in names:
        try:
            return build(registries.find_class(tiny.model_type, name))
        except FOREIGN as error:
            absent = absent_packages(error)
            failed = error
            why = f"{name} {needs(absent)}" if absent else f"{name}: {in_one_line(error)}"
    if names:
        raise Refused(why) from failed
    if lacking := registries.backends_without_class(kind, tiny.model_type):
        raise Refused(f"its {kind} {needs(lacking)}")
    return None


def save_checkpoint(tiny: TinyModel, folder: str | Path) -> Processors:
    """Write `tiny` and its processors into `folder`, one checkpoint that `pipeline` loads; return the processors."""
    processors = build_processors(tiny)
    tiny.save(folder)
    processors.save(folder)
    return processors
