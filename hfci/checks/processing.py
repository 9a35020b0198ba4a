"""Asking the processors of a tiny model: what one gives, how two answers differ, and what is a refusal."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
import transformers
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.processors import Refused, build_part
from hfci.tiny.processors.samples import arranged, companions, picture, size_of, sound

__all__ = [
    "answer_to_a_sample",
    "answer_to_images",
    "answer_to_sounds",
    "conclude",
    "difference",
    "each_processor",
    "is_refusal",
    "named",
    "processor_of",
    "tensors",
]

# Those who may refuse an image or a sound: their own words say why.
_SPEAKERS = tuple(str(Path(inspect.getfile(package)).parent) for package in (transformers, PIL))


def processor_of(tiny: TinyModel, kind: str) -> Any:
    """Return the processor of a kind that is built for `tiny`.

    Raises `NotApplicable` where transformers' tables have none for its model type, StageError where none can be built.
    """
    one = getattr(tiny.processors, kind)
    if one is not None:
        return one
    try:
        build_part(tiny, kind)
    except Refused as error:
        raise StageError("check", tiny.model_type, tiny.architecture, error) from error
    raise NotApplicable(f"transformers' tables have no {kind.replace('_', ' ')} for its model type")


def each_processor(tiny: TinyModel, kinds: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield kind and processor of each of several kinds that its model type has.

    Raises, when those are done with that can be built here, StageError if one cannot, and `NotApplicable` if there was
    none.
    """
    lacking: StageError | None = None
    found = False
    for kind in kinds:
        try:
            one = processor_of(tiny, kind)
        except NotApplicable:
            continue
        except StageError as error:
            lacking = error
            continue
        found = True
        yield kind, one
    if lacking is not None:
        raise lacking
    if not found:
        raise NotApplicable(f"its model type has no {' and no '.join(kinds)}".replace("_", " "))


def conclude(problems: Sequence[str]) -> None:
    """Raise AssertionError that says the problems, if there are any."""
    if problems:
        raise AssertionError("; ".join(problems))


def answer_to_images(tiny: TinyModel, processor: Any, images: Sequence[Any], **options: Any) -> dict[str, Any]:
    """Return what an image processor gives for several images, by name, as PyTorch tensors unless `options` differ."""
    arguments = {"return_tensors": "pt", **companions(processor, [size_of(image) for image in images]), **options}
    return named(processor, processor(arranged(tiny, images), **arguments))


def answer_to_sounds(processor: Any, sounds: Any, **options: Any) -> dict[str, Any]:
    """Return what a feature extractor gives for sounds of its own rate, by name, with masks where it has some."""
    known = inspect.signature(type(processor).__call__).parameters
    usual = {"return_tensors": "pt", "sampling_rate": processor.sampling_rate, "return_attention_mask": True}
    takes_any = any(one.kind is one.VAR_KEYWORD for one in known.values())
    taken = {name: value for name, value in usual.items() if name in known or (takes_any and name == "return_tensors")}
    return named(processor, processor(sounds, **taken | options))


def answer_to_a_sample(tiny: TinyModel, kind: str, processor: Any) -> dict[str, Any]:
    """Return what an image processor gives for an image, or a feature extractor for a sound, the same at each call."""
    if kind == "image_processor":
        return answer_to_images(tiny, processor, [picture(40, 100)])
    return answer_to_sounds(processor, [sound(processor.sampling_rate // 2)])


def named(processor: Any, answer: Any) -> dict[str, Any]:
    """Return an answer by name; one that is a tensor has the first name of the model's inputs."""
    return dict(answer) if isinstance(answer, Mapping) else {processor.model_input_names[0]: answer}


def tensors(answer: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of an answer; lists, of several shapes perhaps, and what is told by name stand one by one."""
    found: dict[str, Tensor] = {}
    for name, value in answer.items():
        if isinstance(value, Tensor) or (isinstance(value, np.ndarray) and value.dtype != object):
            found[name] = torch.as_tensor(value)
        elif isinstance(value, (list, tuple, np.ndarray)):
            found |= tensors({f"{name}[{place}]": one for place, one in enumerate(value)})
        elif isinstance(value, Mapping):
            found |= tensors({f"{name}.{key}": one for key, one in value.items()})
        elif isinstance(value, (int, float)):
            found[name] = torch.tensor(value)
    return found


def difference(one: Mapping[str, Any], other: Mapping[str, Any], tolerance: float = 0.0) -> str:
    """Return where two answers differ by more than `tolerance`, the first place; empty where they do not."""
    first, second = tensors(one), tensors(other)
    if first.keys() != second.keys():
        return f"one has {', '.join(first)}, the other {', '.join(second)}"
    for name, value in first.items():
        if value.shape != second[name].shape:
            return f"{name} is {tuple(value.shape)} and {tuple(second[name].shape)}"
        apart = (value.double() - second[name].double()).abs()
        if value.numel() and not float(apart.max()) <= tolerance:
            return f"{name} by {float(apart.max()):.3g}"
    return ""


def is_refusal(error: Exception) -> bool:
    """Tell whether an error is one by which a processor says what it does not take, and no accident within."""
    place = traceback.extract_tb(error.__traceback__)[-1].filename
    return isinstance(error, (ValueError, TypeError, NotImplementedError)) and place.startswith(_SPEAKERS)
