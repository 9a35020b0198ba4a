"""From a model to the keyword arguments of its forward."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch

from hfci.tiny.bundles import bundled, is_bundle
from hfci.tiny.inputs import others
from hfci.tiny.inputs.audio import FRAME_MASKS, spectrogram_inputs, waveform_inputs
from hfci.tiny.inputs.context import Context
from hfci.tiny.inputs.molecules import molecule_inputs
from hfci.tiny.inputs.sessions import session_inputs
from hfci.tiny.inputs.spec import from_spec
from hfci.tiny.inputs.text import text_inputs
from hfci.tiny.inputs.vision import flattened_inputs, named_pixel_inputs, pixel_inputs, tower_inputs, video_inputs
from hfci.tiny.recipes import Recipe, recipe_for
from hfci.tiny.specs import OMITTED, Input, Shown, Spec

__all__ = ["inputs_around", "make_inputs"]

Maker = Callable[[Context], dict[str, Any]]

_NONE: Mapping[str, Any] = MappingProxyType({})

# Parameter of forward → what makes it and all that goes with it, in the order of making: text comes after the media
# whose placeholders it holds.
_MAKERS: dict[str, Maker] = {
    "atom_inputs": molecule_inputs,
    "pixel_values": pixel_inputs,
    "pixel_values_images": named_pixel_inputs,
    "pixel_values_videos": video_inputs,
    "flattened_patches": flattened_inputs,
    "grid_thw": tower_inputs,
    "input_values": waveform_inputs,
    "input_features": spectrogram_inputs,
    "input_ids": text_inputs,
    "inference_session": session_inputs,
    **others.MAKERS,
}
# Media of which a model that takes several gets only the first: the same tower sees them. By what it is to be shown.
_SOUNDS = ("input_features", "input_values")
_ALTERNATIVES: Mapping[Shown, tuple[tuple[str, ...], ...]] = {
    "image": (("pixel_values", "pixel_values_images", "pixel_values_videos"), _SOUNDS),
    "video": (("pixel_values_videos", "pixel_values", "pixel_values_images"), _SOUNDS),
}
# How the arguments begin that say something of an image, and of no video.
_OF_AN_IMAGE = ("pixel_", "image_", "images_", "high_res_")


def make_inputs(model: Any, rows: Sequence[int], *, seed: int = 0, shown: Shown = "image") -> dict[str, Any]:
    """Return the keyword arguments of `model.forward` for a batch of `rows`, on the CPU.

    Row i's content depends on i and `seed` alone. A recipe's `inputs` says how a parameter is made instead. For a
    bundle (see `is_bundle`) it is the name of each of its models → that model's arguments. What sees both is `shown`
    an image or a video.
    """
    if is_bundle(model):
        return {name: make_inputs(child, rows, seed=seed, shown=shown) for name, child in bundled(model).items()}
    recipe = recipe_for(model.config.model_type, type(model).__name__)
    overrides = _of_a_video(recipe) if shown == "video" else recipe.inputs
    make_row = functools.partial(_one_row, model, seed=seed, overrides=overrides, shown=shown)
    make = functools.partial(_choices, recipe.choices, make_row) if recipe.choices else make_row
    inputs = [make(row) for row in rows]
    return {name: _batch([row[name] for row in inputs], overrides.get(name)) for name in inputs[0]}


def inputs_around(model: Any, given: Mapping[str, Any], *, seed: int = 0) -> dict[str, Any]:
    """Return the keyword arguments of `model.forward` for one row whose images or sounds are `given`.

    They are what a processor gives, under its names; of those the model takes what it knows, and gets a text that has
    room for their features. Raises what making them raises.
    """
    recipe = recipe_for(model.config.model_type, type(model).__name__)
    known = Context(model, model.config, 0, seed).parameters
    named = {_name_of(name, known): value for name, value in given.items()}
    taken = {name: value for name, value in named.items() if name in known and isinstance(value, torch.Tensor)}
    return _one_row(model, 0, seed=seed, overrides=recipe.inputs, shown="image", given=taken)


def _name_of(name: str, known: Mapping[str, str]) -> str:
    """Return what a model calls an output of a processor: beside a text, the mask of a sound has another name."""
    if name == "attention_mask":
        return next((mask for mask in FRAME_MASKS if mask in known), "" if "input_ids" in known else name)
    return name


def _of_a_video(recipe: Recipe) -> Mapping[str, Input]:
    """Return what a recipe says of inputs that hold a video: what it says of no image, and what of videos alone."""
    of_both = {name: spec for name, spec in recipe.inputs.items() if not name.startswith(_OF_AN_IMAGE)}
    return {**of_both, **recipe.video_inputs}


def _choices(count: int, make_row: Callable[[int], dict[str, Any]], row: int) -> dict[str, Any]:
    """Make one row of `count` texts to choose from: (1, count, …) of each."""
    choices = [make_row(row * count + place) for place in range(count)]
    return {name: _joined([choice[name] for choice in choices])[None] for name in choices[0]}


def _one_row(
    model: Any, row: int, *, seed: int, overrides: Mapping[str, Input], shown: Shown, given: Mapping[str, Any] = _NONE
) -> dict[str, Any]:
    context = Context(model, model.config, row, seed, overrides, dict(given))
    for name, spec in overrides.items():
        if spec != OMITTED and name not in given:
            context.made[name] = from_spec(name, spec, context)
    makers = sorted(_MAKERS, key=lambda name: name not in _ALTERNATIVES[shown][0][:1])  # what is to be shown, first
    for name in makers:
        maker = _MAKERS[name]
        if name in context.parameters and not _is_made(name, context) and not _left_out(name, context, shown):
            inputs = _as_its_tower(name, context) or maker(context)
            context.made.update({key: value for key, value in inputs.items() if key not in context.made})
    spelled = context.parameters
    wanted = (name for name in context.made if name in given or overrides.get(name) != OMITTED)
    return {spelled.get(name, name): context.made[name] for name in wanted}


def _is_made(name: str, context: Context) -> bool:
    """Say whether what answers to `name` is made, under that name or another."""
    spelled = context.parameters
    return any(spelled.get(other, other) == spelled[name] for other in context.made)


def _as_its_tower(name: str, context: Context) -> dict[str, Any]:
    """Return what the recipe of the part that takes `name` itself says of it and of its companions, if it does."""
    tower = context.listener(name)
    specs = recipe_for(tower.config.model_type, type(tower.model).__name__).inputs
    spec = specs.get(name)
    if tower.model is context.model or not isinstance(spec, Spec) or spec.rows:
        return {}
    # a mask of the whole that has no other name is its text's
    own = {"attention_mask": f"{name}_mask"}
    names = {
        key: own.get(key) or (key if key in context.parameters else f"image_{key}")
        for key in specs
        if specs[key] != OMITTED
    }
    return {whole: from_spec(key, specs[key], tower) for key, whole in names.items() if whole in context.parameters}


def _left_out(name: str, context: Context, shown: Shown) -> bool:
    if context.overrides.get(name) == OMITTED:
        return True
    groups = _ALTERNATIVES[shown]
    return any(name in group and set(group[: group.index(name)]) & set(context.made) for group in groups)


def _batch(values: list[Any], spec: Input | None) -> Any:
    """Put rows together along the dimension that their spec names; each row `step` higher than the one before it."""
    if not isinstance(spec, Spec):
        return _joined(values)
    placed = [value + spec.step * place if spec.step else value for place, value in enumerate(values)]
    return _joined(placed, spec.rows)


def _joined(values: list[Any], dimension: int = 0) -> Any:
    if isinstance(values[0], torch.Tensor):
        return torch.cat(values, dimension) if values[0].ndim else values[0]
    if dataclasses.is_dataclass(values[0]) and not isinstance(values[0], type):
        names = [field.name for field in dataclasses.fields(values[0])]
        parts = {name: _joined([getattr(value, name) for value in values], dimension) for name in names}
        return dataclasses.replace(values[0], **parts)
    if isinstance(values[0], dict):
        return {key: _joined([value[key] for value in values], dimension) for key in values[0]}
    if isinstance(values[0], list):
        return [_joined(list(items), dimension) for items in zip(*values, strict=True)]
    return values[0]
