from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hfci.errors import UsageError
from hfci.testing.manifest import Manifest, ManifestCase, ManifestRow, load_manifest

BERT = ManifestRow(
    model_type="bert",
    rung="generated",
    families=("text_encoder",),
    family="text_encoder",
    file="text_encoder/test_bert.py",
    parameters=123,
    cases=(ManifestCase("BertModel", "smoke", ("builds_tiny", "forward_is_finite")),),
    architectures=("BertModel", "BertForMaskedLM"),
)
FOO = ManifestRow(model_type="foo", rung="catalogued", stage="forward", error="ValueError: no")
MANIFEST = Manifest("5.23.0", (BERT, FOO))


def save(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_round_trip(tmp_path: Path) -> None:
    assert load_manifest(save(tmp_path, MANIFEST.to_json())) == MANIFEST


def test_rows_by_name() -> None:
    assert MANIFEST["foo"] is FOO
    with pytest.raises(UsageError, match="Did you mean bert"):
        MANIFEST["brt"]


def changed(**row: Any) -> dict[str, Any]:
    data = MANIFEST.to_json()
    data["model_types"][0].update(row)
    return data


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ([], "expected dict"),
        ({**MANIFEST.to_json(), "schema": 2}, "schema 2, this hfci reads 1"),
        ({**MANIFEST.to_json(), "model_typs": []}, "unknown key 'model_typs'. Did you mean model_types"),
        ({"schema": 1, "transformers": "5.23.0"}, "model_types: expected list"),
        (changed(famly="x"), r"model_types\[0\] \(bert\): unknown key 'famly'. Did you mean family"),
        (changed(parameters="many"), "parameters: expected int"),
        (changed(families="text"), "families: expected list"),
        (changed(rung=None), "rung: expected str"),
        (changed(cases=[{"architecture": "A"}]), r"cases\[0\]: tier is missing"),
        (changed(model_type="foo"), "two rows for 'foo'"),
    ],
)
def test_bad_manifest(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_manifest(save(tmp_path, content))


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the manifest"):
        load_manifest(tmp_path / "manifest.json")
