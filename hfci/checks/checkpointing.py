"""Does a model that recomputes its layers in the backward pass learn as one that keeps them?"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hfci.checks.directions import direction
from hfci.checks.running import NO_SPEC_AUGMENT, copied, seeded, set_everywhere
from hfci.checks.tensors import floating, named_tensors, relative_difference

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["copy_to_train", "gradient_checkpointing_equals_plain"]


def gradient_checkpointing_equals_plain(tiny: TinyModel) -> None:
    """Assert that with gradient checkpointing, in train mode, outputs and every gradient are those without.

    Both are copies that start from one seed, so that dropout falls alike, and neither keeps a cache, which
    checkpointing rules out. The same kernels run on the same numbers, so that bits are compared. Something must really
    be run again in the backward pass: a class that says it supports checkpointing and keeps everything is red.
    """
    plain, _ = _trained(copy_to_train(tiny))
    other = copy_to_train(tiny)
    _switch_on(other.model)
    again, recomputed = _trained(other)
    if not recomputed:
        raise AssertionError(
            f"{tiny.architecture} says that it supports gradient checkpointing, and recomputes nothing"
        )
    if strays := plain.keys() ^ again.keys():
        raise AssertionError(f"with checkpointing there are other outputs or gradients: {', '.join(sorted(strays))}")
    differences = {name: relative_difference(plain[name], again[name]) for name in plain}
    if different := {name: found for name, found in differences.items() if found}:
        shown = "; ".join(f"{name} by {found:.1e}" for name, found in list(different.items())[:5])
        raise AssertionError(f"with gradient checkpointing {len(different)} outputs and gradients differ: {shown}")


def copy_to_train(tiny: TinyModel) -> TinyModel:
    """Return a copy without a cache, and without SpecAugment, which refuses a sound shorter than its masks."""
    learner = copied(tiny)
    set_everywhere(learner.model, use_cache=False, **NO_SPEC_AUGMENT)
    return learner


def _switch_on(model: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the newer name of it, since 5.24, stands for the same
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def _trained(tiny: TinyModel) -> tuple[dict[str, Tensor], list[str]]:
    """Return the outputs in train mode with the gradient of each parameter, and which modules ran in the backward."""
    tiny.model.train()
    ran: list[str] = []
    with torch.enable_grad(), seeded(tiny):
        outputs = {
            name: tensor for name, tensor in floating(named_tensors(tiny.forward())).items() if tensor.requires_grad
        }
        for name, module in tiny.model.named_modules():
            module.register_forward_pre_hook(_noting(name, ran))
        torch.autograd.backward([(part * direction(name, part.detach())).sum() for name, part in outputs.items()])
    gradients = {
        f"the gradient of {name}": parameter.grad
        for name, parameter in tiny.model.named_parameters()
        if parameter.grad is not None
    }
    return {name: tensor.detach() for name, tensor in {**outputs, **gradients}.items()}, ran


def _noting(name: str, ran: list[str]) -> Any:
    def note(_: nn.Module, __: Any) -> None:
        ran.append(name)

    return note
