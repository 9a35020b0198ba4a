"""Is what is made of a sound as long as the model says?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hfci.catalog.facts import LENGTH_FORMULAS
from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import reason
from hfci.checks.running import run
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["audio_length_arithmetic", "axis_of_time", "shortened"]

# On both sides of so many steps of a formula, the first ones, the model is held against it.
_STEPS = 2

# What says how many are left of the frames that another formula has counted.
_OF_FRAMES = LENGTH_FORMULAS[-1]

# What makes of the mask of a sound the one of what is made of it: how it calls how many places that has, and the mask.
_MASKS = {
    "_get_feature_vector_attention_mask": ("feature_vector_length", "attention_mask"),
    "_get_output_attention_mask": ("target_length", "attention_mask"),
}

_SOUNDS = ("input_values", "input_features")

# Each module of a model, with a dimension of what it gives → how long that is.
Sizes = dict[tuple[str, int], int]


def audio_length_arithmetic(tiny: TinyModel) -> None:
    """Assert that what is made of a sound is as long as the model's own arithmetic says, on both sides of each step.

    Of what grows with the sound within the model, and is as long as a formula says of the whole sound, the last has to
    be so of shorter ones; a formula of which nothing is as long is wrong. Lengths only grow with the sound, so that one
    that is right where a place begins, and just before, is right between. The mask of a padded batch has as many
    places.

    Raises `NotApplicable` where its inputs are no sound.
    """
    inputs = tiny.inputs((0,))
    name = next((name for name in _SOUNDS if name in inputs), None)
    if name is None:
        raise NotApplicable("its inputs are no sound")
    axis = axis_of_time(tiny, inputs, name)
    whole = inputs[name].shape[axis]
    formulas = _formulas(tiny.model, whole)
    lengths = {whole, _less(whole)}
    if reason(tiny, "audio_length_arithmetic", "one_length") is None:
        lengths |= {length for expected in formulas.values() for length in _steps(expected)}
    seen = {length: _run(tiny, shortened(inputs, name, axis, length))[0] for length in lengths}
    problems = [problem for formula, expected in formulas.items() for problem in _problems(formula, expected, seen)]
    for method, names in _MASKS.items():
        if hasattr(tiny.model, method):
            problems += _masked(tiny.model, method, names, next(iter(formulas.values())), sorted(lengths))
    if problems:
        raise AssertionError("; ".join(problems))


def _formulas(model: nn.Module, whole: int) -> dict[str, Tensor]:
    """Return formula → what it says of sounds of each length from 0 to the `whole`; each of several numbers alone."""
    by_formula: dict[str, Tensor] = {}
    for name in LENGTH_FORMULAS:
        if not hasattr(model, name):
            continue
        lengths = next(reversed(by_formula.values())) if name == _OF_FRAMES else torch.arange(whole + 1)
        parts = _said(getattr(model, name), lengths)
        by_formula |= {name if len(parts) == 1 else f"{name}[{place}]": part for place, part in enumerate(parts)}
    return by_formula


def _said(formula: Any, lengths: Tensor) -> list[Tensor]:
    """Return what a formula says of lengths: of all at once or, where it takes a number alone, of each."""
    try:
        result = formula(lengths)
    except (TypeError, ValueError, RuntimeError):
        result = torch.tensor([formula(length) for length in lengths.tolist()])
    return [part.long() for part in (result if isinstance(result, tuple) else (result,))]


def _steps(expected: Tensor) -> set[int]:
    """Return the lengths at which what is said of them grows to 1 and more, and those just before."""
    grows = (expected[1:] > expected[:-1].clamp(min=0)).nonzero().flatten()[:_STEPS] + 1
    return {length for step in grows.tolist() for length in (step - 1, step) if length}


def _less(length: int) -> int:
    """Return three quarters of a length, of which a model can make all that it makes of the whole."""
    return length - length // 4


def axis_of_time(tiny: TinyModel, inputs: Mapping[str, Any], name: str) -> int:
    """Return the dimension of a sound, behind that of the rows, that may be shorter; the longest where none may."""
    shape = inputs[name].shape
    axes = [axis for axis in range(len(shape) - 1, 0, -1) if shape[axis] > 1]
    shorter = (axis for axis in axes if _run(tiny, shortened(inputs, name, axis, _less(shape[axis])))[1])
    return axes[0] if len(axes) == 1 else next(shorter, max(axes, key=shape.__getitem__))


def shortened(inputs: Mapping[str, Any], name: str, axis: int, length: int) -> dict[str, Any]:
    """Return inputs with a sound no longer than that, and what is said of each of its places or of its length."""
    whole = inputs[name].shape[axis]
    short = dict(inputs) | {name: inputs[name].narrow(axis, 0, length)}
    for other, value in inputs.items():
        if other == name or not isinstance(value, Tensor):
            continue
        if value.ndim == 2 and value.shape[1] == whole:
            short[other] = value[:, :length]
        elif value.ndim == 1 and not value.is_floating_point():
            short[other] = torch.where(value == whole, length, value)
    return short


def _run(tiny: TinyModel, inputs: Mapping[str, Any]) -> tuple[Sizes, bool]:
    """Return how long is what each module gives, in the order of running, and whether none refuses such inputs."""
    sizes: dict[tuple[str, int], int] = {}

    def hook(name: str) -> Any:
        def note(_module: nn.Module, _given: Any, output: Any) -> None:
            first = output[0] if isinstance(output, (tuple, list)) and output else output
            if isinstance(first, Tensor):
                sizes.update({(name, axis): size for axis, size in enumerate(first.shape)})

        return note

    hooks = [module.register_forward_hook(hook(name)) for name, module in tiny.model.named_modules()]
    try:
        run(tiny, inputs)
    except StageError:
        return sizes, False
    finally:
        for handle in hooks:
            handle.remove()
    return sizes, True


def _problems(formula: str, expected: Tensor, seen: Mapping[int, Sizes]) -> list[str]:
    """Return where the last of what is as long as a formula says of the whole sound is not so of another length.

    Frames that are left of others are the last of all that grows. Some lengths are refused before they come to it.
    """
    whole = len(expected) - 1
    for place, size in reversed(seen[whole].items()):
        by_length = {length: sizes[place] for length, sizes in seen.items() if place in sizes}
        grows = len(set(by_length.values())) > 1
        if (grows or len(by_length) == 1) and (size == expected[whole] or (grows and formula == _OF_FRAMES)):
            wrong = {length: size for length, size in by_length.items() if size != expected[length]}
            mismatches = [f"{int(expected[length])} of {length}, not {size}" for length, size in sorted(wrong.items())]
            return [f"{formula} says of what {place[0]} makes of a sound {'; '.join(mismatches)}"] if mismatches else []
    return [f"{formula} says {int(expected[whole])} of a sound of {whole}, and nothing within the model is as long"]


def _masked(model: Any, method: str, names: tuple[str, str], expected: Tensor, lengths: list[int]) -> list[str]:
    """Return what is wrong with the mask made for a batch of such lengths, of which formula says so many places."""
    lengths = [length for length in lengths if expected[length] > 0]
    if not lengths:
        return []
    mask = (torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]).long()
    given = dict(zip(names, (int(expected[max(lengths)]), mask), strict=True))
    places = getattr(model, method)(**given).sum(-1)
    if places.tolist() != expected[lengths].tolist():
        return [f"{method} leaves {places.tolist()} places of sounds of {lengths}, not {expected[lengths].tolist()}"]
    return []
