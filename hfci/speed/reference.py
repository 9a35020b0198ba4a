"""The reference: a fixed workload of nobody's, of the kind that tiny models are, small tensors and much Python.

What it takes changes with the machine, torch and nothing else. Change it, and what histories know has to begin anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["reference"]

_WIDTH, _HEADS, _LAYERS, _TOKENS, _VOCABULARY = 32, 4, 2, 16, 100


class _Layer(nn.Module):
    """A layer of a transformer, written out: torch's own would choose among kernels."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(_WIDTH, _WIDTH) for _ in range(4))
        self.wide, self.narrow = nn.Linear(_WIDTH, 4 * _WIDTH), nn.Linear(4 * _WIDTH, _WIDTH)
        self.before, self.after = nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return (rows, tokens, width)."""
        asked = self.before(hidden)
        shape = (*hidden.shape[:2], _HEADS, _WIDTH // _HEADS)
        query, key, value = (part(asked).view(shape).transpose(1, 2) for part in (self.query, self.key, self.value))
        attended = nn.functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(hidden.shape)
        hidden = hidden + self.out(attended)
        wide: Tensor = self.narrow(nn.functional.gelu(self.wide(self.after(hidden))))
        return hidden + wide


def reference(device: Any) -> Callable[[], object]:
    """Return what runs the reference once, on `device`."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        layers = [nn.Embedding(_VOCABULARY, _WIDTH), *(_Layer() for _ in range(_LAYERS)), nn.LayerNorm(_WIDTH)]
    model = nn.Sequential(*layers).to(device).eval()
    tokens = torch.arange(2 * _TOKENS, device=device).reshape(2, _TOKENS)

    @torch.no_grad()
    def run() -> object:
        return model(tokens)

    return run
