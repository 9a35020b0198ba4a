"""Random numbers: a generator for each key, and seeding those that models draw from."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["generator", "generator_states", "seed_generators"]


def generator(key: str) -> torch.Generator:
    """Return a generator on the CPU that `key` seeds: the same on every machine, whatever was drawn before."""
    import torch

    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)


def seed_generators(number: int, device: Any = "cpu") -> None:
    """Seed what may be drawn from on the CPU and on `device`: Python's numbers, numpy's, torch's.

    Not by `torch.manual_seed`: it seeds every kind of device there might be, and for one that is not in use keeps a
    formatted stack each time, which takes 2 ms and is never forgotten.
    """
    import numpy as np
    import torch

    from hfci.tiny.devices import find_device

    random.seed(number)
    np.random.seed(number % 2**32)
    torch.default_generator.manual_seed(number)
    if str(device) != "cpu":
        find_device(str(device)).seed(number)


def generator_states() -> dict[str, Any]:
    """Return what each of the generators that models draw from, on the CPU, is at: equal where nothing was drawn."""
    import numpy as np
    import torch

    numpy: Any = np.random.get_state(legacy=False)
    return {
        "Python's": random.getstate(),
        "numpy's": (numpy["state"]["key"].tobytes(), numpy["state"]["pos"], numpy["has_gauss"]),
        "torch's": torch.default_generator.get_state().numpy().tobytes(),
    }
