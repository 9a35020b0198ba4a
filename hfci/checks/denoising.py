"""Does a detector that learns from noisy copies of its labels keep these apart from what it finds itself?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.dropout import drawing_nothing, in_train_mode
from hfci.checks.floor import different
from hfci.checks.objects import boxes_of_two_objects
from hfci.checks.running import run, set_everywhere

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["denoising_changes_no_other_loss"]

# How the parts of a loss are called that are of noisy copies of labels.
_OF_COPIES = "_dn"


def denoising_changes_no_other_loss(tiny: TinyModel) -> None:
    """Assert that in train mode noisy copies of the labels, as queries, change no part of the loss but their own.

    Each row has two objects, and the model is asked with copies of them and without. There must be parts of the loss
    that are of the copies.

    Raises `NotApplicable` where its configuration has none of them.
    """
    if not getattr(tiny.config, "num_denoising", 0):
        raise NotApplicable("its configuration has no queries that are noisy copies of labels")
    tiny = drawing_nothing(tiny)
    in_train_mode(tiny.model)
    losses = _losses(tiny)
    set_everywhere(tiny.model, num_denoising=0)
    without = _losses(tiny)
    if not (own := losses.keys() - without.keys()):
        raise AssertionError("no part of the loss is of noisy copies of labels")
    if strays := [name for name in own if _OF_COPIES not in name]:
        raise AssertionError(f"parts of the loss are not told apart from those of noisy copies: {', '.join(strays)}")
    if problems := different(tiny, losses, without):
        raise AssertionError(f"noisy copies of labels change other parts of the loss: {'; '.join(problems)}")


def _losses(tiny: TinyModel) -> dict[str, Tensor]:
    """Return the parts of the loss by name, of two objects in each row."""
    parts: dict[str, Tensor] = run(tiny, tiny.inputs() | {"labels": boxes_of_two_objects(tiny)}).loss_dict
    return parts
