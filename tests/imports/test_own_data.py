"""Recipes and exceptions of a repository that uses hfci: the same rows, the same strict readers, beside hfci's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfci.checks import exceptions
from hfci.checks.own import require_readable
from hfci.errors import UsageError
from hfci.tiny import recipes
from hfci.tiny.recipes import recipe_for

RECIPE = '[[recipe]]\nmodel_types = ["mine"]\nset = { hidden_size = 24 }\nreason = "its heads are of 24 numbers"\n'
EXCEPTION = (
    '[[exception]]\nmodel_types = ["mine"]\nkind = "not_asked"\nwhy = "its outputs are drawn, as its paper says"\n'
)
CACHES = (recipes._rows, recipe_for, exceptions._rows)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\nrecipes = "hfci/recipes"\nexceptions = "hfci/exceptions"\n')
    for kind in ("recipes", "exceptions"):
        (tmp_path / "hfci" / kind).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for cached in CACHES:
        cached.cache_clear()
    yield tmp_path
    for cached in CACHES:
        cached.cache_clear()


def test_they_add_to_hfcis_own(here: Path) -> None:
    (here / "hfci" / "recipes" / "mine.toml").write_text(RECIPE)
    check = next(iter(exceptions.read_exceptions(exceptions.FOLDER)))
    kind, what = next(iter(exceptions.CHECKS[check].exceptions.items()))
    names = "" if what.of == "architecture" else 'names = { "x" = "it is of no consequence here" }\n'
    row = EXCEPTION.replace("not_asked", kind) + names
    (here / "hfci" / "exceptions" / f"{check}.toml").write_text(row)
    require_readable()
    assert recipe_for("mine").set == {"hidden_size": 24}
    assert len(recipes._rows()) > 100
    own = exceptions._rows()[check]
    assert own[-1].model_types == ("mine",)
    assert len(own) > 1


@pytest.mark.parametrize(
    ("kind", "name", "text", "said"),
    [
        ("recipes", "mine.toml", RECIPE.replace("set", "sat"), "unknown key 'sat'. Did you mean set"),
        ("recipes", "mine.toml", RECIPE.replace("its heads are of 24 numbers", "so"), "a reason that says why"),
        ("recipes", "mine.toml", "[[recipe]", "cannot read the recipes"),
        ("exceptions", "no_check.toml", EXCEPTION, "holds the exceptions of no check"),
        ("exceptions", "builds_tiny.toml", EXCEPTION.replace("not_asked", "odd"), "no exceptions of the kind 'odd'"),
    ],
)
def test_a_wrong_row_is_named_with_its_file(kind: str, name: str, text: str, said: str, here: Path) -> None:
    file = here / "hfci" / kind / name
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        require_readable()
    assert said in str(error.value)
    assert str(file) in str(error.value)


def test_a_folder_that_is_not_there(here: Path) -> None:
    (here / "hfci" / "recipes").rmdir()
    with pytest.raises(UsageError, match=r"cannot read the folder of recipes .*/hfci/recipes: No such file"):
        require_readable()


def test_a_run_tells_it_before_anything_else(here: Path) -> None:
    (here / "hfci" / "recipes" / "mine.toml").write_text("[[recipe]")
    command = [sys.executable, "-m", "hfci", "run", "bert"]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 2
    assert done.stderr.startswith("hfci: cannot read the recipes ")
