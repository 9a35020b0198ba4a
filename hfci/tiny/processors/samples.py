"""Images and sounds to hand to a processor, and how each class wants several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hfci.catalog import read_row, registries
from hfci.tiny.inputs.context import demanded

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["arranged", "companions", "one_each", "picture", "size_of", "sound", "takes_pairs"]

_FRAMES = 4
_LOUDNESS = 0.1
_CHANNELS = (1, 3, 4)


def picture(height: int, width: int, *, seed: int = 0, channels: int = 3) -> Any:
    """Return an array (height, width, channels) of bytes, that of a grayscale image (height, width).

    Its blocks are as large as what an image may lose when it is made smaller, so that sizes and sides can be told.
    """
    numbers = np.random.default_rng(seed)
    blocks = numbers.integers(0, 256, (-(-height // 8), -(-width // 8), channels), dtype=np.uint8)
    pixels = blocks.repeat(8, 0).repeat(8, 1)[:height, :width]
    return np.ascontiguousarray(pixels[..., 0] if channels == 1 else pixels)


def sound(samples: int, *, seed: int = 0) -> Any:
    """Return a waveform of so many samples, float32."""
    return (_LOUDNESS * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def takes_pairs(tiny: TinyModel) -> bool:
    """Tell whether an image processor of its model type takes two images at a time, to match what is in them."""
    names = (architecture.name for architecture in read_row(tiny.model_type).architectures)
    return any("FOR_KEYPOINT_MATCHING" in registries.tables_of_class(name) for name in names)


def arranged(tiny: TinyModel, pictures: Sequence[Any]) -> list[Any]:
    """Return pictures as items that an image processor of its model type takes: as they are, in pairs, or as frames."""
    if takes_pairs(tiny):
        return [[one, one] for one in pictures]
    modalities = tiny.model.input_modalities
    if "video" in modalities and "image" not in modalities:
        return [[one] * _FRAMES for one in pictures]
    return list(pictures)


def companions(processor: Any, sizes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return what an image processor demands besides images of these sizes: an empty map, or the one box, of each."""
    wanted = demanded(processor.preprocess)
    made = {
        "trimaps": [np.zeros(size, np.uint8) for size in sizes],
        "boxes": [[[0.0, 0.0, float(width), float(height)]] for height, width in sizes],
    }
    return {name: value for name, value in made.items() if name in wanted}


def one_each(processor: Any, texts: Sequence[str], images: Sequence[Any]) -> list[Any]:
    """Return images, of which each text is to have one, as `processor` takes them: in lists of one, or in one list.

    In lists of one they are too where it takes neither.
    """
    in_lists = [[image] for image in images]
    for form in (in_lists, list(images)):
        try:
            processor(text=list(texts), images=form, padding=True, return_tensors="pt")
        except (ValueError, TypeError, IndexError):
            continue
        return form
    return in_lists


def size_of(image: Any) -> tuple[int, int]:
    """Return height and width of a PIL image, or of an array or tensor with its channels at either end."""
    if not hasattr(image, "shape"):
        return image.height, image.width
    first = len(image.shape) == 3 and image.shape[0] in _CHANNELS and image.shape[-1] not in _CHANNELS
    height, width = image.shape[1:] if first else image.shape[:2]
    return height, width
