"""Weights: the only way they are made, in every tier.

Each parameter is filled by a generator keyed on its name and shape, so that the same name and shape hold the same
numbers whatever else the model has. The scale is chosen so that activations keep their size and attention is far from
uniform: transformers' own start, a standard deviation of 0.02, leaves every attention map near uniform, where a wrong
mask or scale cannot be seen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hfci.tiny.random_numbers import generator

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["GAIN", "fill", "root_mean_square", "sizes"]

# Gain of a matrix: 1 keeps the variance of what it is applied to, a little more makes attention scores (a product of
# two projections, so the square of it) differ by several units. A convolution stands in stacks without a norm between
# them, where anything above 1 grows without bound.
GAIN, _GAIN_OF_CONVOLUTION = 1.5, 1.0
# What starts smaller than this starts at nothing: a layer scale of 1e-6 would switch its layer off.
_NOTHING = 0.01
# Relative spread of what starts constant: norm scales, biases, statistics.
_SPREAD = 0.2
_STATISTICS = ("running_mean", "running_var")


def fill(model: nn.Module, seed: int = 0, *, gain: float = GAIN) -> None:
    """Fill the parameters and the data-carrying buffers of `model` in place, deterministically.

    A matrix gets a normal distribution of standard deviation `gain` / √fan_in, a convolution one of 1 / √fan_in, an
    embedding one of 1 with its padding row zero. What is constant at the start (a norm's scale, a bias, a gate) stays
    around that constant, a spread of 0.2 about it, and what starts at next to nothing gets that spread about zero. A
    vector of one sign (decay rates, frequencies) keeps its structure and domain, a tenth about it. The lengths of a
    weight-normed matrix's rows are those that it would have without that norm. Persistent float buffers are filled
    where they start constant (a codebook, a norm's statistics, whose variance stays positive);
    buffers that were computed (position tables, masks, windows) are left alone.
    """
    import torch

    layers = {
        id(weight): module for module in model.modules() if (weight := getattr(module, "weight", None)) is not None
    }
    lengths = _lengths_of_rows(model, gain)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.is_floating_point() and parameter.numel():
                layer = layers.get(id(parameter))
                noise, length = _noise(name, parameter, seed), lengths.get(id(parameter))
                parameter.copy_(_filled(parameter, noise, layer, gain) if length is None else _about(length, noise))
                if isinstance(layer, torch.nn.Embedding) and layer.padding_idx is not None:
                    parameter[layer.padding_idx] = 0
        persistent = set(model.state_dict(keep_vars=True))
        for name, buffer in model.named_buffers():
            if name in persistent and buffer.is_floating_point() and buffer.numel() > 1 and _is_constant(buffer):
                noise = _noise(name, buffer, seed)
                spread = _SPREAD if name.endswith(_STATISTICS) else 1.0
                buffer.copy_(buffer + spread * (noise.abs() if name.endswith("running_var") else noise))


def sizes(model: nn.Module) -> dict[str, float]:
    """Return of each parameter the root mean square of its numbers."""
    return {name: root_mean_square(parameter) for name, parameter in model.named_parameters()}


def root_mean_square(tensor: torch.Tensor) -> float:
    """Return how large the numbers of a tensor are; 0 where there are none."""
    return float(tensor.detach().abs().double().square().mean().sqrt()) if tensor.numel() else 0.0


def _filled(parameter: torch.Tensor, noise: torch.Tensor, layer: nn.Module | None, gain: float) -> torch.Tensor:
    from torch import nn

    if isinstance(layer, nn.Embedding):
        return noise
    if isinstance(layer, nn.modules.batchnorm._NormBase) and not _is_constant(parameter):
        return 1 + noise * _SPREAD  # some start a norm's scale as they do a matrix, which would let next to nothing by
    is_vector = parameter.numel() == max(parameter.shape, default=1)
    if not is_vector and not _is_constant(parameter):
        return noise * _deviation(parameter, layer, gain)
    if float(parameter.abs().max()) < _NOTHING:
        return noise * _SPREAD
    if _is_constant(parameter):
        return _about(parameter.flatten()[0].item(), noise)
    if float(parameter.min()) < 0 < float(parameter.max()):
        return noise * max(_SPREAD, float(parameter.square().mean().sqrt()))
    return parameter * (1 + 0.1 * noise)


def _about(start: float, noise: torch.Tensor) -> torch.Tensor:
    return start + noise * (_SPREAD * abs(start))


def _deviation(weight: torch.Tensor, layer: nn.Module | None, gain: float) -> float:
    """Return the standard deviation of a matrix that enlarges what it is applied to by its gain."""
    from torch import nn

    own = _GAIN_OF_CONVOLUTION if isinstance(layer, nn.modules.conv._ConvNd) else gain
    return own / math.sqrt(_fan_in(weight, layer))


def _lengths_of_rows(model: nn.Module, gain: float) -> dict[int, float]:
    """Return the parameter, by its id, that holds the lengths of a matrix's rows (weight norm) → how long they are.

    As long as without that norm: they start as whatever the layer's own start gives, a third or less of the variance.
    """
    from torch.nn.utils import parametrizations, parametrize

    row_lengths = {}
    for module in model.modules():
        if parametrize.is_parametrized(module, "weight"):
            weight: Any = module.get_submodule("parametrizations.weight")
            if isinstance(weight[0], parametrizations._WeightNorm):
                lengths, rows = weight.original0, weight.original1
                in_one = rows.numel() / lengths.numel()
                row_lengths[id(lengths)] = _deviation(rows, module, gain) * math.sqrt(in_one)
    return row_lengths


def _fan_in(weight: torch.Tensor, layer: nn.Module | None) -> int:
    """Return over how many products an output of `layer` sums; of a bare stack of matrices, over how many it may."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    if isinstance(layer, Conv1D):  # a linear layer that keeps its matrix transposed
        return weight.shape[0]
    if isinstance(layer, nn.modules.conv._ConvNd) or weight.ndim <= 2:
        return math.prod(weight.shape[1:])
    return min(weight.shape[-2:])  # a matrix an expert, which way round differs


def _is_constant(tensor: torch.Tensor) -> bool:
    return bool((tensor == tensor.flatten()[0]).all())


def _noise(name: str, like: torch.Tensor, seed: int) -> torch.Tensor:
    """Return standard normal numbers that depend on `name`, shape and `seed` alone, on `like`'s device and dtype."""
    import torch

    key = f"{seed}:{name}:{tuple(like.shape)}"
    return torch.randn(like.shape, generator=generator(key)).to(like.device, like.dtype)
