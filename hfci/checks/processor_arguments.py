"""Does each argument that an image processor's class has a value for do something?"""

from __future__ import annotations

import copy
import enum
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from hfci.catalog.registered import is_model_code
from hfci.catalog.registries import quiet
from hfci.checks.exceptions import names_excepted
from hfci.checks.processing import answer_to_images, conclude, difference, processor_of
from hfci.tiny import TinyModel
from hfci.tiny.processors.samples import picture, size_of

__all__ = ["every_argument_has_an_effect"]

# Less than this is no effect: the same sums in another order.
_ROUNDING = 1e-5
# A size that is one number: the edge of a square, the shorter one, or what sizes are to be a multiple of, which what a
# tiny model sees is not by accident.
_EDGE = 36


def every_argument_has_an_effect(tiny: TinyModel) -> None:
    """Assert that each argument of an image processor, switched, changes what it gives, or is refused.

    Those are asked of that its class has a value for. One that changes nothing by itself may do so beside a flag that
    is switched too, or a number that is given.
    """
    processor = processor_of(tiny, "image_processor")
    excepted = names_excepted(tiny, "every_argument_has_an_effect", "idle")
    arguments = _arguments(processor)
    inert = set(arguments)
    questions = _questions(processor)

    def ask(options: Mapping[str, Any]) -> list[Any]:
        return _answers(tiny, processor, questions, options)

    with quiet():
        for context in _contexts(processor):
            usual = ask(context)
            inert -= {
                name
                for name in inert - context.keys()
                if any(_differ(usual, ask({**context, name: other})) for other in _switched(arguments[name]))
            }
            if not inert - excepted.keys():
                break
    problems = [f"{name} does nothing" for name in sorted(inert - excepted.keys())]
    idle = sorted(arguments.keys() & excepted.keys() - inert)
    problems += [f"{name} does something, and an exception says that it does not" for name in idle]
    conclude([f"{type(processor).__name__}: {problem}" for problem in problems])


def _declared(processor: Any) -> Mapping[str, Any]:
    """Return the arguments of one call, with how each is declared."""
    typed = getattr(type(processor), "valid_kwargs", None)
    return typed.__annotations__ if typed is not None else inspect.signature(processor.preprocess).parameters


def _arguments(processor: Any) -> dict[str, Any]:
    """Return those for which its own class, and not one that all share, has a value: that value of each."""
    lines = [cls for cls in type(processor).__mro__ if is_model_code(cls.__module__)]
    own = {name for cls in lines for name in (*vars(cls), *_parameters(cls))}
    values = {name: getattr(processor, name, None) for name in _declared(processor) if name in own}
    return {name: value for name, value in values.items() if value is not None}


def _parameters(cls: type) -> Mapping[str, Any]:
    return inspect.signature(vars(cls)["__init__"]).parameters if "__init__" in vars(cls) else {}


def _contexts(processor: Any) -> Iterator[dict[str, Any]]:
    """Yield what to ask beside an argument: nothing, each flag switched, each number given that is left open."""
    yield {}
    for name, declared in _declared(processor).items():
        value = getattr(processor, name, None)
        if isinstance(value, bool) or name.startswith("do_"):
            yield {name: not value}
        elif value is None and getattr(declared, "__forward_arg__", declared) in (int, "int", int | None, "int | None"):
            yield {name: _EDGE}
    yield from ({"size": size} for size in (_EDGE, {"height": _EDGE, "width": 2 * _EDGE}))


def _questions(processor: Any) -> list[tuple[list[Any], dict[str, Any]]]:
    """Return images: wide, high, square, small, gray and transparent ones, some together; and what is told of one."""
    wide, high, square, small = (picture(*size) for size in ((150, 300), (300, 150), (200, 200), (24, 24)))
    gray = Image.fromarray(wide[..., 0])
    transparent = Image.fromarray(np.dstack([wide, np.full(wide.shape[:2], 128, np.uint8)]))
    shown = ([wide], [high], [wide, square, small], [gray], [transparent])
    questions: list[tuple[list[Any], dict[str, Any]]] = [(images, {}) for images in shown]
    if beside := _beside(processor, *size_of(wide)):
        questions.append(([wide], beside))
    return questions


def _answers(tiny: TinyModel, processor: Any, questions: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    """Return what it gives for each question, or what it raises; some write into what they are handed."""
    answers: list[Any] = []
    for images, told in copy.deepcopy(questions):
        try:
            answers.append(answer_to_images(tiny, processor, images, **told, **options))
        except Exception as error:
            answers.append(f"{type(error).__name__}: {error}")
    return answers


def _beside(processor: Any, height: int, width: int) -> dict[str, Any]:
    """Return what it may be told of an image besides: what stands in it, of which class or how far each place is."""
    known = inspect.signature(processor.preprocess).parameters
    made = {"annotations": _annotation, "segmentation_maps": _map, "prompt_depth": _map}
    return {name: [make(height, width)] for name, make in made.items() if name in known}


def _annotation(height: int, width: int) -> dict[str, Any]:
    """Return one thing in an image, in the form of COCO's detections: x, y, width and height of its box."""
    box = [width // 4, height // 4, width // 2, height // 3]
    thing = {"bbox": box, "category_id": 1, "area": box[2] * box[3], "iscrowd": 0, "image_id": 0, "id": 0}
    return {"image_id": 0, "annotations": [thing]}


def _map(height: int, width: int) -> Any:
    return np.arange(height * width, dtype=np.int64).reshape(height, width) * 5 // (height * width)


def _differ(first: Sequence[Any], second: Sequence[Any]) -> bool:
    """Tell whether any of several answers is another one."""
    for one, other in zip(first, second, strict=True):
        if isinstance(one, str) or isinstance(other, str):
            if one != other:
                return True
        elif difference(_flat(one), _flat(other), _ROUNDING):
            return True
    return False


def _flat(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer with what is told of each image by name beside it."""
    flat: dict[str, Any] = {}
    for name, value in answer.items():
        places = value if isinstance(value, (list, tuple)) else ()
        if places and all(isinstance(one, Mapping) for one in places):
            flat |= {f"{name}[{place}].{key}": one for place, told in enumerate(places) for key, one in told.items()}
        else:
            flat[name] = value
    return flat


def _switched(value: Any) -> Iterator[Any]:
    """Yield other values than the one that an argument has; of a choice the one that is 0, which is not none."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, enum.Enum):
        yield min((other for other in type(value) if other is not value), key=lambda other: other.value)
    elif isinstance(value, (int, float)):
        yield from (type(value)(other) for other in (value * 2, value / 2, value + _EDGE, 1))
    elif isinstance(value, str):
        yield f"{value}_other"
    elif isinstance(value, (list, tuple, np.ndarray)):
        yield from (_halved(value), value[::-1])
    elif hasattr(value, "get"):  # a size
        names = value if isinstance(value, Mapping) else dir(value)
        edges = {edge: number for edge in names if isinstance(number := value.get(edge), int)}
        yield {edge: number * 2 for edge, number in edges.items()}
        yield {edge: max(number // 2, 1) for edge, number in edges.items()}


def _halved(value: Any) -> Any:
    """Return numbers that are each half as large, however deep they lie."""
    if isinstance(value, (list, tuple)):
        return type(value)(_halved(one) for one in value)
    return value // 2 if isinstance(value, int) else value / 2 + 0.1
