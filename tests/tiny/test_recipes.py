"""Exceptions are few, name what exists and say why."""

from __future__ import annotations

import copy
import sys
import tomllib
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from hfci.catalog import model_type_names, read_row, registries
from hfci.catalog.registries import config_class, model_tables
from hfci.tiny import BUDGET, recipe_for, recipes

FOLDER = files("hfci.tiny") / "data" / "recipes"
ROWS = [
    (entry.name, row)
    for entry in sorted(FOLDER.iterdir(), key=lambda entry: entry.name)
    for row in tomllib.loads(entry.read_text(encoding="utf-8"))["recipe"]
]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["reason"],
    "additionalProperties": False,
    "properties": {
        "model_types": {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
        "architectures": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "tables": {"type": "array", "items": {"enum": sorted(model_tables())}, "minItems": 1, "uniqueItems": True},
        "transformers": {"type": "string", "pattern": r"^(<|<=|>|>=|==)\d+(\.\d+)+$"},
        "reason": {"type": "string", "minLength": 15},
        "default": {"type": "object"},
        "set": {"type": "object"},
        "fill": {"type": "object"},
        "inputs": {"type": "object"},
        "host_inputs": {"type": "object"},
        "choices": {"type": "integer", "minimum": 2},
        "files": {"type": "object"},
        "run_parts": {"const": True},
        "budget": {"type": "integer", "exclusiveMinimum": BUDGET},
        "gain": {"type": "number", "exclusiveMinimum": 0},
        "shapes": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
    },
}


def configurations_beside(cls: type[Any]) -> list[Any]:
    return [value for value in vars(sys.modules[cls.__module__]).values() if hasattr(value, "model_type")]


@pytest.mark.parametrize(("file", "row"), ROWS)
def test_a_row_is_as_the_schema_says(file: str, row: dict[str, Any]) -> None:
    assert file.endswith(".toml")
    jsonschema.validate(row, SCHEMA)
    where = {"model_types", "architectures", "tables", "transformers", "reason"}
    assert len(row) > len(where & set(row)), "a row that changes nothing"


def test_rows_name_model_types_and_architectures_that_exist() -> None:
    known = set(model_type_names())
    # parts without a key of their own (bark's `semantic`) are known by their configuration class
    known |= {part.model_type for name in known for part in configurations_beside(config_class(name))}
    for _, row in ROWS:
        assert set(row.get("model_types", ())) <= known, set(row["model_types"]) - known
        if "architectures" in row and "model_types" in row:
            have = {arch.name for name in row["model_types"] for arch in read_row(name).architectures}
            assert set(row["architectures"]) <= have


@pytest.mark.parametrize(
    ("row", "version", "there"),
    [
        ({}, "5.17.0", True),
        ({"transformers": "<5.20"}, "5.17.0", True),
        ({"transformers": "<5.20"}, "5.19.0.dev0", True),
        ({"transformers": "<5.20"}, "5.20.0", False),
        ({"transformers": ">=5.20"}, "5.24.0.dev0", True),
    ],
)
def test_a_row_is_there_for_the_versions_that_it_names(row: dict[str, str], version: str, there: bool) -> None:
    assert recipes._holds(row, version) is there


def test_an_older_transformers_has_recipes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert recipe_for("granite4_vision").default == {}
    monkeypatch.setattr(registries, "transformers_version", lambda: "5.18.0")
    rows = recipes._rows.__wrapped__()
    monkeypatch.setattr(recipes, "_rows", lambda: rows)
    assert recipe_for.__wrapped__("granite4_vision").default["text_config"]


def test_at_most_ten_model_types_are_over_the_budget() -> None:
    assert sum(recipe_for(name).budget > BUDGET for name in model_type_names()) <= 10


def test_most_model_types_need_no_exception() -> None:
    excepted = {name for _, row in ROWS for name in row.get("model_types", ())}
    assert len(excepted) < len(model_type_names()) / 2


def test_what_a_recipe_says_outlives_the_configuration_made_of_it() -> None:
    parts = {"backbone_config": {"model_type": "resnet", "out_features": ["stage4"]}}
    before = copy.deepcopy(parts)
    with pytest.MonkeyPatch.context() as patch:  # as the configuration of musicgen_melody did before transformers 5.19
        patch.setattr(registries, "config_class", lambda _: lambda **given: given["backbone_config"].pop("model_type"))
        assert registries.default_config("detr", **parts) == "resnet"
    assert parts == before
