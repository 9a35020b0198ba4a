"""Images and sounds to hand to a processor, and how each class wants several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hfci.catalog import read_row, registries
from hfci.tiny.inputs.context import demanded

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["arranged", "companions", "picture", "sound", "takes_pairs"]

_FRAMES = 4
_LOUDNESS = 0.1


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


def companions(processor: Any, pictures: Sequence[Any]) -> dict[str, Any]:
    """Return what an image processor demands besides the images: a map of each, or the boxes in it."""
    wanted = demanded(processor.preprocess)
    made = {
        "trimaps": [one[..., 0] if one.ndim == 3 else one for one in pictures],
        "boxes": [[[0.0, 0.0, float(one.shape[1]), float(one.shape[0])]] for one in pictures],
    }
    return {name: value for name, value in made.items() if name in wanted}
