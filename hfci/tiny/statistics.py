"""Statistics that norms keep: measured on what reaches them, as training would, instead of taken to be 0 and 1.

No one number is right for them. What reaches a batch norm depends on the activation before it (a swish leaves a third
of a unit normal's second moment), on gates, pools and branches. Too large a variance lets the picture fade behind the
biases, layer by layer; too small a one makes it grow until what follows saturates. Both leave nothing to see.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["measure_statistics"]


def measure_statistics(model: nn.Module, run: Callable[[Any], Any], seed: int = 0) -> None:
    """Move the statistics of `model`'s norms, in place, to the mean and variance of what reaches each.

    `run` runs the model it is given, a copy, once. A channel's mean is its own; the variance is that of all channels
    together, since a channel may be constant where there is a single place. The numbers that `fill` gave stay, as what
    they are beside those. A norm that is not reached keeps them, and so do those behind a failure: whoever runs the
    model next is told of it.
    """
    import torch

    from hfci.tiny.copying import copy_of

    norms = {name: module for name, module in model.named_modules() if _keeps_statistics(module)}
    if not norms:
        return
    double = copy_of(model)
    seen: set[str] = set()
    for name, module in double.named_modules():
        if name in norms:
            module.register_forward_pre_hook(functools.partial(_measure, name, seen))
    with torch.no_grad(), torch.random.fork_rng(devices=[]), contextlib.suppress(Exception):
        torch.default_generator.manual_seed(seed)
        run(double)
    measured = dict(double.named_modules())
    for name in seen:
        norms[name].load_state_dict(measured[name].state_dict())


def _keeps_statistics(module: nn.Module) -> bool:
    return getattr(module, "running_mean", None) is not None and getattr(module, "running_var", None) is not None


def _measure(name: str, seen: set[str], norm: Any, arguments: tuple[torch.Tensor, ...]) -> None:
    """Set the statistics of `norm` to those of its input (rows, channels, …), the first time that one reaches it."""
    states = arguments[0].detach()
    if name in seen or states.ndim < 2 or states.shape[1] != norm.running_mean.numel():
        return
    places = [dimension for dimension in range(states.ndim) if dimension != 1]
    mean = states.mean(places)
    variance = states.var(places, correction=0).mean()
    if not bool(variance.isfinite()) or float(variance) <= 0:
        return
    seen.add(name)
    norm.running_mean.mul_(variance.sqrt()).add_(mean)
    norm.running_var.mul_(variance)
