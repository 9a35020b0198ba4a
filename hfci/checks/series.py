"""Is what is made of a time series on the scale that the series has?"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Set

import torch
from torch import Tensor

from hfci.checks.floor import different
from hfci.checks.running import outputs_of, rebuilt
from hfci.checks.tensors import floating
from hfci.tiny import TinyModel

__all__ = ["time_series_scaling_is_undone"]

# What is a value of the series, and what is a width, without a place.
_VALUES = frozenset({"loc", "context_mu", "mean_predictions", "full_predictions"})
_WIDTHS = frozenset({"scale", "context_sigma"})

# What is a value of the series where its place is given beside it, else of the series as it was scaled.
_PREDICTED = frozenset({"prediction_outputs"})

# What says of a series, beside what else it does, its place and its width.
_FEATURES = "static_features"

_SERIES = frozenset({"past_values", "future_values"})

# A series large enough for what is added to a variance, so that nothing is divided by 0, to be nothing; and a factor.
_LARGE = 64.0
_FACTOR = 4.0

# By which mode of scaling a series may be moved, in its own standard deviations, and the factor that it has no say of.
_SHIFT = {"std": 2.0, "mean": 0.0}


def time_series_scaling_is_undone(tiny: TinyModel) -> None:
    """Assert that a series on another scale gives its values on that scale, and all else as it was.

    By each mode of scaling that its configuration knows: by `std` the scale may begin elsewhere too. Without scaling
    the place is 0 and the width 1. Where the place and the width are features of a series they say so themselves, and
    states that are made of them are not compared.
    """
    problems = [f"scaled by {mode}: {difference}" for mode, one in _modes(tiny) for difference in _problems(one, mode)]
    if problems:
        raise AssertionError("; ".join(problems))


def _modes(tiny: TinyModel) -> Iterator[tuple[str, TinyModel]]:
    """Yield the modes of scaling, each with a model that has it; `std` where none can be chosen."""
    if not hasattr(tiny.config, "scaling"):
        yield "std", tiny
        return
    for mode in ("std", "mean", False):
        config = copy.deepcopy(tiny.config)
        config.scaling = mode
        yield str(mode or "nothing"), rebuilt(tiny, config)


def _problems(tiny: TinyModel, mode: str) -> list[str]:
    """Return which fields are not on the scale of a series, or change with it."""
    shift = _LARGE * _SHIFT.get(mode, 0.0)
    before, after = _scaled(tiny, _LARGE, 0.0), _scaled(tiny, _LARGE * _FACTOR, shift)
    if mode not in _SHIFT:
        unscaled = {"loc": torch.zeros_like, "scale": torch.ones_like}
        return different(tiny, after, {name: make(before[name]) for name, make in unscaled.items() if name in before})
    values = _VALUES | (_PREDICTED if "loc" in before else frozenset())
    wanted = {name: _on(name, tensor, _FACTOR, shift, values) for name, tensor in before.items()}
    if _FEATURES in before:
        scaling = torch.cat([after["loc"].abs().log1p(), after["scale"].log()], -1)
        features = torch.cat([after[_FEATURES][..., : -scaling.shape[-1]], scaling], -1)
        wanted = {name: wanted[name] for name in ("loc", "scale")} | {_FEATURES: features}
    return different(tiny, after, wanted)


def _scaled(tiny: TinyModel, factor: float, shift: float) -> Mapping[str, Tensor]:
    """Return what is made of the series on another scale, but losses, which have one of their own."""
    inputs = tiny.inputs()
    series = {name: inputs[name] * factor + shift for name in _SERIES & inputs.keys()}
    outputs = floating(outputs_of(tiny, inputs | series))
    return {name: tensor for name, tensor in outputs.items() if name != "loss"}


def _on(name: str, tensor: Tensor, factor: float, shift: float, values: Set[str]) -> Tensor:
    """Return a field on another scale, on which `values` are."""
    if name in values:
        return tensor * factor + shift
    return tensor * factor if name in _WIDTHS else tensor
