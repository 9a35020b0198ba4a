"""Does a model learn: does a step along its gradient lower the loss, and does a head learn above a frozen base?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.checkpointing import copy_to_train
from hfci.checks.losses import loss_of

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["frozen_base_trains_head", "training_step_lowers_loss"]

# How much of the loss a step is to take away, were the loss a plane: more than float error, less than what curves it.
# The other way, or a shorter one, is tried where the first has a router choose another expert: there the loss jumps, of
# which its gradient says nothing.
_SHARES = (1e-3, -1e-3, 1e-4)
# What it takes away must be so much of that at least, and at most.
_LEAST, _MOST = 0.5, 1.5


def training_step_lowers_loss(tiny: TinyModel) -> None:
    """Assert that a step against the gradient of its loss takes away from it what that gradient says.

    The step is of gradient descent, of such a length that a thousandth of the loss should go: at least half of that
    must, and no more than half again; or come, the other way. In train mode, without a cache; all forwards start from
    one seed, so that dropout falls alike.
    """
    learner = copy_to_train(tiny)
    learner.model.train()
    compute = _loss(learner)
    gradients = _gradients(learner, compute)
    steepness = sum(float(gradient.double().square().sum()) for gradient in gradients.values())
    with torch.no_grad():
        before = float(compute())
    if not steepness:
        raise AssertionError(f"the loss, {before:.4g}, has no gradient")
    weights = {name: weight.detach().clone() for name, weight in learner.model.named_parameters()}
    tried = []
    for share in _SHARES:
        due = share * abs(before)
        with torch.no_grad():
            for name, weight in learner.model.named_parameters():
                weight.copy_(weights[name] - due / steepness * gradients[name] if name in gradients else weights[name])
            gone = before - float(compute())
        if _LEAST <= gone / due <= _MOST:
            return
        tried.append(f"by {due:.3g} lowers it by {gone:.3g}")
    raise AssertionError(f"a step that should lower the loss, {before:.6g}, {'; one '.join(tried)}")


def frozen_base_trains_head(tiny: TinyModel) -> None:
    """Assert that with its base frozen the weights of a head still get a gradient, and those of the base none.

    Raises `NotApplicable` where all weights of the head are the base's.
    """
    learner = copy_to_train(tiny)
    learner.model.train()
    base = set(getattr(learner.model, learner.model.base_model_prefix).parameters())
    own = {
        name: weight for name, weight in learner.model.named_parameters() if weight not in base and weight.requires_grad
    }
    if not own:
        raise NotApplicable("its head has no weights but those that it shares with its base")
    for weight in base:
        weight.requires_grad_(requires_grad=False)
    gradients = _gradients(learner, _loss(learner))
    if strays := [name for name, weight in learner.model.named_parameters() if weight in base and name in gradients]:
        raise AssertionError(f"frozen weights got a gradient: {', '.join(strays[:4])}")
    if not any(bool(gradients[name].any()) for name in own if name in gradients):
        raise AssertionError(f"with the base frozen none of the head's {len(own)} weights gets a gradient")


def _gradients(tiny: TinyModel, compute: Callable[[], Tensor]) -> dict[str, Tensor]:
    """Return the gradient of the loss for each weight that gets one."""
    with torch.enable_grad():
        loss = compute()
        if not loss.requires_grad:
            raise AssertionError(f"the loss, {float(loss):.4g}, depends on no weight that is to be trained")
        loss.backward()  # type: ignore[no-untyped-call]
    return {name: weight.grad for name, weight in tiny.model.named_parameters() if weight.grad is not None}


def _loss(tiny: TinyModel) -> Callable[[], Tensor]:
    compute = loss_of(tiny)
    if compute is None:
        raise NotApplicable("nobody says what its labels mean")
    return compute
