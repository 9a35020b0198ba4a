"""Bundles: models without a forward of their own, whose methods (`generate`) use the models that they hold in turn.

A bundle is run by running each of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hfci.tiny.recipes import recipe_for

__all__ = ["bundled", "is_bundle", "standing_in"]


def bundled(model: Any) -> dict[str, Any]:
    """Return the models that `model` holds directly, by attribute name."""
    from transformers import PreTrainedModel

    return {name: child for name, child in model.named_children() if isinstance(child, PreTrainedModel)}


def is_bundle(model: Any) -> bool:
    """Say whether `model` is run by running its parts: it has no forward of its own, or its recipe says so."""
    from torch import nn

    recipe = recipe_for(model.config.model_type, type(model).__name__)
    return (recipe.run_parts or type(model).forward is nn.Module.forward) and bool(bundled(model))


def standing_in(model: Any, inputs: Mapping[str, Any], make: Callable[[Any, Mapping[str, Any]], Any]) -> Any:
    """Return what runs in the place of `model`, with the same inputs: what `make` makes of it and them.

    Of a bundle it is made of each model that it holds, which may be one itself, and gives the output of each by name.
    """
    if not is_bundle(model):
        return make(model, inputs)
    parts = {name: standing_in(part, inputs[name], make) for name, part in bundled(model).items()}
    return lambda **given: {name: part(**given[name]) for name, part in parts.items()}
