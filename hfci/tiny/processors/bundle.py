"""The class that bundles tokenizer, image processor and the others of one model type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["build_processor"]


def build_processor(cls: type[Any], parts: Mapping[str, Any]) -> Any:
    """Return a `cls` of `parts`, kind → object; ValueError where one that it wants is not among them."""
    wanted = cls.get_attributes()
    if missing := [name for name in wanted if name not in parts]:
        raise ValueError(f"it wants a {' and a '.join(missing)}, which cannot be built")
    return cls(**{name: parts[name] for name in wanted})
