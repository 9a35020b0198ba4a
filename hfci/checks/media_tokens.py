"""Does a processor write as many placeholders into a text as its model makes features of images?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image

from hfci.checks.applicability import NotApplicable
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.inputs.context import Context
from hfci.tiny.inputs.text import placeholders
from hfci.tiny.processors.bundle import counts_of_a_call
from hfci.tiny.processors.marks import mark, marked
from hfci.tiny.processors.samples import one_each, picture

__all__ = ["bundle_of", "media_token_count_matches_model"]

# Height and width of images: as large as the model's, lying, upright, odd, smaller. No tower loses one of them by
# making it small, as it may lose one that is many times as long as wide.
_SIZES = ((64, 64), (56, 84), (120, 80), (77, 53), (37, 45))
_TEXT = "the cat {} sat on the mat"
# What pixels are called.
_PIXELS = ("pixel_values", "flattened_patches")


def media_token_count_matches_model(tiny: TinyModel) -> None:
    """Assert that a processor writes one placeholder for each feature of an image, whatever its size, and of two.

    Raises `NotApplicable` where it writes none.
    """
    processor = bundle_of(tiny)
    token = placeholders(tiny.config).get("image")
    if token is None or mark(processor, "image") is None:
        raise NotApplicable("its processor writes no placeholders of images that its configuration names")
    text = marked(processor, "image", _TEXT, token, images=[Image.fromarray(picture(*_SIZES[0]))])
    counts = counts_of_a_call(processor, tiny)
    problems = []
    for sizes in (*((size,) for size in _SIZES), _SIZES[1:3]):
        texts = [text] * len(sizes)
        images = one_each(processor, texts, [Image.fromarray(picture(*size)) for size in sizes])
        answer = processor(text=texts, images=images, padding=True, return_tensors="pt", **counts)
        written, made = int((answer["input_ids"] == token).sum()), _features(tiny, answer)
        if written != made:
            problems.append(f"images of {', '.join(map(str, sizes))}: {written} placeholders for {made} features")
    if problems:
        raise AssertionError(f"{type(processor).__name__}: {'; '.join(problems)}")


def bundle_of(tiny: TinyModel) -> Any:
    """Return the processor that bundles the others of `tiny`.

    Raises `NotApplicable` where there is none for its model type, StageError where it cannot be built.
    """
    processors = tiny.processors
    if processors.processor is not None:
        return processors.processor
    if (error := processors.errors.get("processor")) is not None:
        raise StageError("check", tiny.model_type, tiny.architecture, error) from error
    raise NotApplicable("there is no processor for its model type that bundles others")


def _features(tiny: TinyModel, answer: Mapping[str, Any]) -> int:
    """Return how many features the model makes of what a processor made of images."""
    name = next((name for name in _PIXELS if name in answer), None)
    if name is None:
        raise NotApplicable("its processor gives its model no pixels")
    context = Context(tiny.model, tiny.config, 0, tiny.seed, made=dict(answer))
    if queries := context.find("num_query_tokens|latent_query_num"):  # a resampler has as many of any image
        return int(queries) * len(answer[name])
    with torch.no_grad():
        return context.feature_count("get_image_features", name)
