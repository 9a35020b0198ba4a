"""Does what finds objects have a loss, of boxes, or of masks, each with its class?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hfci.catalog.facts import forward_parameters
from hfci.checks.checkpointing import copy_to_train
from hfci.checks.floor import different
from hfci.checks.running import seeded

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["boxes_of_two_objects", "objects_have_a_loss"]

# How large the masks are, beside the image: they are resized, or what is found is, to be compared.
_SMALLER = 2


def objects_have_a_loss(tiny: TinyModel) -> None:
    """Assert that objects give a loss, in eval mode and in train mode, with a gradient, whatever their order.

    Each row of images has two objects, boxes or masks, of two classes. Of masks some points are drawn at random, others
    in another order: there the order may say something.
    """
    objects = _objects(tiny)
    loss = _loss(tiny, objects, "in eval mode")
    if "labels" in objects:
        other = {"loss": _loss(tiny, {"labels": [_turned(row) for row in objects["labels"]]}, "in eval mode")}
        if problems := different(tiny, other, {"loss": loss}):
            raise AssertionError(f"objects in another order have another loss: {'; '.join(problems)}")
    learner = copy_to_train(tiny)
    learner.model.train()
    with torch.enable_grad():
        loss = _loss(learner, objects, "in train mode")
        if not loss.requires_grad:
            raise AssertionError(f"the loss of objects, {float(loss):.4g}, depends on no weight that is to be trained")
        loss.backward()  # type: ignore[no-untyped-call]
    gradients = {name: weight.grad for name, weight in learner.model.named_parameters() if weight.grad is not None}
    if wrong := [name for name, gradient in gradients.items() if not bool(torch.isfinite(gradient).all())]:
        raise AssertionError(f"the loss of objects has a gradient that is no number for {', '.join(wrong[:4])}")
    if not any(bool(gradient.any()) for gradient in gradients.values()):
        raise AssertionError(f"the loss of objects, {float(loss):.4g}, has no gradient")


def _loss(tiny: TinyModel, objects: Mapping[str, Any], when: str) -> Tensor:
    """Return the loss, from the tiny model's seed; raises AssertionError where it is no single finite number."""
    with seeded(tiny):
        loss = tiny.forward(tiny.inputs(), **objects).get("loss")
    if not isinstance(loss, Tensor) or loss.numel() != 1 or not bool(torch.isfinite(loss).all()):
        raise AssertionError(f"{when} the loss of objects is {loss!r:.60}, no single number")
    return loss


def _turned(row: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.flip(0) for name, value in row.items()}


def _objects(tiny: TinyModel) -> dict[str, Any]:
    """Return two objects in each row of the model's images, as its forward takes them."""
    parameters = forward_parameters(type(tiny.model))
    images = next(value for name, value in tiny.inputs().items() if name.startswith("pixel_values"))
    height, width = images.shape[-2:]
    labels = boxes_of_two_objects(tiny)
    masks = torch.stack([_mask(box, height // _SMALLER, width // _SMALLER) for box in labels[0]["boxes"]])
    if "mask_labels" in parameters:
        classes = [row["class_labels"] for row in labels]
        return {"mask_labels": [masks.roll(place, -1) for place in range(len(labels))], "class_labels": classes}
    return {"labels": [{**row, "masks": masks} for row in labels]}


def boxes_of_two_objects(tiny: TinyModel) -> list[dict[str, Tensor]]:
    """Return labels of two rows: `class_labels` (2,), `boxes` (2, 4), centre and size as shares of the image."""
    classes = torch.tensor([0, 1], device=tiny.device)
    boxes = torch.tensor([[0.3, 0.4, 0.2, 0.3], [0.6, 0.5, 0.4, 0.2]], device=tiny.device)
    return [{"class_labels": classes, "boxes": boxes + 0.05 * row} for row in range(2)]


def _mask(box: Tensor, height: int, width: int) -> Tensor:
    """Return the mask (height, width) of what fills a box, of its centre and size as shares of the image."""
    x, y, wide, high = box.tolist()
    mask = torch.zeros(height, width, device=box.device)
    top, left = round((y - high / 2) * height), round((x - wide / 2) * width)
    mask[top : top + max(1, round(high * height)), left : left + max(1, round(wide * width))] = 1.0
    return mask
