"""What stands before and behind a model: one of each kind that transformers' tables have for its model type."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfci.catalog import read_row, registries
from hfci.catalog.documented import documented_processors
from hfci.catalog.requirements import absent_packages, is_absent, needs
from hfci.errors import FOREIGN, HfciError, in_one_line
from hfci.tiny.inputs.context import configs
from hfci.tiny.processors.bundle import build_processor, kind_of
from hfci.tiny.processors.images import build_image_processor
from hfci.tiny.processors.plan import Wanted
from hfci.tiny.processors.sounds import build_feature_extractor
from hfci.tiny.processors.tokenizers import build_tokenizer, make_tokenizer
from hfci.tiny.processors.videos import build_video_processor

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = [
    "KINDS",
    "VOCABULARY",
    "Processors",
    "Refused",
    "build_kind",
    "build_part",
    "build_processors",
    "class_names",
    "save_checkpoint",
]

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


class Refused(HfciError):
    """No class that transformers' tables have of a kind can be built here; the message says why."""


@dataclass(frozen=True)
class Processors:
    """The objects themselves; None of a kind that the model type has none of, or whose every class is `refused`.

    `processor` bundles the others. `errors` has of a kind what kept its classes from being built here.
    """

    tokenizer: Any = None
    image_processor: Any = None
    video_processor: Any = None
    feature_extractor: Any = None
    processor: Any = None
    errors: Mapping[str, Refused] = field(default_factory=dict)

    @property
    def refused(self) -> dict[str, str]:
        """Kind → why none of its classes can be built here."""
        return {kind: str(error) for kind, error in self.errors.items()}

    @property
    def parts(self) -> dict[str, Any]:
        """Kind → object, of those that there are, without the one that bundles them."""
        return {kind: part for kind in _PARTS if (part := getattr(self, kind)) is not None}

    def save(self, folder: str | Path) -> None:
        """Write into `folder` what `AutoProcessor`, `AutoTokenizer` and the other auto classes load."""
        for one in self.parts.values() if self.processor is None else (self.processor,):
            one.save_pretrained(folder)


def build_processors(tiny: TinyModel) -> Processors:
    """Build one of each kind for `tiny`, of the first of the classes for its model type that can be built here."""
    built: dict[str, Any] = {}
    errors: dict[str, Refused] = {}

    def part(attribute: str, is_only: bool) -> Any:
        kind = kind_of(attribute)
        if kind not in built:
            error = errors.get(kind)
            why = error or "transformers names none for its model type"
            raise ValueError(f"it holds a {kind}, and {why}") from error
        return built[kind] if is_only or attribute == kind else _other(attribute, kind, tiny)

    def bundled(cls: type[Any]) -> Any:
        return build_processor(cls, tiny, part)

    for kind in KINDS:
        try:
            one = build_part(tiny, kind) if kind in _PARTS else _first(tiny, kind, bundled)
        except Refused as error:
            errors[kind] = error
        else:
            built |= {kind: one} if one is not None else {}
    return Processors(**built, errors=errors)


def build_part(tiny: TinyModel, kind: str) -> Any:
    """Build one of a kind for `tiny`, which is none of those that bundle others; None where there is no class for it.

    Raises Refused.
    """
    return _first(tiny, kind, lambda cls: _PARTS[kind](cls, tiny))


def build_kind(tiny: TinyModel, kind: str, name: str) -> Any:
    """Build the class `name` of a kind for `tiny`; what it bundles is built too. Raises Refused, or what it raises."""
    cls = registries.find_class(tiny.model_type, name)
    if kind in _PARTS:
        return _PARTS[kind](cls, tiny)
    if (error := tiny.processors.errors.get(kind)) is not None:
        raise error
    return tiny.processors.processor


def _first(tiny: TinyModel, kind: str, build: Callable[[type[Any]], Any]) -> Any:
    """Build one of the first class of a kind that can be built here; None where there is no such class."""
    names = class_names(tiny.model_type, kind)
    for name in names:
        try:
            return build(registries.find_class(tiny.model_type, name))
        except FOREIGN as error:
            absent = absent_packages(error)
            failed = error
            why = f"{name} {needs(absent)}" if absent else f"{name}: {in_one_line(error)}"
    if names:
        raise Refused(why) from failed
    whose = (tiny.model_type, *(_kin(tiny.model_type) if kind in _wanted_kinds(tiny.model_type) else ()))
    lacking = next(filter(None, (registries.backends_without_class(kind, one) for one in whose)), ())
    if lacking:
        raise Refused(f"its {kind} {needs(lacking)}") from ModuleNotFoundError(needs(lacking), name=lacking[0])
    return None


@functools.cache
def class_names(model_type: str, kind: str) -> tuple[str, ...]:
    """Return the classes of that kind for `model_type`, the first one the usual.

    Where the table has none and its processor holds one, or its models read texts, those are returned that it has for a
    part of its configuration, or else for another model type with the same processor; of tokenizers, at last, the class
    that may be any. Where its processor holds none, they are what its documentation loads.
    """
    table = registries.processor_tables()[kind]
    if model_type in table or kind not in _wanted_kinds(model_type):
        return _usual_first(table.get(model_type) or documented_processors(model_type).get(kind, ()))
    others = (table[other] for other in _kin(model_type) if table.get(other))
    return _usual_first(next(others, ("TokenizersBackend",) if kind == "tokenizer" else ()))


def _usual_first(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of variants, that of torchvision first where it is installed: as the auto class loads them."""
    return names if is_absent("torchvision") else tuple(sorted(names, key=lambda name: name.endswith("Pil")))


def _kin(model_type: str) -> tuple[str, ...]:
    """Return the model types of a configuration and its parts, and those that have the processor of one of them."""
    own = [type(part).model_type for part in configs(registries.default_config(model_type))]
    processors = registries.processor_tables()["processor"]
    bundles = [processors[one] for one in own if processors.get(one)]
    return (*own, *(other for names in bundles for other, others in processors.items() if others == names))


def _wanted_kinds(model_type: str) -> frozenset[str]:
    """Return the kinds that the processor class of `model_type` holds, and a tokenizer where its models read texts."""
    reads = {"tokenizer"} if "text" in read_row(model_type).modalities else set()
    for name in read_row(model_type).processors.get("processor", ()):
        try:
            return frozenset({*map(kind_of, registries.find_class(model_type, name).get_attributes()), *reads})
        except FOREIGN:
            continue
    return frozenset(reads)


def _other(attribute: str, kind: str, tiny: TinyModel) -> Any:
    """Return the second part of a kind that a processor holds, `qformer_tokenizer` say: of the part so named."""
    name = attribute.removesuffix(f"_{kind}")
    config = next((config for field in (f"{name}_config", name) if (config := getattr(tiny.config, field, None))), None)
    if kind != "tokenizer" or config is None:
        raise ValueError(f"nothing says of which class its {attribute} is")
    names = registries.processor_tables()[kind].get(config.model_type) or ("BertTokenizer",)
    return make_tokenizer(registries.find_class(tiny.model_type, names[0]), Wanted(config.vocab_size))


def save_checkpoint(tiny: TinyModel, folder: str | Path) -> Processors:
    """Write `tiny` and its processors into `folder`, one checkpoint that `pipeline` loads; return the processors."""
    tiny.save(folder)
    tiny.processors.save(folder)
    return tiny.processors
