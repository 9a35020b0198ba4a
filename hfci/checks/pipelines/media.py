"""Images and sounds that pipelines are given: small, and no two alike."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["HEIGHT", "WIDTH", "images", "sounds", "videos"]

# Neither square nor alike, so that one in the place of the other is seen.
HEIGHT, WIDTH = 48, 64
_SECONDS = 0.5


def images() -> list[Any]:
    """Return three images of the same size: each a coloured square in another corner of a striped ground."""
    stripes = (np.arange(WIDTH)[None, :, None] // 4 % 2 * 120 + np.zeros((HEIGHT, 1, 3))).astype(np.uint8)
    pictures = []
    for place in range(3):
        picture = stripes.copy()
        top, left = 6 + 12 * place, 4 + 20 * place
        picture[top : top + 16, left : left + 20] = np.eye(3, dtype=np.uint8)[place] * 250
        pictures.append(Image.fromarray(picture))
    return pictures


def videos(folder: str) -> list[str]:
    """Return the paths of three videos, written into `folder` with PyAV: each an image that moves to the right.

    Raises ImportError where that is not installed.
    """
    av: Any = importlib.import_module("av")
    paths = []
    for place, picture in enumerate(images()):
        file = Path(folder, f"video-{place}.mp4")
        with av.open(str(file), "w") as container:
            stream = container.add_stream("mpeg4", rate=8)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for step in range(16):
                frame = av.VideoFrame.from_ndarray(np.roll(np.asarray(picture), 2 * step, axis=1), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        paths.append(str(file))
    return paths


def sounds(sampling_rate: int) -> list[Any]:
    """Return three mono sounds of half a second: two tones each, of other heights in each."""
    time = np.arange(int(_SECONDS * sampling_rate)) / sampling_rate
    tones = ((220, 700), (330, 1100), (440, 1500))
    return [
        (0.4 * np.sin(2 * np.pi * low * time) + 0.2 * np.sin(2 * np.pi * high * time)).astype(np.float32)
        for low, high in tones
    ]
