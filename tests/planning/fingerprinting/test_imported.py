"""A fingerprint sees the sources of what a package beside transformers registers, and of what that imports."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestCase, ManifestRow
from hfci.commands.plan import _require_imports
from hfci.configuration import load_configuration
from hfci.errors import UsageError
from hfci.imports import ENTERED, Imports
from hfci.planning.fingerprinting.file_cache import FileCache
from hfci.planning.fingerprinting.fingerprints import Fingerprinted, Fingerprints
from hfci.planning.fingerprinting.imported import sources_of
from hfci.planning.fingerprinting.imports import module_of
from hfci.planning.fingerprinting.locations import locations_of
from hfci.planning.fingerprinting.sources import File
from tests.imports.support import custom_code, package

CHECK = "golden_output"


def row(model_type: str, imported: str | None, *modules: str) -> ManifestRow:
    name = f"{model_type.capitalize()}Model"
    case = ManifestCase(name, "smoke", f"text/test_{model_type}.py", ("builds_tiny", CHECK))
    known = (ManifestArchitecture(name, "text_encoder", 10, modules=modules),)
    return ManifestRow(model_type, "generated", name, known, (case,), imported=imported)


ROWS = (
    row("bert", None, "bert.modeling_bert"),
    row("mine", "mine_package", ":mine_package.modeling_mine", ":mine_package.configuration_mine"),
    row("coded", "my-code", ":transformers_modules.my_code.modeling_coded"),
)
MANIFEST = Manifest("5.24.0", ROWS)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a package, a helper that it imports, another package, custom code, and data of its own."""
    place = package(tmp_path)
    (place / "modeling_mine.py").write_text("import helper\n" + (place / "modeling_mine.py").read_text())
    (tmp_path / "helper.py").write_text("import torch\nx = 1\n")
    (tmp_path / "stranger.py").write_text("x = 1\n")
    custom_code(tmp_path / "my-code", "coded")
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\nrecipes = "recipes"\ngolden = "golden"\n')
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "own.toml").write_text('[[recipe]]\nmodel_types = ["coded"]\n')
    (tmp_path / "golden").mkdir()
    (tmp_path / "generated").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fingerprints(folder: Path, monkeypatch: pytest.MonkeyPatch, imports: Imports | None) -> dict[str, str | None]:
    """Return the fingerprint of each model type's case, for what lies in `folder` now."""
    if imports is None:
        monkeypatch.delenv(ENTERED, raising=False)
    else:
        text = f'{{"packages": {list(imports.packages)}, "folders": {list(imports.folders)}}}'.replace("'", '"')
        monkeypatch.setenv(ENTERED, text)
    # Of transformers and hfci nothing but what the registry is told by: what they need is tested elsewhere.
    places = locations_of(folder / "generated")
    files = {
        label: File(file.path, content=file.read())
        for label, file in places.files().items()
        if label.startswith(("imports/", "own/"))
    }
    known = Fingerprints(MANIFEST, files, FileCache(None), date(2026, 11, 30))
    return {one.model_type: known.of(Fingerprinted(one.model_type, one.base or "", "smoke", CHECK)) for one in ROWS}


def both(folder: Path) -> Imports:
    return Imports(("mine_package",), (str(folder / "my-code"),))


@pytest.mark.parametrize(
    ("file", "others"),
    [
        ("mine_package/modeling_mine.py", {"mine"}),
        ("mine_package/__init__.py", {"mine"}),
        ("helper.py", {"mine"}),
        ("stranger.py", set()),
        ("my-code/modeling_coded.py", {"coded"}),
        ("my-code/configuration_coded.py", {"coded"}),
        ("golden/mine.json", {"mine"}),
        ("golden/bert.json", set()),
        ("recipes/own.toml", {"mine"}),
    ],
)
def test_what_it_depends_on_makes_it_another(
    file: str, others: set[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprints(here, monkeypatch, both(here))
    assert None not in before.values()
    path = here / file
    if path.suffix == ".py":
        path.write_text(path.read_text() + "\ny = 2\n")
    else:
        row = '[[recipe]]\nmodel_types = ["coded"]\n[[recipe]]\nmodel_types = ["mine"]\n'
        path.write_text(row if path.suffix == ".toml" else '{"a": 1}')
    after = fingerprints(here, monkeypatch, both(here))
    assert {name for name in after if after[name] != before[name]} == others


def test_a_comment_makes_it_no_other(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprints(here, monkeypatch, both(here))
    with (here / "helper.py").open("a") as file:
        file.write("# of no consequence\n")
    assert fingerprints(here, monkeypatch, both(here)) == before


def test_without_its_sources_nothing_is_known_to_be_the_same(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = fingerprints(here, monkeypatch, None)
    assert (known["mine"], known["coded"]) == (None, None)
    assert known["bert"] == fingerprints(here, monkeypatch, both(here))["bert"]


def test_the_sources_are_those_that_are_named_and_what_they_import_that_is_not_installed(here: Path) -> None:
    assert sources_of(both(here)) == {
        "imports/transformers_modules/my_code": here / "my-code",
        "imports/mine_package": here / "mine_package",
        "imports/helper.py": here / "helper.py",
    }
    assert sources_of(Imports(("nowhere", "json", "transformers"))) == {}
    assert sources_of(None) == {}
    assert module_of("imports/helper.py") == "helper"
    assert module_of("imports/transformers_modules/my_code/modeling_x.py") == "transformers_modules.my_code.modeling_x"


def test_a_plan_of_what_nobody_imports_is_wrong_use(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENTERED, raising=False)
    assert load_configuration(here).recipes == here / "recipes"
    _require_imports(replace(MANIFEST, model_types=ROWS[:1]))
    with pytest.raises(UsageError, match="of what mine_package, my-code registers: name it with --import"):
        _require_imports(MANIFEST)
