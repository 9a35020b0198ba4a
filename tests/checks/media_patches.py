"""Ways to break what an image processor or a feature extractor gives."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from PIL import Image

from .class_patches import as_subclass

__all__ = [
    "a_mask_of_all",
    "alone_louder",
    "answering",
    "any_rate_is_taken",
    "beside_others_louder",
    "mirrored_of_pil_images",
    "true_taken_for_the_most",
    "without_argument",
]

Answer = Mapping[str, Any]


def answering(edit: Callable[[Any, Answer], None]) -> Callable[[Any], None]:
    """Return a patch by which a processor edits its answers, knowing what it was asked."""

    def patch(processor: Any) -> None:
        whole = type(processor)

        def call(self: Any, asked: Any, *arguments: Any, **options: Any) -> Any:
            answer = whole.__call__(self, asked, *arguments, **options)
            edit(asked, answer)
            return answer

        call.__signature__ = _signature(whole)  # type: ignore[attr-defined]
        as_subclass(processor, __call__=call)

    patch.__name__ = edit.__name__
    return patch


def _signature(cls: type[Any]) -> inspect.Signature:
    return inspect.signature(cls.__call__)


def _louder(answer: Answer) -> None:
    for name, value in answer.items():
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            answer[name].copy_(value * 1.5)
            return


def beside_others_louder(asked: Any, answer: Answer) -> None:
    if isinstance(asked, list) and len(asked) > 1:
        _louder(answer)


def alone_louder(asked: Any, answer: Answer) -> None:
    if not isinstance(asked, list):
        _louder(answer)


def mirrored_of_pil_images(asked: Any, answer: Answer) -> None:
    if isinstance(asked[0], Image.Image):
        answer["pixel_values"].copy_(answer["pixel_values"].flip(-1))


def a_mask_of_all(_asked: Any, answer: Answer) -> None:
    for name, value in answer.items():
        if "mask" in name:
            value.fill_(1)


def any_rate_is_taken(extractor: Any) -> None:
    """Take a sound of any rate for one of its own."""
    whole = type(extractor)

    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        return whole.__call__(self, *arguments, **{**options, "sampling_rate": self.sampling_rate})

    call.__signature__ = _signature(whole)  # type: ignore[attr-defined]
    as_subclass(extractor, __call__=call)


def true_taken_for_the_most(extractor: Any) -> None:
    """Pad sounds that are to be padded to the longest that there may be, in the place of the longest that there is."""
    whole = type(extractor)

    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("padding") is True:
            options["padding"] = "max_length"
        return whole.__call__(self, *arguments, **options)

    call.__signature__ = _signature(whole)  # type: ignore[attr-defined]
    as_subclass(extractor, __call__=call)


def without_argument(name: str) -> Callable[[Any], None]:
    """Return a patch by which a processor takes an argument and does nothing with it."""

    def patch(processor: Any) -> None:
        whole = type(processor)

        @functools.wraps(whole.__call__)
        def call(self: Any, *arguments: Any, **options: Any) -> Any:
            return whole.__call__(self, *arguments, **{key: value for key, value in options.items() if key != name})

        as_subclass(processor, __call__=call)

    patch.__name__ = f"without_{name}"
    return patch
