"""Moving parameters of a model for a while, each in a fixed random direction."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from hfci.checks.directions import direction
from hfci.checks.running import discard_derived_state

__all__ = ["perturbed"]


@contextmanager
def perturbed(model: nn.Module, names: Collection[str], step: float, label: str = "") -> Iterator[None]:
    """Move each named parameter in a fixed random direction by `step` times its size; put it back after.

    The size is the root mean square, 1 where that is 0. The direction depends on the parameter's name and
    shape and on `label`.
    """
    parameters = {name: p for name, p in model.named_parameters() if name in names and p.is_floating_point()}
    old = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    try:
        with torch.no_grad():
            for name, parameter in parameters.items():
                size = float(old[name].abs().square().mean().sqrt()) or 1.0
                parameter.add_(direction(f"{label} {name}", parameter) * (step * size))
        discard_derived_state(model)
        yield
    finally:
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(old[name])
        discard_derived_state(model)
