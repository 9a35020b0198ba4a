"""Does a model that recomputes its layers in the backward pass learn, and generate, as one that keeps them?"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hfci.checks.directions import direction
from hfci.checks.dropout import drawing_nothing, in_train_mode
from hfci.checks.floor import different
from hfci.checks.generation import generating, step_logits
from hfci.checks.running import NO_SPEC_AUGMENT, copied, outputs_of, seeded, set_everywhere
from hfci.checks.tensors import floating, named_tensors, relative_difference
from hfci.errors import Broken

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["copy_to_train", "generate_in_train_mode_with_checkpointing", "gradient_checkpointing_equals_plain"]

# One from the prompt, and two from the cache.
_STEPS = 3


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
    if different := {name: difference for name, difference in differences.items() if difference}:
        shown = "; ".join(f"{name} by {difference:.1e}" for name, difference in list(different.items())[:5])
        raise AssertionError(f"with gradient checkpointing {len(different)} outputs and gradients differ: {shown}")


def generate_in_train_mode_with_checkpointing(tiny: TinyModel) -> None:
    """Assert that a model that is being trained with gradient checkpointing generates as it does in eval mode.

    Who looks between two steps at what it writes gives it no time to change modes. A copy that draws nothing writes in
    train mode what it is told, and gives the logits of eval mode at every step; afterwards each of its modules is in
    the mode in which it was, and recomputes its layers if it did. Where no gradients are kept, none is recomputed, and
    a forward gives all that it gives in eval mode, its cache too. `Broken` names which of these goes wrong.

    Raises `NotApplicable` where it generates in a way of its own.
    """
    tiny = drawing_nothing(generating(tiny))
    wanted = step_logits(tiny, tiny.inputs(), max_new_tokens=_STEPS)
    fields = outputs_of(tiny, tiny.inputs() | {"use_cache": True}).keys()
    in_train_mode(tiny.model)
    _switch_on(tiny.model)
    before = _modes(tiny.model)
    logits = step_logits(tiny, tiny.inputs(), on_copy=False, max_new_tokens=_STEPS)
    changed = [name for name, mode in _modes(tiny.model).items() if mode != before.get(name, mode)]
    lost = fields - outputs_of(tiny, tiny.inputs() | {"use_cache": True}).keys()
    problems = {
        "modes": changed and f"generate leaves other modes behind, or other checkpoints: {', '.join(changed[:3])}",
        "logits": "; ".join(f"generate gives other {problem}" for problem in different(tiny, logits, wanted)),
        "fields": lost and f"a forward does not give {', '.join(sorted(lost)[:3])}",
    }
    if wrong := {name: problem for name, problem in problems.items() if problem}:
        said = "; ".join(map(str, wrong.values()))
        raise Broken(f"in train mode, with gradient checkpointing, {said}", wrong)


def _modes(model: nn.Module) -> dict[str, tuple[bool, bool]]:
    """Return of each module whether it is in train mode, and whether it recomputes."""
    return {
        name: (module.training, getattr(module, "gradient_checkpointing", False))
        for name, module in model.named_modules()
    }


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
