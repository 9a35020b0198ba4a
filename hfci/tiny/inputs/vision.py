"""Images and videos, as pixels or as flattened patches with their grid."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from hfci.catalog.facts import FEATURE_METHODS
from hfci.tiny.inputs.context import Context

__all__ = [
    "TOWER",
    "flattened_inputs",
    "named_pixel_inputs",
    "patch_inputs",
    "pixel_inputs",
    "tower_inputs",
    "video_inputs",
]

_SIDE = 64
_FRAMES = 4
TOWER = "vision_config|image_config|vision_tower_config|perceptual_config|visual_config"


def _pair(value: Any) -> tuple[int, int]:
    sides = list(value) if isinstance(value, (list, tuple)) else [value, value]
    if isinstance(value, dict):
        sides = list(value.values())
    return int(sides[-2]), int(sides[-1])


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) else default


def _tower(context: Context) -> Context:
    return Context(context.model, context.part(TOWER), context.row, context.seed)


def _image_shape(context: Context) -> tuple[int, int, int]:
    tower = _tower(context)
    channels = _number(tower.find("num_channels|in_channels|in_chans|num_image_channels|image_channels"), 3)
    side = tower.find("image_size|img_size|pretrain_image_size|input_size", _SIDE)
    height, width = _pair(side) if not isinstance(side, int) or side > 1 else (_SIDE, _SIDE)
    return channels, height, width


def pixel_inputs(context: Context) -> dict[str, Any]:
    """Return `pixel_values` (1, channels, height, width) and what accompanies them.

    (1, frames, channels, height, width) where the class sees videos alone; a flat list of patches where it also takes
    their grid.
    """
    if {"image_grid_thw", "grid_thw"} & context.parameters.keys():
        return patch_inputs(context, "pixel_values", "image_grid_thw")
    channels, height, width = _image_shape(context)
    shape: tuple[int, ...] = (1, channels, height, width)
    modalities = context.model.input_modalities
    if "video" in modalities and "image" not in modalities:
        shape = (1, _number(context.find("num_frames"), _FRAMES), channels, height, width)
    pinpoints = context.find("image_grid_pinpoints")
    if pinpoints and "image_sizes" in context.parameters:  # tiles of the tower's size, and the whole picture once more
        tall, wide = pinpoints[0]
        tiles = (tall // height) * (wide // width) + 1
        return {
            "pixel_values": context.normal("pixel_values", 1, tiles, channels, height, width),
            "image_sizes": torch.tensor([[tall, wide]]),
        }
    if "pixel_attention_mask" in context.parameters and "spatial_shapes" not in context.parameters:
        # several pictures a row: here one
        mask = torch.ones(1, 1, height, width, dtype=torch.bool)
        return {"pixel_values": context.normal("pixel_values", 1, *shape), "pixel_attention_mask": mask}
    inputs: dict[str, Any] = {"pixel_values": context.normal("pixel_values", *shape)}
    sized = "image_sizes" in context.parameters and _tower_takes(context, "image_sizes")
    if sized or "image_sizes" in context.required:
        inputs["image_sizes"] = torch.tensor([[height, width]])
    return inputs


def _tower_takes(context: Context, name: str) -> bool:
    """Say whether a tower of the model takes `name` itself: some wholes offer it for the sake of a few of them."""
    parts = (module for module in context.model.modules() if module is not context.model)
    towers = (part for part in parts if not any(hasattr(part, method) for method in FEATURE_METHODS))
    return any(name in inspect.signature(tower.forward).parameters for tower in towers)


def video_inputs(context: Context) -> dict[str, Any]:
    """Return `pixel_values_videos` (1, frames, channels, height, width), or patches where their grid is taken."""
    if "video_grid_thw" in context.parameters:
        return patch_inputs(context, "pixel_values_videos", "video_grid_thw")
    channels, height, width = _image_shape(context)
    frames = _number(_tower(context).find("num_frames"), _FRAMES)
    return {"pixel_values_videos": context.normal("pixel_values_videos", 1, frames, channels, height, width)}


def named_pixel_inputs(context: Context) -> dict[str, Any]:
    """Return the same under the name by which video_llava told pictures from videos before transformers 5.20."""
    inputs = pixel_inputs(context)
    return {"pixel_values_images": inputs.pop("pixel_values"), **inputs}


def flattened_inputs(context: Context) -> dict[str, Any]:
    """Return `flattened_patches` (1, patches, 2 + channels x height x width of a patch): row, column, pixels."""
    tower = _tower(context)
    channels = _number(tower.find("num_channels"), 3)
    patch = _number(tower.find("patch_size"), 16)
    rows, columns = 2, 3
    places = torch.cartesian_prod(torch.arange(1, rows + 1), torch.arange(1, columns + 1)).float()
    pixels = context.normal("flattened_patches", rows * columns, channels * patch * patch)
    return {"flattened_patches": torch.cat([places, pixels], dim=-1)[None]}


def tower_inputs(context: Context) -> dict[str, Any]:
    """Return the patches of a tower fed by its parent, under the name it takes them by, and their grid."""
    name = next((name for name in ("hidden_states", "pixel_values") if name in context.parameters), "pixel_values")
    return patch_inputs(context, name, "grid_thw")


def patch_inputs(context: Context, name: str, grid_name: str) -> dict[str, Any]:
    """Return `name` (patches, channels x time x height x width of one) and `grid_name` (1, 3): time, rows, columns."""
    tower = _tower(context)
    merge = _number(tower.find("spatial_merge_size|merge_size"), 1)
    grid = (1, 2 * merge, 2 * merge)
    patch_height, patch_width = _pair(tower.find("patch_size", 14))
    depth = _number(tower.find("temporal_patch_size|patch_temporal"), 1)
    channels = _number(tower.find("in_channels|num_channels|in_chans"), 3)
    width = channels * depth * patch_height * patch_width
    patches = context.normal(name, grid[0] * grid[1] * grid[2], width)
    grid_name = grid_name if grid_name in context.parameters else "grid_thw"
    return {name: patches, grid_name: torch.tensor([grid])}
