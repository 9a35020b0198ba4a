"""The class that bundles tokenizer, image processor and the others of one model type."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hfci.tiny.inputs.context import look_up
from hfci.tiny.inputs.text import placeholders
from hfci.tiny.processors.chat import chat_template, chats
from hfci.tiny.processors.marks import mark
from hfci.tiny.processors.settings import settings_of

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["build_processor", "counts_of_a_call", "kind_of"]

# What a processor counts per image or sound, by the name of its argument: as many as its model has features of one.
_COUNTS = {
    "image": re.compile(r"image_seq_len(gth)?|num_image_tokens"),
    "audio": re.compile(r"audio_seq_length"),
}
# What may stand in a text as a mark.
_MARKED = ("image", "video", "audio")
# What a configuration calls otherwise.
_SPELLED = {"img_size": "image_size", "pooling_ratio": "projector_pooling_ratio"}
# Dimensions of pixels where an image is given in tiles.
_IN_TILES = 5


def kind_of(attribute: str) -> str:
    """Return the kind of part that an attribute of a processor holds: `qformer_tokenizer` holds a tokenizer."""
    from transformers.processing_utils import _get_modality_for_attribute

    kind: str = _get_modality_for_attribute(attribute)
    return "feature_extractor" if kind == "audio_processor" else kind


def build_processor(cls: type[Any], tiny: TinyModel, part: Callable[[str, bool], Any]) -> Any:
    """Return a `cls` for `tiny` of the parts that `part` has by attribute name, told if it is the only of its kind."""
    kinds = {name: kind_of(name) for name in cls.get_attributes()}
    parts = {name: part(name, list(kinds.values()).count(kind) == 1) for name, kind in kinds.items()}
    if getattr(parts.get("image_processor"), "image_seq_length", 0) is None:
        parts["image_processor"].image_seq_length = _features(tiny, "image")
    processor = cls(**parts, **_arguments(cls, tiny))
    if "tokenizer" in parts and chats(tiny.model_type):
        marks = {modality: token for modality in _MARKED if (token := mark(processor, modality))}
        if marks:  # what takes no media in a text is not talked to by way of its processor
            parts["tokenizer"].chat_template = processor.chat_template = chat_template(marks)
    return processor


def _arguments(cls: type[Any], tiny: TinyModel) -> dict[str, Any]:
    """Return the sizes among the arguments of `cls`, as its model has them, and what a row of settings gives it."""
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(cls.__init__).parameters.items():
        if name.endswith("_token") or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        modality = next((modality for modality, pattern in _COUNTS.items() if pattern.fullmatch(name)), None)
        value = _features(tiny, modality) if modality else look_up(tiny.config, _SPELLED.get(name, name))
        if isinstance(value, (int, float, str)):
            arguments[name] = value
    if "num_additional_image_tokens" in inspect.signature(cls.__init__).parameters:
        arguments["num_additional_image_tokens"] = _additional(tiny)
        if _additional(tiny):
            arguments.setdefault("vision_feature_select_strategy", "default")  # without the one of all
    _, fixed = settings_of(cls, tiny.model_type)
    return arguments | fixed


def counts_of_a_call(processor: Any, tiny: TinyModel) -> dict[str, int]:
    """Return the arguments of each call by which `processor` is told how many features `tiny` makes of an image.

    No checkpoint has them: a class that counts so has a number for the one size of its images.
    """
    kept = inspect.signature(type(processor).__init__).parameters
    names = getattr(type(processor), "valid_processor_kwargs", None)
    told = {name for name in getattr(names, "__annotations__", ()) if _COUNTS["image"].fullmatch(name)} - kept.keys()
    count = _features(tiny, "image") if told else None
    return {name: count for name in told if count is not None}


def _features(tiny: TinyModel, modality: str) -> int | None:
    """Return how many features `tiny` has of the one medium that its own inputs show it; None where they show none."""
    token, inputs = placeholders(tiny.config).get(modality), tiny.inputs()
    if token is None or "input_ids" not in inputs:
        return None
    pixels = inputs.get("pixel_values")
    tiles = pixels.shape[1] if modality == "image" and pixels is not None and pixels.ndim == _IN_TILES else 1
    count = int((inputs["input_ids"][0] == token).sum()) // tiles
    if tiles > 1 and any(hasattr(part, "image_newline") for part in tiny.model.modules()):
        count = math.isqrt(count) ** 2  # each line of tiles ends with a feature that is of none
    return count or None


def _additional(tiny: TinyModel) -> int:
    """Return how many features a tower has of an image beside those of its patches: one of all, if it has that."""
    return int(any(hasattr(part, name) for part in tiny.model.modules() for name in ("class_embedding", "cls_token")))
