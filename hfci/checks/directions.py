"""Fixed random directions, the same on every machine and in every order."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

__all__ = ["direction"]


def direction(name: str, like: Tensor) -> Tensor:
    """Return standard normal numbers, like `like` in shape, dtype and device; name and shape decide them."""
    digest = hashlib.sha256(f"{name} {tuple(like.shape)}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)
