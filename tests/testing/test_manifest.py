from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hfci.errors import UsageError
from hfci.testing.manifest import Manifest, ManifestArchitecture, ManifestCase, ManifestRow, load_manifest

BERT = ManifestRow(
    model_type="bert",
    rung="generated",
    base="BertModel",
    architectures=(
        ManifestArchitecture("BertModel", "text_encoder", parameters=123),
        ManifestArchitecture("BertLMHeadModel", "text_decoder", requires=("timm",), stage="build", error="no timm"),
        ManifestArchitecture("BertForMaskedLM", "text_encoder"),
    ),
    cases=(
        ManifestCase("BertModel", "smoke", "text_encoder/test_bert.py", ("builds_tiny", "forward_is_finite")),
        ManifestCase("BertLMHeadModel", "functional", "text_encoder/test_bert_functional.py", ("builds_tiny",)),
    ),
)
FOO = ManifestRow(model_type="foo", rung="catalogued", error="ValueError: no")
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


def test_a_row_tells_of_its_architectures_and_files() -> None:
    assert BERT.names == ("BertModel", "BertLMHeadModel", "BertForMaskedLM")
    assert BERT.families == ("text_encoder", "text_decoder")
    assert BERT.files == ("text_encoder/test_bert.py", "text_encoder/test_bert_functional.py")
    assert BERT.architecture("BertLMHeadModel").requires == ("timm",)
    assert FOO.architecture(FOO.base) == ManifestArchitecture("")


def changed(**row: Any) -> dict[str, Any]:
    data = MANIFEST.to_json()
    data["model_types"][0].update(row)
    return data


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ([], "expected dict"),
        ({**MANIFEST.to_json(), "schema": 1}, "schema 1, this hfci reads 2"),
        ({**MANIFEST.to_json(), "model_typs": []}, "unknown key 'model_typs'. Did you mean model_types"),
        ({"schema": 2, "transformers": "5.23.0"}, "model_types: expected list"),
        (changed(bsae="x"), r"model_types\[0\] \(bert\): unknown key 'bsae'. Did you mean base"),
        (changed(architectures="text"), "architectures: expected list"),
        (changed(architectures=["BertModel"]), r"architectures\[0\]: expected dict"),
        (changed(architectures=[{"name": "A", "parameters": "many"}]), r"\[0\]: parameters: expected int"),
        (changed(architectures=[{"name": "A", "requires": [1]}]), r"requires\[0\]: expected str"),
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
