"""Does each argument of a tokenizer, an image processor, a feature extractor and what bundles them do something?"""

from __future__ import annotations

import copy
import enum
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from PIL import Image

from hfci.catalog.registered import is_model_code
from hfci.catalog.registries import quiet
from hfci.checks.arguments import Asked, differ, inert
from hfci.checks.bundle_arguments import of_bundles, own_arguments
from hfci.checks.exceptions import names_excepted
from hfci.checks.limited_memory import at_most
from hfci.checks.processing import answer_to_images, each_processor, named
from hfci.checks.tokenizer_arguments import of_texts
from hfci.errors import Broken
from hfci.tiny import TinyModel
from hfci.tiny.processors.samples import picture, size_of, sound
from hfci.tiny.random_numbers import seed_generators

__all__ = ["every_argument_has_an_effect"]

# A size that is one number: the edge of a square, the shorter one, or what sizes are to be a multiple of, which what a
# tiny model sees is not by accident.
_EDGE = 36
# Seconds of sounds that stand side by side, and of one that is longer than what a tiny model hears at a time; the bytes
# that they may take.
_SECONDS, _LONG = (0.35, 0.2), 2.5
_MEMORY = 2 << 30
# Of a call, what is no argument: the rate of its sounds and the kind of tensors that it gives.
_OF_SOUNDS = {"sampling_rate", "return_tensors", "device", "audio_target", "generator"}
# What every feature extractor is made with, as `SequenceFeatureExtractor` is, which all share.
_OF_ALL = {"feature_size", "sampling_rate", "padding_value", "padding_side", "return_attention_mask"}
# Fewer than any of these sounds has, where what is at most is told in frames.
_FRAMES = 8
# Before the name of an argument of a call, which may be one that an extractor is made with too.
_CALL = "call:"


def every_argument_has_an_effect(tiny: TinyModel) -> None:
    """Assert that each argument of a tokenizer, an image processor and a feature extractor, switched, does something.

    It changes what is given, or is refused. Those of a tokenizer are asked of that its calls name, those of the others
    that their class has a value for, of what bundles them those that its class adds. One that changes nothing by itself
    may do so beside a flag that is switched too, or a number that is given.

    Raises `NotApplicable` where there is none of them, StageError where that cannot be built here.
    """
    excepted = names_excepted(tiny, "every_argument_has_an_effect", "idle")
    problems: list[str] = []
    known, idle = set[str](), set[str]()
    for kind, processor in _each(tiny):
        with quiet():
            asked = _asked(tiny, kind, processor)
            found = inert(asked, excepted.keys())
        known, idle = known | asked.others.keys(), idle | found
        problems += [f"{type(processor).__name__}: {name} does nothing" for name in sorted(found - excepted.keys())]
    busy = (known & excepted.keys()) - idle
    problems += [f"{name} does something, and an exception says that it does not" for name in sorted(busy)]
    if problems:
        raise Broken("; ".join(problems), sorted(busy | idle - excepted.keys()))


def _each(tiny: TinyModel) -> Iterator[tuple[str, Any]]:
    yield from each_processor(tiny, ("tokenizer", "image_processor", "feature_extractor"))
    bundle = tiny.processors.processor
    if bundle is not None and own_arguments(type(bundle)):
        yield "processor", bundle


def _asked(tiny: TinyModel, kind: str, processor: Any) -> Asked:
    if kind == "processor":
        return of_bundles(tiny, processor)
    if kind == "tokenizer":
        return of_texts(processor)
    return _of_images(tiny, processor) if kind == "image_processor" else of_sounds(processor)


def _of_images(tiny: TinyModel, processor: Any) -> Asked:
    questions = _questions(processor)

    def ask(options: Mapping[str, Any]) -> list[Any]:
        return _answers(tiny, processor, questions, options)

    return Asked(_switched_each(_arguments(processor)), list(_contexts(processor)), ask)


def of_sounds(extractor: Any) -> Asked:
    """Return what is asked of a feature extractor: arguments that it is made with, and those of a call.

    It is made anew with one that it is made with. Neither sounds nor their rate are arguments of these, nor what every
    feature extractor is made with.
    """
    cls: type[Any] = type(extractor)
    made = {name: getattr(extractor, name, default) for name, default in _defaults(cls.__init__).items()}
    own = {name for line in _lines(cls) for name in _defaults(vars(line).get("__init__"))}
    called = {name: value for name, value in _defaults(cls.__call__).items() if name not in _OF_SOUNDS}
    values = {**{name: value for name, value in called.items() if name not in made}, **made}
    asked = (own | called.keys()) - _OF_ALL
    arguments = {name: value for name, value in values.items() if name in asked and value is not None}
    sounds = [sound(int(seconds * extractor.sampling_rate), seed=seed) for seed, seconds in enumerate(_SECONDS)]
    loud = np.concatenate([20 * sounds[1], *sounds, *sounds])  # and then quiet
    long = sound(int(_LONG * extractor.sampling_rate))
    of_all: Mapping[str, Callable[[], Any]] = {
        "return_tensors": lambda: "pt",
        "sampling_rate": lambda: extractor.sampling_rate,
        "generator": lambda: np.random.default_rng(0),
    }

    def ask(options: Mapping[str, Any]) -> list[Any]:
        told = {name.removeprefix(_CALL): value for name, value in options.items() if name.startswith(_CALL)}
        told |= {name: value for name, value in options.items() if name in called and name not in made}
        anew = {name: value for name, value in options.items() if name in made}
        answers: list[Any] = []
        for given in (sounds, [loud], [long]):
            try:
                one = cls(**{**made, **anew}) if anew else extractor
                call = {**{name: make() for name, make in of_all.items() if name in _known(cls)}, **told}
                seed_generators(0)  # what draws which part of a sound it takes would be moved by anything
                with at_most(_MEMORY):
                    answers.append(named(one, one([*given], **call)))
            except Exception as error:
                answers.append(f"{type(error).__name__}: {error}")
        return answers

    whole, cut = (max(map(len, sounds)) + extractor.sampling_rate, len(sounds[1]) // 2)
    contexts: list[dict[str, Any]] = [
        {},
        {"padding": True},
        {"padding": "max_length", "max_length": whole},
        {"padding": True, "pad_to_multiple_of": _EDGE},
        *({"padding": "max_length", "truncation": True, "max_length": most} for most in (cut, _FRAMES)),
        *({name: not value} for name, value in called.items() if isinstance(value, bool) or _is_flag(name, value)),
    ]
    flags = [{name: not value} for name, value in made.items() if isinstance(value, bool) and name in asked]
    # A number that is 0 turns off what another argument may be about; noise would hide what that does.
    zeros = [{name: 0.5} for name, value in made.items() if isinstance(value, float) and not value and name in asked]
    turned = (each for each in zeros if not differ(ask(each), ask(each)))
    known = [{f"{_CALL}{name}": value for name, value in told.items() if name in _known(cls)} for told in contexts]
    once = [told for place, told in enumerate(known) if told not in known[:place]]
    return Asked(_switched_each(arguments), chain(once, flags, turned), ask)


def _is_flag(name: str, value: Any) -> bool:
    """Tell whether an argument that is left open is one that switches something, by its name."""
    return value is None and name.startswith(("do_", "return_"))


def _defaults(function: Any) -> dict[str, Any]:
    """Return the arguments of a function that have a default, and that."""
    if function is None:
        return {}
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def _known(cls: type[Any]) -> Mapping[str, Any]:
    return inspect.signature(cls.__call__).parameters


def _lines(cls: type[Any]) -> list[type[Any]]:
    """Return the classes that a class is made of which are some model's own."""
    return [line for line in cls.__mro__ if is_model_code(line.__module__)]


def _declared(processor: Any) -> Mapping[str, Any]:
    """Return the arguments of one call, with how each is declared."""
    typed = getattr(type(processor), "valid_kwargs", None)
    return typed.__annotations__ if typed is not None else inspect.signature(processor.preprocess).parameters


def _arguments(processor: Any) -> dict[str, Any]:
    """Return those for which its own class, and not one that all share, has a value: that value of each."""
    own = {name for cls in _lines(type(processor)) for name in (*vars(cls), *_parameters(cls))}
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


def _switched_each(arguments: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: list(_switched(value)) for name, value in arguments.items()}


def _switched(value: Any) -> Iterator[Any]:
    """Yield other values than the one that an argument has; of a choice the one that is 0, which is not none."""
    if isinstance(value, (np.ndarray, np.generic)) and not value.ndim:
        value = value.item()  # one number, which some keep as numpy has it
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
