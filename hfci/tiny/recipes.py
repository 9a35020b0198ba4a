"""Recipes: the general rule plus, rarely, an exception with its reason, read from `data/recipes/`.

`set` of a model type also applies where it is a part of another: what `qwen2_vl_text` needs, `colqwen2` needs for the
`qwen2_vl_text` within it. What a check does not hold a model to is no recipe's: `hfci.checks.exceptions`.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from packaging.specifiers import SpecifierSet

from hfci.catalog import registries
from hfci.tiny.weights import GAIN

__all__ = ["BUDGET", "Recipe", "recipe_for", "recipe_rows"]

BUDGET = 1_000_000


@dataclass(frozen=True)
class Recipe:
    """How one model type departs from the general rule; an empty recipe departs in nothing.

    - `default`: arguments of the default configuration, where it cannot be made without
    - `set`: dotted configuration field → value
    - `fill`: configuration field, of any part → value where it has none
    - `inputs`: parameter of forward → how it is made (see hfci/tiny/inputs/spec.py)
    - `host_inputs`: the same, of the model that it is a part of, where it has no class of its own
    - `choices`: how many texts a row holds, side by side in a second dimension; 0: the one that it is
    - `run_parts`: run the models it holds, not its own forward
    - `files`: a file that loading demands and saving does not write → what `torch.save` writes there
    - `budget`: parameters at most
    - `gain`: how much a matrix enlarges what it is applied to
    - `shapes`: output field → its dimensions where no rule gives them, of `batch`, `length`, `config`, `inputs`
    - `reason`: why any of it
    """

    reason: str = ""
    default: Mapping[str, Any] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    fill: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    host_inputs: Mapping[str, Any] = field(default_factory=dict)
    choices: int = 0
    run_parts: bool = False
    files: Mapping[str, Any] = field(default_factory=dict)
    budget: int = BUDGET
    gain: float = GAIN
    shapes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@functools.cache
def recipe_rows() -> tuple[dict[str, Any], ...]:
    """Return every row of the data files, as it stands there, whichever transformers it is for."""
    folder = files("hfci.tiny") / "data" / "recipes"
    texts = [entry.read_text(encoding="utf-8") for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)]
    return tuple(row for text in texts for row in tomllib.loads(text)["recipe"])


@functools.cache
def _rows() -> tuple[dict[str, Any], ...]:
    return tuple(row for row in recipe_rows() if _holds(row, registries.transformers_version()))


def _holds(row: Mapping[str, Any], version: str) -> bool:
    """Say whether a row holds for transformers `version`: one that names none, in `transformers`, holds for any."""
    return SpecifierSet(row.get("transformers", "")).contains(version, prereleases=True)


@functools.cache
def recipe_for(model_type: str, architecture: str | None = None) -> Recipe:
    """Return the recipe of an architecture of `model_type`: what the rows that cover it say together.

    A row covers the `model_types` that it names, or every one if it names none, and of those only the `architectures`
    that it names, if it does, and the classes that stand in one of the auto `tables` that it names, if it does. A row
    with `transformers`, a version specifier, is not there for other versions.
    """
    tables = registries.tables_of_class(architecture) if architecture else frozenset()
    merged: dict[str, Any] = {}
    reasons = []
    for row in _rows():
        of_type = model_type in row.get("model_types", (model_type,))
        of_class = architecture in row.get("architectures", (architecture,))
        if of_type and of_class and ("tables" not in row or not tables.isdisjoint(row["tables"])):
            reasons.append(row["reason"])
            for key, value in row.items():
                if isinstance(value, dict):
                    merged[key] = {**merged.get(key, {}), **value}
                elif key not in ("model_types", "architectures", "tables", "transformers", "reason"):
                    merged[key] = value
    return Recipe(reason="; ".join(reasons), **merged)
