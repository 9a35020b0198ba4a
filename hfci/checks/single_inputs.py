"""Does a processor make of one image or sound what it makes of a list of that one?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from hfci.checks.exceptions import names_excepted
from hfci.checks.processing import answer_to_sounds, conclude, difference, each_processor, named
from hfci.tiny import TinyModel
from hfci.tiny.processors.samples import arranged, companions, picture, sound

__all__ = ["single_equals_list_of_one"]

# The same sum in another order.
_ROUNDING = 1e-5

_SIZE = (40, 100)
_SECONDS = 0.7


def single_equals_list_of_one(tiny: TinyModel) -> None:
    """Assert that one image and one sound, each in the forms that it may have, give what a list of that one gives.

    Raises `NotApplicable` where there is nothing that takes either, StageError where that cannot be built here.
    """
    drawn = names_excepted(tiny, "single_equals_list_of_one", "drawn")
    problems = []
    for kind, processor in each_processor(tiny, tuple(_FORMS)):
        ask, forms = _FORMS[kind](tiny, processor)
        for what, one in forms:
            answers = []
            for form, asked in ((f"a list of {what}", [one]), (what, one)):
                try:
                    answers.append({name: value for name, value in ask(asked).items() if name not in drawn})
                except Exception as error:
                    problems.append(f"{type(processor).__name__}, {form}: {type(error).__name__}: {error}")
            if len(answers) > 1 and (wrong := difference(answers[0], answers[1], _ROUNDING)):
                problems.append(f"{type(processor).__name__}, {what}: {wrong}")
    conclude(problems)


Ask = Callable[[Any], dict[str, Any]]
Forms = list[tuple[str, Any]]


def _images(tiny: TinyModel, processor: Any) -> tuple[Ask, Forms]:
    """Return how to ask of images, and the forms of one."""
    extra = companions(processor, [_SIZE])
    pixels = picture(*_SIZE)
    forms = {"an array": pixels, "a PIL image": Image.fromarray(pixels)}
    items = zip(forms, arranged(tiny, list(forms.values())), strict=True)
    return lambda images: named(processor, processor(images, return_tensors="pt", **extra)), list(items)


def _sounds(_tiny: TinyModel, processor: Any) -> tuple[Ask, Forms]:
    """Return how to ask of sounds, and the forms of one."""
    samples = sound(int(_SECONDS * processor.sampling_rate))
    forms = [("an array", samples), ("a list of numbers", samples.tolist())]
    return lambda sounds: answer_to_sounds(processor, sounds), forms


# Kind of processor → what gives these two.
_FORMS: Mapping[str, Callable[[TinyModel, Any], tuple[Ask, Forms]]] = {
    "image_processor": _images,
    "feature_extractor": _sounds,
}
