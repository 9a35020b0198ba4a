"""What is asked of a processor that bundles others about the arguments that its calls alone have."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from PIL import Image
from transformers.processing_utils import ProcessingKwargs

from hfci.catalog.registered import is_model_code
from hfci.checks.arguments import Asked
from hfci.checks.processing import named
from hfci.checks.texts import TEXTS
from hfci.tiny import TinyModel
from hfci.tiny.inputs.text import placeholders
from hfci.tiny.processors.marks import mark, marked
from hfci.tiny.processors.samples import picture

__all__ = ["of_bundles", "own_arguments"]

_SIZE = (60, 90)
_TEXT = "the cat {} sat on the mat"
# Two points in an image, and one in another.
_POINTS, _LABELS = [[[20, 30], [40, 50]], [[60, 20]]], [[1, 1], [1]]


# Type → values of it, of which no more than one is the usual.
_VALUES: Mapping[Any, Sequence[Any]] = {bool: (True, False), int: (1, 64), float: (0.5, 2.0), str: ("another", "image")}


def own_arguments(processor: type[Any]) -> dict[str, Sequence[Any]]:
    """Return the typed arguments that a model's own class adds beside those of its parts, with values of their types.

    Left out are those of other types, and those that every processor has.
    """
    typed = getattr(processor, "valid_processor_kwargs", None)
    if typed is None or not is_model_code(typed.__module__):
        return {}
    declared = {
        name: value for name, value in typed.__annotations__.items() if name not in ProcessingKwargs.__annotations__
    }
    kinds = {name: {*(get_args(kind) or (kind,))} & _VALUES.keys() for name, kind in declared.items()}
    return {
        name: [value for kind in _VALUES if kind in of for value in _VALUES[kind]] for name, of in kinds.items() if of
    }


def of_bundles(tiny: TinyModel, processor: Any) -> Asked:
    """Return what is asked of a processor: texts, images and both, told each of its own arguments."""
    questions = list(_questions(tiny, processor))

    def ask(options: Mapping[str, Any]) -> list[Any]:
        answers: list[Any] = []
        for question in copy.deepcopy(questions):
            try:
                answers.append(named(processor, processor(**question, **options)))
            except Exception as error:
                answers.append(f"{type(error).__name__}: {error}")
        return answers

    others = own_arguments(type(processor))
    flags = [{name: value} for name, values in others.items() for value in values if isinstance(value, bool)]
    return Asked(others, [{}, *flags], ask)


def _questions(tiny: TinyModel, processor: Any) -> Iterator[dict[str, Any]]:
    takes = inspect.signature(type(processor).__call__).parameters
    image, other = (Image.fromarray(picture(*_SIZE, seed=seed)) for seed in range(2))
    if "text" in takes:
        yield {"text": TEXTS[0]}
        yield {"text": [TEXTS[0]]}
    if "images" in takes:
        yield {"images": image}
        yield {"images": [image, other]}
        yield {"images": [image, other], "input_points": _POINTS, "input_labels": _LABELS}
    if {"text", "images"} <= takes.keys() and mark(processor, "image"):
        text = marked(processor, "image", _TEXT, placeholders(tiny.config).get("image"), images=[image])
        yield {"text": [text], "images": [[image]]}
        yield {"text": [f"{text} {text}"], "images": [[image, other]]}
