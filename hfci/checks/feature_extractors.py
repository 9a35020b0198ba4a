"""What a feature extractor makes of one sound, whatever stands beside it and however long it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
from torch import Tensor
from transformers.utils.generic import PaddingStrategy

from hfci.checks.exceptions import names_excepted
from hfci.checks.limited_memory import at_most
from hfci.checks.processing import answer_to_sounds, difference, processor_of, tensors
from hfci.errors import Broken
from hfci.tiny import TinyModel
from hfci.tiny.processors.samples import sound

__all__ = ["feature_extractor_lengths_and_masks"]

Answer = dict[str, Any]

# Seconds of sounds that stand side by side, and of some that are shorter than what a frame is made of.
_SECONDS = (0.7, 0.4, 0.55)
_SHORT = (1, 30)
# Bytes that a sound of less than a second may take: two channels taken for two samples become a matrix of seconds.
_MEMORY = 2 << 30
# What rounding does to a logarithm of energies; a sum over another number of zeros is rounded in another order.
_TOLERANCE = 2e-3
# Frames at the end of a sound whose windows reach over it: alone to its mirror image, beside others to what pads it.
_EDGE = 3
# What an extractor calls the mask of its frames or samples.
_MASKS = ("attention_mask", "input_features_mask", "padding_mask", "input_values_mask", "audio_attention_mask")


def feature_extractor_lengths_and_masks(tiny: TinyModel) -> None:
    """Assert that a sound gives the same alone and beside a longer one, whose mask has as many places as it has itself.

    Silence gives numbers; so do very short and stereo sounds, or they are refused, as another sampling rate is. That
    sounds are to be padded (`padding=True`) means what it is documented to mean.
    """
    extractor = processor_of(tiny, "feature_extractor")

    drawn = names_excepted(tiny, "feature_extractor_lengths_and_masks", "drawn")

    def ask(sounds: Any, **options: Any) -> Answer:
        return answer_to_sounds(extractor, sounds, **options)

    problems = {
        "beside others": list(_beside_others(ask, extractor, drawn)),
        "padding": list(_padded_by_a_flag(ask, extractor, drawn)),
        "unusual sounds": list(_unusual(ask, extractor)),
        "another rate": list(_of_another_rate(ask, extractor)),
    }
    if said := [problem for some in problems.values() for problem in some]:
        what = (name for name, some in problems.items() if some)
        raise Broken(f"{type(extractor).__name__}: {'; '.join(said)}", what)


def _beside_others(ask: Callable[..., Answer], extractor: Any, drawn: Collection[str]) -> Iterator[str]:
    """Yield what of several sounds is not what each gives alone, or is more than its mask says."""
    sounds = [_sound(extractor, seconds, seed) for seed, seconds in enumerate(_SECONDS)]
    handed = list(sounds)
    options = _padded(extractor)
    together = tensors(ask(handed, **options))
    if any(one is not other for one, other in zip(handed, sounds, strict=True)):
        yield "it writes into the list of sounds that it is given"
    for place, one in enumerate(sounds):
        alone = tensors(ask([one], **options))
        for name, value in together.items():
            if not value.ndim or len(value) != len(sounds) or name not in alone or name in drawn:
                continue
            row, single = value[place], alone[name][0]
            inner = tuple(slice(size) for size in single.shape)
            if row.ndim != single.ndim or row[inner].shape != single.shape:
                yield f"{name} of sound {place} is {tuple(single.shape)} alone, in {tuple(row.shape)}"
            elif name in _MASKS and int(row.sum()) != int(single.sum()):
                yield f"{name} of sound {place} has {int(row.sum())} places, alone {int(single.sum())}"
            elif name not in _MASKS and (wrong := _unlike(row, single, _mask_of(alone, single))):
                yield f"{name} of sound {place} {wrong}"


def _sound(extractor: Any, seconds: float, seed: int = 0) -> Any:
    """Return a sound of whole frames, whatever their length, so that none is of the sound and of what pads it."""
    frame = getattr(extractor, "hop_length", 1)
    return sound(max(int(seconds * extractor.sampling_rate) // frame, 1) * frame, seed=seed)


def _padded(extractor: Any) -> dict[str, Any]:
    """Return the option by which sounds are padded, of an extractor that does not do so by default."""
    padding = inspect.signature(type(extractor).__call__).parameters.get("padding")
    return {"padding": True} if padding is not None and not padding.default else {}


def _padded_by_a_flag(ask: Callable[..., Answer], extractor: Any, drawn: Collection[str]) -> Iterator[str]:
    """Yield that `padding=True` is not padding to the longest, or, of an extractor of modes of its own, its own one."""
    if "padding" not in inspect.signature(type(extractor).__call__).parameters:
        return
    own = getattr(extractor, "padding", None)
    is_own = isinstance(own, str) and own not in {strategy.value for strategy in PaddingStrategy}
    meaning = own if is_own else PaddingStrategy.LONGEST.value
    samples = _sound(extractor, _SECONDS[1])
    try:
        told = ask([samples], padding=True)
    except Exception as error:
        yield f"padding=True: {type(error).__name__}: {error}"
        return
    meant = ask([samples], padding=meaning)
    fixed, wanted = ({name: one for name, one in some.items() if name not in drawn} for some in (told, meant))
    if wrong := difference(fixed, wanted, _TOLERANCE):
        yield f"padding=True is not {meaning!r}: {wrong}"


def _mask_of(answer: dict[str, Tensor], features: Tensor) -> Tensor | None:
    """Return the mask of a sound alone, if it is one of places that its features have."""
    masks = (answer[name][0].bool() for name in _MASKS if name in answer)
    return next((mask for mask in masks if mask.ndim == 1 and len(mask) in features.shape), None)


def _unlike(row: Tensor, single: Tensor, mask: Tensor | None) -> str:
    """Return by how much a sound's features beside others differ from those alone, where no window reaches over it."""
    padded = [axis for axis, size in enumerate(single.shape) if row.shape[axis] != size]
    row = row[tuple(slice(size) for size in single.shape)]
    if mask is not None:
        axis = single.shape.index(len(mask))
        row, single = (one.movedim(axis, 0)[mask][:-_EDGE] for one in (row, single))
    elif padded:
        row, single = (one.movedim(padded[0], 0)[:-_EDGE] for one in (row, single))
    wrong = difference({"": row}, {"": single}, _TOLERANCE)
    return f"differs{wrong}" if wrong else ""


def _unusual(ask: Callable[..., Answer], extractor: Any) -> Iterator[str]:
    """Yield which of silence, of short and of stereo sounds gives no finite numbers and is not refused either."""
    usual = _sound(extractor, _SECONDS[0])
    unusual = {
        "silence": np.zeros_like(usual),
        **{f"a sound of {samples} samples": sound(samples) for samples in _SHORT},
        "a stereo sound, a channel a row": np.stack([usual, usual]),
        "a stereo sound, a channel a column": np.stack([usual, usual], -1),
    }
    for what, samples in unusual.items():
        try:
            with at_most(_MEMORY):
                answer = tensors(ask([samples]))
        except Exception as error:  # of silence it must not be
            if what == "silence" or isinstance(error, MemoryError):
                yield f"{what}: {type(error).__name__}: {error}"
            continue
        for name, value in answer.items():
            if value.is_floating_point() and not bool(value.isfinite().all()):
                yield f"{what}: {name} is not finite"


def _of_another_rate(ask: Callable[..., Answer], extractor: Any) -> Iterator[str]:
    """Yield that a sound of another rate than its own is neither refused nor resampled, where it can be told."""
    if "sampling_rate" not in inspect.signature(type(extractor).__call__).parameters:
        return
    samples = _sound(extractor, _SECONDS[0])
    try:
        answer = ask([samples], sampling_rate=extractor.sampling_rate // 2)
    except ValueError:
        return
    if not difference(answer, ask([samples]), _TOLERANCE):
        yield "a sound of half its sampling rate is taken for one of its own"
