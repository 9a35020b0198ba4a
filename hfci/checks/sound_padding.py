"""Does the mask of a sound hide what pads it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.catalog.facts import forward_parameters, modality_of_parameter
from hfci.checks.applicability import NotApplicable
from hfci.checks.attention import with_each_attention
from hfci.checks.exceptions import excused
from hfci.checks.floor import different
from hfci.checks.lengths import axis_of_time, shortened
from hfci.checks.media_features import features_of, items_of
from hfci.checks.running import run
from hfci.checks.tensors import floating, named_tensors
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.changes import Change
from hfci.tiny.model import changed

__all__ = ["sound_padding_is_hidden"]

_METHOD = "get_audio_features"
_ROWS = 2
# The norm of each place of a sound.
_NORM = Change("feat_extract_norm", "layer")
# The masks that a sound may have; the last one is the text's, where there is one.
_MASKS = (
    "input_features_mask",
    "feature_attention_mask",
    "audio_attention_mask",
    "input_values_mask",
    "padding_mask",
    "attention_mask",
)


def sound_padding_is_hidden(tiny: TinyModel) -> None:
    """Assert that what stands where the mask of a sound is 0 changes nothing that is made of the sound before it.

    Of two sounds the first is half as long as the other, and padded on the right. Where it is heard beside a text, what
    is compared are its features, which take their places there. Convolutions may reach a little beyond its end: the
    first half of the padding stays as it is. All that is made of it is finite, and so are, in any attention, the places
    of one that is all padding. A norm over all of a sound hears what pads it: where the configuration can choose one of
    each place instead, the model is asked with that.

    Raises `NotApplicable` where a sound has no mask, may not be shorter, or is heard through a text that hides it.
    """
    if (why := excused(tiny, "sound_padding_is_hidden")) is not None:
        raise NotApplicable(why)
    if getattr(tiny.config, _NORM.field, _NORM.value) != _NORM.value:
        tiny = changed(tiny, [_NORM])
    inputs = tiny.inputs()
    name = next((name for name, value in inputs.items() if _is_sound(name, value)), None)
    mask = _mask_of(tiny)
    if name is None or mask is None:
        raise NotApplicable("it is told of no sound where it ends")
    axis = _axis(tiny, inputs, name, mask)
    whole = inputs[name].shape[axis]
    real, reached = whole - whole // 2, whole - whole // 4
    full = inputs.get(mask, torch.ones(_ROWS, whole, dtype=torch.long))
    inputs[mask] = torch.where(torch.arange(whole) < torch.tensor([[real], [whole]]), full, torch.zeros_like(full))
    sounds = inputs[name]
    others = sounds.clone()
    others[0].narrow(axis - 1, reached, whole - reached).copy_(sounds[1].narrow(axis - 1, 0, whole - reached))
    try:
        short = _made_of(tiny, shortened(tiny.inputs() | {mask: full}, name, axis, real))
        made = [_made_of(tiny, inputs | {name: sound}) for sound in (sounds, others)]
        nothing = {
            f"{implementation}: {part}": value
            for implementation, one in with_each_attention(tiny)
            for part, value in _made_beside_nothing(one, inputs, mask).items()
        }
    except StageError as error:
        raise NotApplicable(f"its sounds may not be shorter, or not be padded: {error}") from error
    if broken := [part for part, value in nothing.items() if not bool(torch.isfinite(value).all())]:
        raise AssertionError(
            f"of a sound that is all padding it makes numbers that are not finite: {', '.join(broken)}"
        )
    before, after = ({part: _heard(value, short.get(part)) for part, value in each.items()} for each in made)
    if broken := [part for part, value in before.items() if not bool(torch.isfinite(value).all())]:
        raise AssertionError(f"of a padded sound it makes numbers that are not finite: {', '.join(broken)}")
    if problems := different(tiny, after, before):
        raise AssertionError(f"what pads a sound is heard: {'; '.join(problems)}")


def _is_sound(name: str, value: Any) -> bool:
    """Tell whether an input is a sound, or what was made of one, in numbers that have fractions."""
    return modality_of_parameter().get(name) == "audio" and isinstance(value, Tensor) and value.is_floating_point()


def _mask_of(tiny: TinyModel) -> str | None:
    """Return the argument that is the mask of its sounds: the general one only where nothing else is read."""
    known, inputs = forward_parameters(type(tiny.model)), tiny.inputs()
    masks = _MASKS if "input_ids" not in inputs else _MASKS[:-1]
    return next((name for name in masks if name in known), None)


def _axis(tiny: TinyModel, inputs: Mapping[str, Any], name: str, mask: str) -> int:
    """Return the dimension of time of a sound: as long as its mask, where the inputs have one."""
    if mask not in inputs:
        return axis_of_time(tiny, tiny.inputs((0,)), name)
    places = inputs[mask].shape[-1]
    axes = [axis for axis, size in enumerate(inputs[name].shape) if axis and size == places]
    if len(axes) != 1 or inputs[mask].ndim != 2:
        raise NotApplicable(f"its {mask} has no place for each of a sound")
    return axes[0]


def _made_of(tiny: TinyModel, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return what is made of the first sound: its features where it is heard beside a text, or else its outputs."""
    if "input_ids" in inputs:
        if not hasattr(tiny.model, _METHOD):
            raise NotApplicable("its sounds are heard through a text")
        return {"features": items_of(features_of(tiny, _METHOD, inputs))[0][None]}
    outputs = dict(run(tiny, inputs))
    outputs.pop(forward_parameters(type(tiny.model)).get("cache", ""), None)
    made = floating(named_tensors(outputs))
    return {name: tensor[:1] for name, tensor in made.items() if tensor.ndim and len(tensor) == _ROWS}


def _made_beside_nothing(tiny: TinyModel, inputs: Mapping[str, Any], mask: str) -> dict[str, Tensor]:
    """Return what is made, place by place, of a sound that is all padding, and of another beside it.

    Nothing where it is refused, or heard through a text.
    """
    if "input_ids" in inputs:
        return {}
    beside = inputs[mask].clone()
    beside[0] = 0
    try:
        made = floating(named_tensors(dict(run(tiny, {**inputs, mask: beside}))))
    except StageError:
        return {}
    return {name: tensor for name, tensor in made.items() if tensor.ndim > 2}  # a mean of no places is no number


def _heard(tensor: Tensor, short: Tensor | None) -> Tensor:
    """Return of what is made of a padded sound what is made of it before its end, as long as of the `short` alone."""
    if short is not None and short.ndim == tensor.ndim:
        for axis, (size, real) in enumerate(zip(tensor.shape, short.shape, strict=True)):
            if real < size:
                return tensor.narrow(axis, 0, real)
    return tensor
