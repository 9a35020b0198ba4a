"""Recipes: the general rule plus, rarely, an exception with its reason, read from `data/recipes/`.

`set` of a model type also applies where it is a part of another: what `qwen2_vl_text` needs, `colqwen2` needs for the
`qwen2_vl_text` within it. What a check does not hold a model to is no recipe's: `hfci.checks.exceptions`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from hfci.catalog import registries
from hfci.catalog.facts import MEDIA
from hfci.catalog.whom import Whom
from hfci.configuration import load_configuration
from hfci.parsing import Reason, Text, entries_of, read_toml
from hfci.tiny.specs import Input
from hfci.tiny.weights import GAIN

__all__ = ["BUDGET", "COLUMNS", "FOLDER", "Recipe", "RecipeFile", "read_recipes", "recipe_for", "recipe_rows"]

FOLDER = files("hfci.tiny") / "data" / "recipes"

BUDGET = 1_000_000


class Recipe(Whom, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How some model types depart from the general rule; a recipe that says no more than why departs in nothing.

    - `reason`: why any of it
    - `default`: arguments of the default configuration, where it cannot be made without
    - `set`: dotted configuration field → value
    - `fill`: configuration field, of any part → value where it has none
    - `inputs`: parameter of forward → how it is made (see hfci/tiny/specs.py)
    - `video_inputs`: the same where it is shown a video in place of an image
    - `host_inputs`: the same, of the model that it is a part of, where it has no class of its own
    - `placeholders`: modality → the configuration field of the token that stands for its features in a text
    - `choices`: how many texts a row holds, side by side in a second dimension; 0: the one that it is
    - `run_parts`: run the models it holds, not its own forward
    - `files`: a file that loading demands and saving does not write → what `torch.save` writes there
    - `budget`: parameters at most
    - `gain`: how much a matrix enlarges what it is applied to
    - `shapes`: output field → its dimensions where no rule gives them, of `batch`, `length`, `config`, `inputs`
    """

    reason: Reason
    default: Mapping[str, Any] = {}
    set: Mapping[str, Any] = {}
    fill: Mapping[str, Any] = {}
    inputs: Mapping[str, Input] = {}
    video_inputs: Mapping[str, Input] = {}
    host_inputs: Mapping[str, Input] = {}
    placeholders: Mapping[str, Text] = {}
    choices: Annotated[int, Meta(ge=2, title="a number of texts, at least 2")] = 0
    run_parts: bool = False
    files: Mapping[str, Any] = {}
    budget: Annotated[int, Meta(gt=BUDGET, title=f"a number of parameters, over {BUDGET:,}")] = BUDGET
    gain: Annotated[float, Meta(gt=0, title="a factor above 0")] = GAIN
    shapes: Mapping[str, Annotated[tuple[Text, ...], Meta(min_length=1, title="a list of dimensions")]] = {}

    def __post_init__(self) -> None:
        """Raise ValueError for a reason of nothing, and for media that there are not."""
        if unknown := sorted(self.placeholders.keys() - MEDIA):
            raise ValueError(f"placeholders: no {unknown[0]!r} stands in a text; {', '.join(sorted(MEDIA))} do")
        if self.reason and not self.departures:
            raise ValueError(f"it changes nothing; it may change {', '.join(COLUMNS)}")

    @property
    def departures(self) -> dict[str, Any]:
        """What it departs from the general rule in: column → what it says there."""
        return {name: value for name in COLUMNS if (value := getattr(self, name)) != getattr(_GENERAL, name)}


# The fields in which a recipe may depart.
COLUMNS = tuple(name for name in Recipe.__struct_fields__ if name not in (*Whom.__struct_fields__, "reason"))
_GENERAL = Recipe(reason="")


class RecipeFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of `data/recipes/`; `every.toml` there explains the columns."""

    recipe: tuple[Recipe, ...]


def read_recipes(folder: Path | Traversable) -> tuple[Recipe, ...]:
    """Return the rows of the files in `folder`; UsageError names the file and the row that is wrong."""
    entries = entries_of(folder, "recipes")
    return tuple(row for file in entries for row in read_toml(file, RecipeFile, "the recipes").recipe)


@functools.cache
def recipe_rows() -> tuple[Recipe, ...]:
    """Return every row of the package, whichever transformers it is for."""
    return read_recipes(FOLDER)


@functools.cache
def _rows() -> tuple[Recipe, ...]:
    """Return the rows for the installed transformers: the package's, then those of the repository that uses hfci."""
    own = load_configuration(Path.cwd()).recipes
    rows = (*recipe_rows(), *(read_recipes(own) if own is not None else ()))
    return tuple(row for row in rows if row.holds_for(registries.transformers_version()))


@functools.cache
def recipe_for(model_type: str, architecture: str | None = None) -> Recipe:
    """Return the recipe of an architecture of `model_type`: what the rows that cover it say together.

    What is said of an architecture by its name goes before what is said of its model type.
    """
    rows = sorted(
        (row for row in _rows() if row.covers(model_type, architecture)), key=lambda row: row.architectures is not None
    )
    merged: dict[str, Any] = {}
    for row in rows:
        for column, value in row.departures.items():
            merged[column] = {**merged.get(column, {}), **value} if isinstance(value, Mapping) else value
    return Recipe(reason="; ".join(row.reason for row in rows), **merged)
