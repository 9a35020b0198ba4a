"""Image processors, of the sizes that the tiny model takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hfci.catalog import registries
from hfci.tiny.inputs.context import look_up
from hfci.tiny.inputs.vision import TOWER
from hfci.tiny.processors.arguments import declared, typed_arguments
from hfci.tiny.processors.settings import settings_of

if TYPE_CHECKING:
    from hfci.tiny.model import TinyModel

__all__ = ["build_image_processor", "fed", "fitted"]

_SIDE = 64
_CHANNELS = 3
# An image that is cut into patches has at least and at most so many squares of those that become one feature.
_FEWEST, _MOST = 4, 16


def build_image_processor(cls: type[Any], tiny: TinyModel) -> Any:
    """Return a `cls` whose images are as large as those that `tiny` is fed, as `fitted` says."""
    return fitted(cls, tiny, "pixel_values")


def fitted(cls: type[Any], tiny: TinyModel, pixels: str) -> Any:
    """Return a `cls` that gives what `tiny` takes as `pixels`: so large, in patches of its configuration.

    An argument has what a row of settings gives it, else what the configuration has under its name, else, of a size,
    what the inputs of `tiny` show. Raises what the class raises, ImportError where it needs a package that is absent.
    """
    with registries.quiet():
        other, fixed = settings_of(cls, tiny.model_type)
        known = typed_arguments(cls) | other
        tower = look_up(tiny.config, TOWER, tiny.config)
        arguments = other | {
            name: value
            for name, default in known.items()
            if not _is_a_size(name, default) and (value := declared(name, default, tower, tiny.config)) is not None
        }
        view = _View(fed(tiny), pixels, tower, known | arguments)
        if (frames := view.frames_in_a_patch()) is not None:
            arguments["temporal_patch_size"] = frames
        arguments |= {name: view.size(name, default) for name, default in known.items() if _is_a_size(name, default)}
        return cls(**arguments | fixed)


def fed(tiny: TinyModel) -> dict[str, Any]:
    """Return the inputs of one row of `tiny` by name, of a bundle those of all its models."""
    inputs = tiny.inputs((0,))
    flat: dict[str, Any] = {}
    for name, value in inputs.items():
        flat.update(value if isinstance(value, dict) else {name: value})
    return flat


def _is_a_size(name: str, default: Any) -> bool:
    """Tell whether an argument says how large an image becomes, not how large its patches are."""
    return name.endswith("size") and name != "patch_size" and isinstance(default, dict)


@dataclass(frozen=True)
class _View:
    """What the tiny model sees: its inputs, the configuration of its tower, the arguments that are known so far."""

    inputs: Mapping[str, Any]
    pixels: str
    tower: Any
    arguments: Mapping[str, Any]

    def size(self, name: str, default: Mapping[str, int]) -> dict[str, int]:
        """Return a size with the keys of its default: what the tiny model is fed, or in proportion to that."""
        height, width = self._sides(name)
        scale = self._scale(name, default)
        shorter, longer = int(scale * min(height, width)), int(scale * max(height, width))
        keys = default.keys()
        if keys == {"height", "width"}:
            return {"height": int(scale * height), "width": int(scale * width)}
        if keys == {"shortest_edge"}:
            return {"shortest_edge": longer}
        if keys == {"longest_edge"}:
            return {"longest_edge": longer}
        if keys == {"max_height", "max_width"}:
            return dict.fromkeys(keys, longer)
        if "patch_size" in self.arguments:
            area = (self.arguments["patch_size"] * (self.arguments.get("merge_size") or 1)) ** 2
            return dict(zip(sorted(keys, reverse=True), (_FEWEST * area, _MOST * area), strict=True))
        if keys == {"shortest_edge", "longest_edge"}:
            longer = longer * default["longest_edge"] // default["shortest_edge"]
            return {"shortest_edge": shorter, "longest_edge": longer}
        return dict(default)

    def frames_in_a_patch(self) -> int | None:
        """Return of how many frames the patches are that the model is fed, side by side; None where it is fed none."""
        pixels = self.inputs.get(self.pixels)
        edge = self.arguments.get("patch_size")
        if (
            pixels is None
            or pixels.ndim > 3
            or not isinstance(edge, int)
            or "temporal_patch_size" not in self.arguments
        ):
            return None
        frames: int = pixels.shape[-1] // (3 * edge * edge)
        return max(frames, 1)

    def _sides(self, name: str) -> tuple[int, int]:
        """Return height and width of the images that a size is of: `codebook_size` is of `codebook_pixel_values`."""
        for prefix in (name.removesuffix("size").removesuffix("crop_"), ""):
            pixels = self.inputs.get(f"{prefix}{self.pixels}")
            if pixels is not None and pixels.ndim > 3:
                channels_last = pixels.shape[-1] == _CHANNELS != pixels.shape[-3]
                height, width = pixels.shape[-3:-1] if channels_last else pixels.shape[-2:]
                return height, width
        side = look_up(self.tower, "image_size|img_size", _SIDE)
        edges = list(side) if isinstance(side, (list, tuple)) else [side, side]
        return edges[-2], edges[-1]

    def _scale(self, name: str, default: Mapping[str, int]) -> float:
        """Return how much larger than what the model is fed a size is: as much as by default, where it is another's."""
        tile = "max_image_size"
        whole = tile if isinstance(self.arguments.get(tile), dict) else "size"
        of_the_input = {whole} if whole == tile else {"size", "crop_size", "pad_size"}
        principal = self.arguments.get(whole)
        if name in of_the_input or f"{name.removesuffix('size')}{self.pixels}" in self.inputs or not principal:
            return 1.0
        scale: float = max(default.values()) / max(principal.values())
        return scale
