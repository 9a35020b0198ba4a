"""Exceptions are few, name what exists and say why."""

from __future__ import annotations

import copy
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from hfci.catalog import model_type_names, read_row, registries
from hfci.catalog.registries import config_class, model_tables
from hfci.errors import UsageError
from hfci.tiny import BUDGET, recipe_for, recipes
from hfci.tiny.recipes import read_recipes, recipe_rows


def configurations_beside(cls: type[Any]) -> list[Any]:
    return [value for value in vars(sys.modules[cls.__module__]).values() if hasattr(value, "model_type")]


def test_rows_name_model_types_architectures_and_tables_that_exist() -> None:
    known = set(model_type_names())
    # parts without a key of their own (bark's `semantic`) are known by their configuration class
    known |= {part.model_type for name in known for part in configurations_beside(config_class(name))}
    for row in recipe_rows():
        assert known.issuperset(row.model_types or ()), row
        assert model_tables().keys() >= set(row.tables or ()), row
        if row.architectures and row.model_types:
            have = {arch.name for name in row.model_types for arch in read_row(name).architectures}
            assert have.issuperset(row.architectures), row


def test_an_older_transformers_has_recipes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert recipe_for("granite4_vision").default == {}
    monkeypatch.setattr(registries, "transformers_version", lambda: "5.18.0")
    rows = recipes._rows.__wrapped__()
    monkeypatch.setattr(recipes, "_rows", lambda: rows)
    assert recipe_for.__wrapped__("granite4_vision").default["text_config"]


def test_what_is_said_of_an_architecture_goes_before_what_is_said_of_its_model_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = recipes.Recipe(reason="one", model_types=("bert",), architectures=("BertModel",), set={"hidden_size": 8})
    every = recipes.Recipe(reason="all", model_types=("bert",), set={"hidden_size": 16, "vocab_size": 4})
    monkeypatch.setattr(recipes, "_rows", lambda: (own, every))
    assert recipe_for.__wrapped__("bert", "BertModel").set == {"hidden_size": 8, "vocab_size": 4}
    assert recipe_for.__wrapped__("bert", "BertForMaskedLM").set == {"hidden_size": 16, "vocab_size": 4}


def test_at_most_ten_model_types_are_over_the_budget() -> None:
    assert sum(recipe_for(name).budget > BUDGET for name in model_type_names()) <= 10


def test_most_model_types_need_no_exception() -> None:
    excepted = {name for row in recipe_rows() for name in row.model_types or ()}
    assert len(excepted) < len(model_type_names()) / 2


def test_what_a_recipe_says_outlives_the_configuration_made_of_it() -> None:
    parts = {"backbone_config": {"model_type": "resnet", "out_features": ["stage4"]}}
    before = copy.deepcopy(parts)
    with pytest.MonkeyPatch.context() as patch:  # as the configuration of musicgen_melody did before transformers 5.19
        patch.setattr(registries, "config_class", lambda _: lambda **given: given["backbone_config"].pop("model_type"))
        assert registries.default_config("detr", **parts) == "resnet"
    assert parts == before


# Bad input.

GOOD = """
[[recipe]]
model_types = ["bert"]
reason = "a reason that is long enough"
budget = 2_000_000
choices = 2
shapes = { logits = ["batch"] }
"""


def read(folder: Path, text: str) -> None:
    (folder / "text.toml").write_text(text, encoding="utf-8")
    read_recipes(folder)


def test_the_row_that_the_bad_ones_are_made_of_is_good(tmp_path: Path) -> None:
    read(tmp_path, GOOD)


ROW = "recipe[0] (a reason that is long enough): "


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("budget", "bugdet", f"{ROW}unknown key 'bugdet'. Did you mean budget?"),
        ('reason = "a reason that is long enough"\n', "", "recipe[0] lacks reason: a reason that says why"),
        ("2_000_000", "1_000_000", f"{ROW}budget must be a number of parameters, over 1,000,000, not 1000000"),
        ("choices = 2", "choices = 1", f"{ROW}choices must be a number of texts, at least 2, not 1"),
        ("choices = 2", "gain = 0", f"{ROW}gain must be a factor above 0, not 0"),
        ("choices = 2", "run_parts = 1", f"{ROW}run_parts: Expected `bool`, got `int`"),
        ('["batch"]', '"batch"', f"{ROW}shapes.logits must be a list of dimensions, not 'batch'"),
        ('["bert"]', "[]", f"{ROW}model_types must be a list of names, not []"),
        ("model_types", 'transformers = "old"\nmodel_types', f"{ROW}transformers must be PEP 440 specifiers"),
        ("choices = 2", "inputs = { x = { shpae = [1] } }", f"{ROW}inputs.x: unknown key 'shpae'. Did you mean shape?"),
        ("choices = 2", "inputs = { x = { shape = [1.5] } }", "x: shape[0] must be a number, or a field of the config"),
        (
            "choices = 2",
            'inputs.x = { shape = [1], values = "one" }',
            "values must be one of normal, uniform, ones, zer",
        ),
        ("choices = 2", "inputs.x = { shape = [1], data = [1] }", f"{ROW}inputs.x: an input is made in one way: shape"),
        (
            "choices = 2",
            'host_inputs.x.each = [{ where = "y" }]',
            "x: each[0]: `where` names an input, and `equals` wh",
        ),
        ("choices = 2", 'placeholders.smell = "x"', "no 'smell' stands in a text; audio, image, video do"),
        (GOOD[GOOD.index("budget") :], "", f"{ROW}it changes nothing; it may change default, set, "),
        ("[[recipe]]", "[[recipes]]", "unknown key 'recipes'. Did you mean recipe?"),
        ("[[recipe]]", "[[recipe", "cannot read the recipes"),
    ],
)
def test_a_wrong_row_is_an_error_with_its_file_and_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=re.escape(said)) as error:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert str(tmp_path / "text.toml") in str(error.value)
