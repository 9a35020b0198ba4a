"""Is this the tiny model that was asked for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["builds_tiny"]

# A parameter this large that holds one value throughout was never filled.
_VARIED_FROM = 4


def builds_tiny(tiny: TinyModel) -> None:
    """Assert that the model is the named architecture, in eval mode, within its parameter budget.

    Its weights must be finite, and varied: a weight that was never filled hides what depends on it.
    """
    name = type(tiny.model).__name__
    if name != tiny.architecture:
        raise AssertionError(f"asked for {tiny.architecture}, got a {name}")
    training = [where or "the model" for where, module in tiny.model.named_modules() if module.training]
    if training:
        raise AssertionError(f"not in eval mode: {', '.join(training[:5])} ({len(training)} modules)")

    parameters = dict(tiny.model.named_parameters())
    if not parameters:
        raise AssertionError(f"{name} has no parameters")
    count = sum(parameter.numel() for parameter in parameters.values())
    if count > tiny.recipe.budget:
        largest = sorted(parameters.items(), key=lambda item: -item[1].numel())[:5]
        shown = ", ".join(f"{where} {tuple(parameter.shape)}" for where, parameter in largest)
        raise AssertionError(f"{count:,} parameters, {tiny.recipe.budget:,} allowed; the largest are {shown}")

    broken = [
        f"{where} ({bad} of {parameter.numel()})"
        for where, parameter in parameters.items()
        if (bad := int((~torch.isfinite(parameter)).sum()))
    ]
    if broken:
        raise AssertionError(f"parameters hold values that are not finite: {', '.join(broken)}")
    constant = [
        where
        for where, parameter in parameters.items()
        if parameter.numel() >= _VARIED_FROM and bool((parameter == parameter.flatten()[0]).all())
    ]
    if constant:
        raise AssertionError(f"parameters hold one value throughout: {', '.join(constant)}")
