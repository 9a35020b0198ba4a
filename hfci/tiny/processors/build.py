"""What stands before and behind a model: one of each kind that transformers' tables have for its model type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfci.catalog import read_row, registries
from hfci.catalog.requirements import absent_packages, needs
from hfci.errors import FOREIGN, in_one_line
from hfci.tiny.processors.bundle import build_processor
from hfci.tiny.processors.images import build_image_processor
from hfci.tiny.processors.sounds import build_feature_extractor
from hfci.tiny.processors.tokenizers import build_tokenizer
from hfci.tiny.processors.videos import build_video_processor

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["KINDS", "VOCABULARY", "Processors", "build_processors", "save_checkpoint"]

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


def build_processors(tiny: TinyModel) -> Processors:
    """Build one of each kind for `tiny`, of the first class in the table of its model type that can be built here."""
    built: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for kind in KINDS:
        for name in read_row(tiny.model_type).processors.get(kind, ()):
            try:
                cls = registries.find_class(tiny.model_type, name)
                built[kind] = _PARTS[kind](cls, tiny) if kind in _PARTS else build_processor(cls, built)
                refused.pop(kind, None)
                break
            except FOREIGN as error:
                absent = absent_packages(error)
                refused[kind] = f"{name} {needs(absent)}" if absent else f"{name}: {in_one_line(error)}"
    return Processors(**built, refused=refused)


def save_checkpoint(tiny: TinyModel, folder: str | Path) -> Processors:
    """Write `tiny` and its processors into `folder`, one checkpoint that `pipeline` loads; return the processors."""
    processors = build_processors(tiny)
    tiny.save(folder)
    processors.save(folder)
    return processors
