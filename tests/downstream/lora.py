"""A small library of adapters of low rank, for any model of transformers."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["LoraLinear", "add_lora", "merge_lora"]


class LoraLinear(nn.Module):
    """A linear layer that stays as it is, and beside it a product of two matrices that is trained."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base
        weight = base.weight
        self.down = nn.Parameter(torch.randn(rank, base.in_features, dtype=weight.dtype) / base.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank, dtype=weight.dtype))

    @property
    def weight(self) -> torch.Tensor:
        """The weight that it has in effect, for models that ask a layer for its own."""
        return self.base.weight + self.up @ self.down

    @property
    def bias(self) -> torch.Tensor | None:
        return self.base.bias

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(hidden, self.weight, self.bias)


def add_lora(model: nn.Module, rank: int = 2) -> list[LoraLinear]:
    """Put an adapter beside each linear layer of `model`, of which nothing else is trained; return the adapters."""
    model.requires_grad_(False)
    layers = [(name, layer) for name, layer in model.named_modules() if type(layer) is nn.Linear]
    adapters = {id(layer): LoraLinear(layer, rank) for _, layer in layers}
    for name, layer in layers:
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, adapters[id(layer)])
    return list(adapters.values())


def merge_lora(model: nn.Module) -> None:
    """Put what the adapters have learned into the layers beside them, and the layers where they were."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, LoraLinear):
            with torch.no_grad():
                layer.base.weight.copy_(layer.weight)
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, layer.base)
