"""Does a part that has no model class of its own take part in what its parent computes?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hfci.checks.perturbing import perturbed
from hfci.checks.running import outputs_of
from hfci.checks.tensors import FLOAT_ERROR, floating, named_tensors, relative_difference
from hfci.tiny.parts import part_inputs, part_modules

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["component_is_exercised"]


def component_is_exercised(tiny: TinyModel, part: str) -> None:
    """Assert that the modules of `tiny` that are built from the configuration of `part` run, and matter.

    There are such modules; each runs in the model's forward, itself or what is within it; everything that they and the
    modules within them give is finite; and the parameters of each, moved by their own size, change an output of the
    model by more than float error.
    """
    modules = part_modules(tiny, part)
    if not modules:
        raise AssertionError(f"{tiny.architecture} has no module that is built from the configuration of {part}")
    if not any(list(module.parameters()) for module in modules.values()):
        raise AssertionError(f"the modules of {part} have no parameters: {', '.join(modules)}")
    with _listening(modules) as heard:
        outputs = outputs_of(tiny, part_inputs(tiny, part))
    before = {name: tensor.clone() for name, tensor in outputs.items()}
    if silent := [name for name in modules if not any(inner.partition(":")[0] == name for inner in heard)]:
        raise AssertionError(f"the forward of {tiny.architecture} never runs {', '.join(silent)}, of {part}")
    broken = [f"{name} ({bad} of {total})" for name, (bad, total) in heard.items() if bad]
    if broken:
        raise AssertionError(f"what modules of {part} give is not finite: {', '.join(broken)}")
    if idle := [name for name, module in modules.items() if not _matters(tiny, part, module, before)]:
        raise AssertionError(
            f"moving the parameters of {', '.join(idle)}, of {part}, changes no output of {tiny.architecture}"
        )


def _matters(tiny: TinyModel, part: str, module: nn.Module, before: Mapping[str, Tensor]) -> bool:
    """Say whether moving the parameters of `module` changes an output; a module without any has nothing to move."""
    own = {id(parameter) for parameter in module.parameters()}
    if not own:
        return True
    # by identity, since a parameter that is shared goes by its first name
    names = {name for name, parameter in tiny.model.named_parameters() if id(parameter) in own}
    with perturbed(tiny.model, names, 1.0, part):
        after = outputs_of(tiny, part_inputs(tiny, part))
    return any(
        name not in after or after[name].shape != tensor.shape or relative_difference(tensor, after[name]) > FLOAT_ERROR
        for name, tensor in before.items()
    )


@contextmanager
def _listening(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, tuple[int, int]]]:
    """Hear what `modules` and those within them give: `outer:inner` → how many of how many values are not finite."""
    heard: dict[str, tuple[int, int]] = {}

    def listen(where: str, module: nn.Module) -> Any:
        def hear(_: nn.Module, __: Any, output: Any) -> None:
            bad, total = heard.get(where, (0, 0))
            for tensor in floating(named_tensors(output)).values():
                bad += int((~torch.isfinite(tensor)).sum())
                total += tensor.numel()
            heard[where] = bad, total

        return module.register_forward_hook(hear)

    handles = [
        listen(f"{outer}:{inner}" if inner else outer, module)
        for outer, whole in modules.items()
        for inner, module in whole.named_modules()
    ]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()
