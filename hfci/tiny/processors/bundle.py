"""The class that bundles tokenizer, image processor and the others of one model type."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hfci.tiny.inputs.context import look_up
from hfci.tiny.inputs.text import placeholders

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["build_processor", "kind_of"]

# What a processor counts per image or sound, by the name of its argument: as many as its model has features of one.
_COUNTS = {
    "image": re.compile(r"image_seq_len(gth)?|num_image_tokens"),
    "audio": re.compile(r"audio_seq_length"),
}


def kind_of(attribute: str) -> str:
    """Return the kind of part that an attribute of a processor holds: `qformer_tokenizer` holds a tokenizer."""
    from transformers.processing_utils import _get_modality_for_attribute

    kind: str = _get_modality_for_attribute(attribute)
    return "feature_extractor" if kind == "audio_processor" else kind


def build_processor(cls: type[Any], tiny: TinyModel, part: Callable[[str], Any]) -> Any:
    """Return a `cls` for `tiny` of the parts that `part` has by attribute name."""
    parts = {name: part(name) for name in cls.get_attributes()}
    return cls(**parts, **_arguments(cls, tiny))


def _arguments(cls: type[Any], tiny: TinyModel) -> dict[str, Any]:
    """Return the sizes among the arguments of `cls`, as its model has them."""
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(cls.__init__).parameters.items():
        if name.endswith("_token") or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        modality = next((modality for modality, pattern in _COUNTS.items() if pattern.fullmatch(name)), None)
        value = _features(tiny, modality) if modality else look_up(tiny.config, name)
        if isinstance(value, (int, float, str)):
            arguments[name] = value
    if "num_additional_image_tokens" in inspect.signature(cls.__init__).parameters:
        arguments["num_additional_image_tokens"] = _additional(tiny, arguments)
    return arguments


def _features(tiny: TinyModel, modality: str) -> int | None:
    """Return how many features `tiny` has of the one medium that its own inputs show it; None where they show none."""
    token, inputs = placeholders(tiny.config).get(modality), tiny.inputs()
    if token is None or "input_ids" not in inputs:
        return None
    return int((inputs["input_ids"][0] == token).sum()) or None


def _additional(tiny: TinyModel, arguments: Mapping[str, Any]) -> int:
    """Return how many features a tower has of an image beside those of its patches, before the first is dropped."""
    count, size, patch = _features(tiny, "image"), look_up(tiny.config, "image_size"), arguments.get("patch_size")
    if count is None or not isinstance(size, int) or not isinstance(patch, int):
        return 0
    dropped = arguments.get("vision_feature_select_strategy") == "default"
    return max(0, count - (size // patch) ** 2 + dropped)
