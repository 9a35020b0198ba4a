"""Video processors, of the sizes that the tiny model takes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from hfci.tiny.processors.images import fitted

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["build_video_processor"]


def build_video_processor(cls: type[Any], tiny: TinyModel) -> Any:
    """Return a `cls` whose frames are as large as those of the videos that `tiny` is shown, as `fitted` says."""
    return fitted(cls, dataclasses.replace(tiny, shown="video"), "pixel_values_videos")
