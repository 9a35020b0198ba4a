"""Random numbers that depend on a key alone: the same on every machine, in every order, whatever was drawn before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["generator"]


def generator(key: str) -> torch.Generator:
    """Return a generator on the CPU that `key` seeds."""
    import torch

    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)
