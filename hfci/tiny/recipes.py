"""Recipes: the general rule plus, rarely, an exception with its reason, read from `data/recipes/`.

`set` and `inert` of a model type also apply where it is a part of another: what `qwen2_vl_text` needs, `colqwen2` needs
for the `qwen2_vl_text` within it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

__all__ = ["BUDGET", "Recipe", "recipe_for", "with_parts"]

BUDGET = 1_000_000


@dataclass(frozen=True)
class Recipe:
    """How one model type departs from the general rule; an empty recipe departs in nothing.

    - `default`: arguments of the default configuration, where it cannot be made without
    - `set`: dotted configuration field → value
    - `inputs`: parameter of forward → how it is made (see hfci/tiny/inputs/spec.py)
    - `run_parts`: run the models it holds, not its own forward
    - `files`: a file that loading demands and saving does not write → what `torch.save` writes there
    - `budget`: parameters at most
    - `mixes_rows`: why the rows of a batch depend on each other; `row_mixing_outputs`: the output fields where they do
    - `variance`: what the running variances of norms stay above
    - `masked_outputs`: the output fields where some values are -inf by design, and why
    - `nondeterministic`: why two forwards differ unless the seed is reset
    - `inert`: pattern of parameter names → why no gradient reaches them
    - `reason`: why any of it
    """

    reason: str = ""
    default: Mapping[str, Any] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    run_parts: bool = False
    files: Mapping[str, Any] = field(default_factory=dict)
    budget: int = BUDGET
    mixes_rows: str | None = None
    row_mixing_outputs: Mapping[str, str] = field(default_factory=dict)
    variance: float = 1.0
    masked_outputs: Mapping[str, str] = field(default_factory=dict)
    nondeterministic: str | None = None
    inert: Mapping[str, str] = field(default_factory=dict)


@functools.cache
def _rows() -> tuple[dict[str, Any], ...]:
    folder = files("hfci.tiny") / "data" / "recipes"
    texts = [entry.read_text(encoding="utf-8") for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)]
    return tuple(row for text in texts for row in tomllib.loads(text)["recipe"])


@functools.cache
def recipe_for(model_type: str, architecture: str | None = None) -> Recipe:
    """Return the recipe of an architecture of `model_type`: what the rows that cover it say together.

    A row covers the `model_types` that it names, or every one if it names none, and of those only the `architectures`
    that it names, if it does.
    """
    merged: dict[str, Any] = {}
    reasons = []
    for row in _rows():
        of_type = model_type in row.get("model_types", (model_type,))
        if of_type and architecture in row.get("architectures", (architecture,)):
            reasons.append(row["reason"])
            for key, value in row.items():
                if isinstance(value, dict):
                    merged[key] = {**merged.get(key, {}), **value}
                elif key not in ("model_types", "architectures", "reason"):
                    merged[key] = value
    return Recipe(reason="; ".join(reasons), **merged)


def with_parts(recipe: Recipe, model: Any) -> Recipe:
    """Return `recipe`, that of `model`, with what the recipes of the models within it say is inert in them."""
    from transformers import PreTrainedModel

    inert = dict(recipe.inert)
    for name, part in model.named_modules():
        if name and isinstance(part, PreTrainedModel):
            own = recipe_for(part.config.model_type, type(part).__name__).inert
            inert |= {rf"{re.escape(name)}\.(?:{pattern})": why for pattern, why in own.items()}
    return replace(recipe, inert=inert)
