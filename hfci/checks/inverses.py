"""Does what an image processor makes of a model's outputs undo what it made of the image?

Where it takes what a model is to find beside the image (boxes, maps), outputs are made that say just that. Where it
does not, the image itself is what is found: its brightness is the depth, or the heat of a keypoint, or a mask.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.processing import answer_to_images, conclude, processor_of
from hfci.tiny import TinyModel
from hfci.tiny.processors.samples import picture

__all__ = ["postprocess_inverts_preprocess"]

# Height and width of the image, which is neither square nor as large as what any tiny model takes.
_SIZE = (40, 100)
# Boxes in it, with left, top, width and height, and which class each is of.
_BOXES = ((10.0, 5.0, 30.0, 20.0), (60.0, 20.0, 25.0, 15.0))
_LABELS = (1, 0)
# Logits of what is there and of what is not.
_SURE = 10.0
# How far a box may lie from where it was, in pixels: sizes are rounded to whole ones.
_BOX = 1.0
# A keypoint is where a heatmap, of one number for so many pixels, is hottest.
_KEYPOINT = 6.0
# How much of a map must be as it was, whose edges are rounded; and how a depth must follow what it was made of.
_ALIKE, _CORRELATION = 0.9, 0.8


def postprocess_inverts_preprocess(tiny: TinyModel) -> None:
    """Assert that boxes, maps, depths, masks and poses that are made of an image come back in that image's own pixels.

    Raises `NotApplicable` where its image processor makes nothing of outputs that it has made of an image.
    """
    processor = processor_of(tiny, "image_processor")
    asked = {method: ask for method, ask in _INVERSES.items() if hasattr(processor, method)}
    if not asked:
        raise NotApplicable(f"its image processor, {type(processor).__name__}, has no {' and no '.join(_INVERSES)}")
    takes_targets = inspect.signature(processor.preprocess).parameters
    problems, found = [], False
    for method, (ask, target) in asked.items():
        if target is None or target in takes_targets:
            found = True
            problems += [f"{method}: {wrong}" for wrong in ask(tiny, processor)]
    if not found:
        raise NotApplicable(f"its image processor, {type(processor).__name__}, takes no image with what is in it")
    conclude(problems)


def _answer(tiny: TinyModel, processor: Any, image: Any, **options: Any) -> dict[str, Any]:
    """Return what is made of an image none of which is cut off."""
    if getattr(processor, "do_center_crop", False):
        options["do_center_crop"] = False
    return answer_to_images(tiny, processor, [image], **options)


def _boxes(tiny: TinyModel, processor: Any) -> Iterator[str]:
    """Yield which boxes do not come back."""
    boxes = [
        {"bbox": list(box), "category_id": label, "area": box[2] * box[3], "iscrowd": 0, "id": place}
        for place, (box, label) in enumerate(zip(_BOXES, _LABELS, strict=True))
    ]
    (labels,) = _answer(tiny, processor, picture(*_SIZE), annotations=[{"image_id": 0, "annotations": boxes}])["labels"]
    logits = torch.full((1, len(_BOXES), max(_LABELS) + 2), -_SURE)  # the last class may be none
    for place, label in enumerate(labels["class_labels"].tolist()):
        logits[0, place, label] = _SURE
    outputs = SimpleNamespace(logits=logits, pred_boxes=labels["boxes"][None].float())
    outputs.input_ids = torch.zeros(1, logits.shape[-1], dtype=torch.long)  # of a text whose words are the classes
    method = processor.post_process_object_detection
    (result,) = method(outputs, threshold=0.5, target_sizes=[_SIZE])
    found = {int(label): box for label, box in zip(result["labels"], result["boxes"], strict=True)}
    for (left, top, width, height), label in zip(_BOXES, _LABELS, strict=True):
        wanted = torch.tensor([left, top, left + width, top + height])
        if label not in found:
            yield f"the box of class {label} is gone"
        elif float((found[label] - wanted).abs().max()) > _BOX:
            yield f"the box {wanted.tolist()} comes back as {[round(edge, 1) for edge in found[label].tolist()]}"


def _maps(tiny: TinyModel, processor: Any) -> Iterator[str]:
    """Yield how far a map of classes is from what comes back of it."""
    drawn = picture(*_SIZE, channels=1) // 86  # three classes
    answer = _answer(tiny, processor, picture(*_SIZE), segmentation_maps=[drawn])
    if "mask_labels" in answer:
        masks, classes = answer["mask_labels"][0].float(), answer["class_labels"][0]
        outputs = SimpleNamespace(
            masks_queries_logits=(2 * masks[None] - 1) * _SURE,
            class_queries_logits=torch.nn.functional.one_hot(classes.long(), 4)[None].float() * _SURE,
        )
    else:
        labels = torch.as_tensor(np.asarray(answer["labels"][0])).long()
        hot = torch.nn.functional.one_hot(labels.clamp(0, 2), 3).movedim(-1, 0)[None]
        outputs = SimpleNamespace(logits=hot.float() * _SURE)
    (result,) = processor.post_process_semantic_segmentation(outputs, target_sizes=[_SIZE])
    result = getattr(result, "segmentation", result)
    yield from _unlike(result, torch.from_numpy(drawn))


def _depths(tiny: TinyModel, processor: Any) -> Iterator[str]:
    """Yield that a depth that is as great as the image is bright does not come back as that."""
    image = picture(*_SIZE)
    depth = _answer(tiny, processor, image)["pixel_values"][:, 0].float()
    known = inspect.signature(processor.post_process_depth_estimation).parameters
    sizes = {name: [_SIZE] for name in ("source_sizes", "target_sizes") if name in known}
    (result,) = processor.post_process_depth_estimation(SimpleNamespace(predicted_depth=depth), **sizes)
    found = result["predicted_depth"]
    if tuple(found.shape) != _SIZE:
        yield f"a depth of {tuple(found.shape)} for an image of {_SIZE}"
        return
    followed = float(
        torch.corrcoef(torch.stack([found.flatten(), torch.from_numpy(image[..., 0].flatten() / 255.0)]))[0, 1]
    )
    if followed < _CORRELATION:
        yield f"the depth that was the image's brightness follows it by {followed:.2f}"


def _masks(tiny: TinyModel, processor: Any) -> Iterator[str]:
    """Yield how far a mask of what is bright in the image is from what comes back of it."""
    image = picture(*_SIZE)
    answer = _answer(tiny, processor, image)
    channel = answer["pixel_values"][:, None, :1]
    middle = (0.5 - processor.image_mean[0]) / processor.image_std[0]
    sizes = answer["original_sizes"], answer["reshaped_input_sizes"]
    (result,) = processor.post_process_masks(channel.float(), *sizes, mask_threshold=middle)
    result = result.reshape(result.shape[-2:])
    yield from _unlike(result, torch.from_numpy(image[..., 0] > 127))


def _poses(tiny: TinyModel, processor: Any) -> Iterator[str]:
    """Yield how far a keypoint that is the only light in the image is from where it comes back."""
    image = np.zeros((*_SIZE, 3), np.uint8)
    row, column = 12, 70
    image[row - 2 : row + 3, column - 2 : column + 3] = 255
    box = [[[0.0, 0.0, float(_SIZE[1]), float(_SIZE[0])]]]
    pixels = _answer(tiny, processor, image, boxes=box)["pixel_values"][:, :1]
    heat = torch.nn.functional.avg_pool2d(pixels - pixels.min(), 4)
    ((pose,),) = processor.post_process_pose_estimation(SimpleNamespace(heatmaps=heat), boxes=box)
    apart = (pose["keypoints"][0].float() - torch.tensor([column, row])).abs().max()
    if float(apart) > _KEYPOINT:
        yield f"the keypoint at {(column, row)} comes back at {[round(x, 1) for x in pose['keypoints'][0].tolist()]}"


def _unlike(result: Tensor, wanted: Tensor) -> Iterator[str]:
    """Yield that too little of a map is as it was."""
    if result.shape != wanted.shape:
        yield f"a map of {tuple(result.shape)} for an image of {_SIZE}"
    elif (alike := float((result == wanted).float().mean())) < _ALIKE:
        yield f"{alike:.0%} of the map comes back as it was"


Ask = Callable[[TinyModel, Any], Iterator[str]]

# Method → what yields where it does not undo what was made of an image, and what the image is told beside it.
_INVERSES: Mapping[str, tuple[Ask, str | None]] = {
    "post_process_object_detection": (_boxes, "annotations"),
    "post_process_semantic_segmentation": (_maps, "segmentation_maps"),
    "post_process_depth_estimation": (_depths, None),
    "post_process_masks": (_masks, None),
    "post_process_pose_estimation": (_poses, "boxes"),
}
