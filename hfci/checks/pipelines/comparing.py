"""Comparing what a pipeline gives twice: nested lists and dicts of texts, numbers, arrays and images."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

__all__ = ["difference"]

# How far numbers may lie apart that two batches give. What amplifies float error amplifies it to 1.1e-3 at most:
# measured, deimv2's scores, of which nothing differs in float64.
_RELATIVE, _ABSOLUTE = 2e-3, 1e-4

# How far the shades of a pixel may lie apart, which are cut to whole numbers.
_SHADE = 1.0


def difference(one: Any, other: Any, where: str = "") -> str | None:
    """Return the first place in which two outputs differ, and how; None where they agree."""
    if isinstance(one, Image.Image) and isinstance(other, Image.Image):
        return _of_numbers(np.asarray(one), np.asarray(other), where, _SHADE)
    if isinstance(one, torch.Tensor | np.ndarray | np.floating | float):
        return _of_numbers(one, other, where)
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f"{where or 'it'} has {', '.join(map(str, one))}, and {', '.join(map(str, other))}"
        pairs = [(one[key], other[key], f"{where}[{key!r}]") for key in one]
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return f"{where or 'it'} has {len(one)} entries, and {len(other)}"
        if all(type(entry) is float for side in (one, other) for entry in side):  # thousands, of an embedding
            return _of_numbers(one, other, where)
        pairs = [(a, b, f"{where}[{place}]") for place, (a, b) in enumerate(zip(one, other, strict=True))]
    else:
        return None if one == other else f"{where or 'it'} is {one!r:.100}, and {other!r:.100}"
    return next((said for a, b, place in pairs if (said := difference(a, b, place)) is not None), None)


def _of_numbers(one: Any, other: Any, where: str, allowed: float = _ABSOLUTE) -> str | None:
    first, second = (np.asarray(numbers, dtype=np.float64) for numbers in (one, other))
    if first.shape != second.shape:
        return f"{where or 'it'} is of {first.shape}, and of {second.shape}"
    if np.allclose(first, second, rtol=_RELATIVE, atol=allowed, equal_nan=True):
        return None
    return f"{where or 'it'} differs by {np.abs(first - second).max():.3g}"
