"""Does the image processor put what a model gives back into images of the sizes that it is told?"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.catalog import registries
from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import reason
from hfci.checks.processing import processor_of
from hfci.checks.running import reference_forward
from hfci.tiny import TinyModel

__all__ = ["depth_and_keypoint_scales", "detection_postprocess_within_image", "segmentation_postprocess_sizes"]

# Height and width of the image of each row: neither square nor alike, so that one in the place of another is seen.
_SIZES = ((40, 100), (90, 30))

# How far a box may lie from where it should, in pixels, by rounding; a keypoint is cut to whole ones.
_ROUNDING, _PIXEL = 1e-3, 1.0

# Auto table → what the image processors of its heads have for them.
_SEGMENTATIONS = {
    "FOR_SEMANTIC_SEGMENTATION": ("semantic_segmentation",),
    **dict.fromkeys(
        ("FOR_IMAGE_SEGMENTATION", "FOR_INSTANCE_SEGMENTATION", "FOR_UNIVERSAL_SEGMENTATION"),
        ("instance_segmentation", "panoptic_segmentation", "semantic_segmentation"),
    ),
}
_SCALED = {
    "FOR_DEPTH_ESTIMATION": ("depth_estimation",),
    "FOR_KEYPOINT_DETECTION": ("keypoint_detection",),
    "FOR_KEYPOINT_MATCHING": ("keypoint_matching",),
}


def detection_postprocess_within_image(tiny: TinyModel) -> None:
    """Assert that each box found is one of the model's, in pixels of its own image: height by height, width by width.

    Its centre lies in the image, it has a score between 0 and 1 and one of the model's labels.

    Raises `NotApplicable` where transformers' table has no image processor for its model type.
    """
    outputs = reference_forward(tiny)
    square, unbounded = (
        reason(tiny, "detection_postprocess_within_image", kind) is not None for kind in ("square", "unbounded")
    )
    problems = []
    for row, (detections, (height, width)) in enumerate(_each(tiny, "post_process_object_detection", outputs)):
        boxes, scores, labels = (detections[name] for name in ("boxes", "scores", "labels"))
        if not len(boxes) == len(scores) == len(labels) > 0:
            problems.append(f"row {row} has {len(boxes)} boxes, {len(scores)} scores and {len(labels)} labels")
            continue
        scale = torch.tensor([max(height, width)] * 2 if square else [width, height])
        centre, sides = _sides(outputs.pred_boxes[row])
        problems += _away(f"row {row}: boxes", boxes, sides * scale.repeat(2), _ROUNDING)
        if not unbounded and _outside(centre):
            problems.append(f"row {row}: centres of boxes lie outside the image")
        if _outside(scores) or not set(labels.tolist()) <= set(range(outputs.logits.shape[-1])):
            problems.append(f"row {row}: scores are no probabilities, or labels are no classes")
    _conclude(problems)


def _sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return centre, and left, top, right and bottom, of boxes: of a centre and an extent, or a centre and corners.

    Of corners the offsets from the centre are told, a half more, in the place of an extent.
    """
    centre, rest = boxes[..., :2], boxes[..., 2:].reshape(*boxes.shape[:-1], -1, 2)
    corners = (
        centre[..., None, :] + rest - 0.5
        if rest.shape[-2] > 1
        else torch.stack([centre - rest[..., 0, :] / 2, centre + rest[..., 0, :] / 2], -2)
    )
    return centre, torch.cat([corners.amin(-2), corners.amax(-2)], -1)


def segmentation_postprocess_sizes(tiny: TinyModel) -> None:
    """Assert that each image gets a map of its own size: of classes that there are, or of the segments named beside.

    Raises `NotApplicable` where transformers' table has no image processor for its model type.
    """
    methods = _methods(tiny, _SEGMENTATIONS)
    if reason(tiny, "segmentation_postprocess_sizes", "no_instances") is not None:
        methods.remove("post_process_instance_segmentation")
    problems = []
    for method in methods:
        for row, (result, size) in enumerate(_each(tiny, method, reference_forward(tiny))):
            plain = isinstance(result, Tensor)
            drawn = result if plain else result["segmentation"]
            known = range(tiny.config.num_labels) if plain else {-1, 0} | {one["id"] for one in result["segments_info"]}
            if tuple(drawn.shape) != size:
                problems.append(f"{method}, row {row}: a map of {tuple(drawn.shape)} for an image of {size}")
            elif strange := set(drawn.unique().tolist()) - set(known):
                problems.append(f"{method}, row {row}: the map names {sorted(strange)}, which nothing else does")
    _conclude(problems)


def depth_and_keypoint_scales(tiny: TinyModel) -> None:
    """Assert that each image gets a depth for each pixel, or keypoints that are the model's, in its own pixels.

    Raises `NotApplicable` where transformers' table has no image processor for its model type.
    """
    outputs = reference_forward(tiny)
    unbounded = reason(tiny, "depth_and_keypoint_scales", "unbounded") is not None
    problems = []
    for method in _methods(tiny, _SCALED):
        pairs = method == "post_process_keypoint_matching"
        sizes = [(size, size[::-1]) for size in _SIZES] if pairs else _SIZES
        for row, (result, size) in enumerate(_each(tiny, method, outputs, sizes)):
            if "predicted_depth" in result:
                if tuple(result["predicted_depth"].shape) != size:
                    shape = tuple(result["predicted_depth"].shape)
                    problems.append(f"row {row}: depths of {shape} for an image of {size}")
                continue
            images = zip(("keypoints0", "keypoints1"), outputs.keypoints[row], size, strict=True) if pairs else ()
            for name, relative, (height, width) in images or (("keypoints", outputs.keypoints[row], size),):
                scale, points = torch.tensor([width, height]), result[name].float()
                problems += _away(f"row {row}: {name}", points, relative * scale, _PIXEL)
                if not unbounded and _outside(points / scale):
                    problems.append(f"row {row}: {name} lie outside the image")
    _conclude(problems)


def _methods(tiny: TinyModel, kinds: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the methods that its tables ask for, which of several kinds not every processor has."""
    tables = registries.tables_of_class(tiny.architecture)
    wanted = [f"post_process_{name}" for name in sorted({name for table in tables for name in kinds.get(table, ())})]
    processor = processor_of(tiny, "image_processor")
    methods = [name for name in wanted if hasattr(processor, name)]
    if not methods:
        raise NotApplicable(f"its image processor, {type(processor).__name__}, has no {' and no '.join(wanted)}")
    return methods


def _each(tiny: TinyModel, method: str, outputs: Any, sizes: Any = _SIZES) -> Iterator[tuple[Any, Any]]:
    """Yield what a method makes of each row of outputs, with the size that it is told of that row's image."""
    process = getattr(processor_of(tiny, "image_processor"), method)
    known = inspect.signature(process).parameters
    options = {"target_sizes": list(sizes), "source_sizes": list(sizes), "threshold": 0.0}
    results = process(outputs, **{name: value for name, value in options.items() if name in known})
    if len(results) != len(sizes):
        raise AssertionError(f"{method} gives {len(results)} of {len(sizes)} images")
    yield from zip(results, sizes, strict=True)


def _away(what: str, points: Tensor, wanted: Tensor, allowed: float) -> list[str]:
    """Return whether any of several points or boxes lies further from each that it could be than is allowed."""
    if not len(points):
        return []
    furthest = float((points[:, None] - wanted[None]).abs().amax(-1).amin(-1).max())
    return [f"{what} lie {furthest:.3g} pixels from the model's"] if furthest > allowed else []


def _outside(numbers: Tensor) -> bool:
    """Tell whether any of numbers that are parts of a whole is none."""
    return bool(((numbers < 0) | (numbers > 1)).any())


def _conclude(problems: list[str]) -> None:
    if problems:
        raise AssertionError("; ".join(problems))
