from __future__ import annotations

import json
from pathlib import Path

import pytest

from hfci.cases.manifest import SCHEMA
from hfci.catalog import model_type_names, transformers_version
from hfci.catalog.versions import difference
from hfci.cli import main


def test_what_one_version_lacks_and_what_it_has_beside() -> None:
    found = difference("5.17.0", ["bert", "jukebox", "gpt2"], "5.23.0", ["gpt2", "new", "bert", "newer"])
    assert found.lacks == ("new", "newer")
    assert found.adds == ("jukebox",)
    assert (found.version, found.against) == ("5.17.0", "5.23.0")


def test_a_version_lacks_nothing_of_itself() -> None:
    found = difference("5.23.0", model_type_names(), "5.23.0", model_type_names())
    assert found.lacks == found.adds == ()


def _manifest(path: Path, names: list[str]) -> Path:
    rows = [{"model_type": name, "rung": "catalogued", "reason": "of a test"} for name in names]
    path.write_text(json.dumps({"schema": SCHEMA, "transformers": "9.9.9", "model_types": rows}), encoding="utf-8")
    return path


def test_the_command_compares_what_is_installed_with_a_manifest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [name for name in model_type_names() if name != "bert"]
    manifest = _manifest(tmp_path / "manifest.json", [*others, "not_yet", "not_yet_text"])
    assert main(["catalog", "--against", str(manifest), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "version": transformers_version(),
        "against": "9.9.9",
        "lacks": ["not_yet", "not_yet_text"],
        "adds": ["bert"],
        "losses": None,  # of an older one nobody expects what is newer
        "problems": [],
    }


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = _manifest(tmp_path / "manifest.json", [*model_type_names(), "not_yet"])
    assert main(["catalog", "--against", str(manifest)]) == 0
    shown = capsys.readouterr().out
    assert transformers_version() in shown
    assert "9.9.9" in shown
    assert "not_yet" in shown


def test_a_file_that_is_no_manifest_is_wrong_use(tmp_path: Path) -> None:
    assert main(["catalog", "--against", str(tmp_path / "none.json")]) == 2


def test_names_beside_a_comparison_are_wrong_use(tmp_path: Path) -> None:
    manifest = _manifest(tmp_path / "manifest.json", ["bert"])
    assert main(["catalog", "bert", "--against", str(manifest)]) == 2
