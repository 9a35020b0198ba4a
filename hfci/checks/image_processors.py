"""What an image processor makes of one image, whatever stands beside it and however it is handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from hfci.checks.processing import answer_to_images, difference, is_refusal, processor_of, tensors
from hfci.tiny import TinyModel
from hfci.tiny.processors.samples import picture

__all__ = ["image_processor_batch_equals_single"]

Answer = dict[str, Any]

# Height and width of images that stand side by side: lying, upright, square.
_SIZES = ((40, 100), (90, 50), (64, 64))
_SIZE = _SIZES[0]
# Images of one pixel, and of one that are many times as long as wide.
_EXTREMES = ((1, 1), (1, 200), (200, 1), (3, 300))
_LARGE = (150, 300)
# How far numbers may lie apart that come from the same bytes, and from floats that are rounded to bytes on the way:
# one level in 255, divided by the smallest deviation that a class normalises with (0.225).
_EXACT, _ROUNDED = 1e-5, 2e-2

# The same image in another form: how it is handed over, with which options, and how far what comes of it may differ.
_FORMS: dict[str, tuple[Callable[[Any], Any], dict[str, Any], float]] = {
    "a PIL image": (Image.fromarray, {}, _EXACT),
    "channels first": (lambda pixels: np.ascontiguousarray(np.moveaxis(pixels, -1, 0)), {}, _EXACT),
    "a tensor": (lambda pixels: torch.from_numpy(pixels).permute(2, 0, 1), {}, _EXACT),
    "floats up to 255": (lambda pixels: pixels.astype(np.float32), {}, _ROUNDED),
}


def image_processor_batch_equals_single(tiny: TinyModel) -> None:
    """Assert that an image gives the same alone, in a batch, as an array, PIL image or tensor, of bytes or floats.

    Images of other colours and of extreme sizes give numbers, or are refused in the class's own words.
    """
    processor = processor_of(tiny, "image_processor")

    def ask(*images: Any, **options: Any) -> Answer:
        return answer_to_images(tiny, processor, images, **options)

    problems = [*_in_batches(ask), *_in_other_forms(ask, processor), *_in_other_colours(ask), *_of_extreme_sizes(ask)]
    if problems:
        raise AssertionError(f"{type(processor).__name__}: {'; '.join(problems)}")


def _in_batches(ask: Callable[..., Answer]) -> Iterator[str]:
    """Yield what is wrong with images of one size, which no class refuses, and of several, beside one another."""
    alike = [picture(*_SIZE, seed=seed) for seed in range(3)]
    if wrong := _apart(ask(*alike), [ask(one) for one in alike]):
        yield f"images of one size are not what they are alone: {wrong}"
    mixed = [picture(*size, seed=seed) for seed, size in enumerate(_SIZES)]
    together = _unless_refused(ask, *mixed)
    if isinstance(together, str):
        yield f"images of several sizes: {together}"
    elif together is not None and (wrong := _apart(together, [ask(one) for one in mixed])):
        yield f"images of several sizes are not what they are alone: {wrong}"


def _in_other_forms(ask: Callable[..., Answer], processor: Any) -> Iterator[str]:
    """Yield of which forms an image gives something else than as an array of bytes."""
    pixels = picture(*_SIZE)
    usual = ask(pixels)
    forms = dict(_FORMS)
    if getattr(processor, "do_rescale", False):
        scale = processor.rescale_factor
        forms["floats, rescaled already"] = (lambda pixels: np.float32(pixels * scale), {"do_rescale": False}, _ROUNDED)
    for form, (converted, options, tolerance) in forms.items():
        given = _unless_refused(ask, converted(pixels), **options)
        if isinstance(given, str):
            yield f"{form}: {given}"
        elif given is not None and (wrong := difference(given, usual, tolerance)):
            yield f"{form}: {wrong}"


def _in_other_colours(ask: Callable[..., Answer]) -> Iterator[str]:
    """Yield what is wrong with images of one channel and of four: each channel is kept, or they become three."""
    rgb, gray = picture(*_SIZE), picture(*_SIZE, channels=1)
    opaque = np.dstack([rgb, np.full(_SIZE, 255, np.uint8)])
    for colours, image, equal in (
        ("grayscale", gray[..., None], np.dstack([gray] * 3)),
        ("a grayscale PIL image", Image.fromarray(gray), np.dstack([gray] * 3)),
        ("RGBA", opaque, rgb),
        ("an RGBA PIL image", Image.fromarray(opaque), rgb),
    ):
        given = _unless_refused(ask, image)
        if isinstance(given, str):
            yield f"{colours}: {given}"
        elif given is not None and (wrong := difference(given, ask(equal), _EXACT)) and not _keeps(given, ask(equal)):
            yield f"{colours}: {wrong}"


def _of_extreme_sizes(ask: Callable[..., Answer]) -> Iterator[str]:
    """Yield which extreme sizes give no finite numbers, or another shape where all others give one."""
    usual = [tensors(ask(picture(*size))) for size in (*_SIZES, _LARGE)]
    for size in _EXTREMES:
        given = _unless_refused(ask, Image.fromarray(picture(*size)))
        if isinstance(given, str):
            yield f"{size}: {given}"
        for name, value in tensors(given).items() if isinstance(given, dict) else ():
            shapes = {one[name].shape[-3:] for one in usual if name in one}  # there may be several of an image
            if value.is_floating_point() and not bool(value.isfinite().all()):
                yield f"{size}: {name} is not finite"
            elif len(shapes) == 1 and value.shape[-3:] not in shapes:
                yield f"{size}: {name} is {tuple(value.shape)}, of all other sizes {tuple(*shapes)}"


def _unless_refused(ask: Callable[..., Answer], *images: Any, **options: Any) -> Answer | str | None:
    """Return the answer; None where it is refused, and what happened where that is no refusal."""
    try:
        return ask(*images, **options)
    except Exception as error:
        return None if is_refusal(error) else f"{type(error).__name__}: {error}"


def _apart(together: Answer, alone: list[Answer]) -> str:
    """Return which part of an answer to several images is not what they give alone, padded; empty where all are."""
    for name, value in together.items():
        singles = [one[name] for one in alone if name in one]
        if isinstance(value, Tensor):
            if wrong := _not_side_by_side(value, [torch.as_tensor(single) for single in singles]):
                return f"{name} {wrong}"
        elif _numbers(value) != [number for single in singles for number in _numbers(single)]:
            return f"{name} is {value}, alone {singles}"
    return ""


def _numbers(value: Any) -> list[float]:
    """Return the numbers of lists within lists, one behind the other."""
    return [float(number) for one in tensors({"": value}).values() for number in one.flatten()]


def _not_side_by_side(whole: Tensor, parts: list[Tensor]) -> str:
    """Return why `whole` is not `parts` one behind the other in any dimension, each padded with a colour, or ''."""
    if not whole.ndim:  # of the batch as a whole
        return "" if whole in parts else f"is {whole}, alone {parts}"
    for dimension in range(whole.ndim):
        sizes = [part.shape[dimension] if part.ndim == whole.ndim else -1 for part in parts]
        if sum(sizes) != whole.shape[dimension]:
            continue
        for place, (piece, part) in enumerate(zip(torch.split(whole, sizes, dimension), parts, strict=True)):
            inner = tuple(slice(size) for size in part.shape)
            if piece[inner].shape != part.shape:
                return f"of image {place} is {tuple(part.shape)} alone, in {tuple(piece.shape)}"
            if not torch.allclose(piece[inner].double(), part.double(), rtol=0, atol=_EXACT):
                return f"of image {place} differs by {float((piece[inner].double() - part.double()).abs().max()):.3g}"
            outside = torch.ones_like(piece, dtype=torch.bool)
            outside[inner] = False
            if len(torch.unique(piece[outside])) > 3:
                return f"of image {place} is padded with more than one colour"
        return ""
    return f"is {tuple(whole.shape)}, alone {[tuple(part.shape) for part in parts]}"


def _keeps(given: Answer, usual: Answer) -> bool:
    """Tell whether an answer has the channels of its image, those that the usual one has too with the same numbers."""
    first, second = tensors(given), tensors(usual)
    for name, value in first.items():
        other = second.get(name)
        if other is None or value.ndim != other.ndim:
            return False
        common = tuple(slice(min(pair)) for pair in zip(value.shape, other.shape, strict=True))
        differing = [a != b for a, b in zip(value.shape, other.shape, strict=True)]
        if sum(differing) > 1 or (any(differing) and not {value.shape[differing.index(True)]} <= {1, 4}):
            return False
        if difference({name: value[common]}, {name: other[common]}, _EXACT):
            return False
    return True
