"""`hfci catalog` as a person or a pipe reads it."""

from __future__ import annotations

import json
from pathlib import Path

from .test_cli import generated, run


def test_the_architectures_of_what_is_named(tmp_path: Path) -> None:
    done = run("catalog", "bert", "layoutxlm", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split("  ")[0] == "model type"  # and no blanks before it
    assert not [line for line in lines if line != line.rstrip()]
    (masked,) = (line.split() for line in lines if "BertForMaskedLM " in line)
    assert masked[:3] == ["bert", "BertForMaskedLM", "text_encoder"]
    assert {"AutoModelForMaskedLM", "fill-mask"} <= {word.rstrip(",") for word in masked[3:]}
    assert any(line.startswith("layoutxlm: ") for line in lines)


def test_a_package_that_is_missing_does_not_end_it_with_1(tmp_path: Path) -> None:
    done = run("catalog", "layoutlmv2", "layoutxlm", "dinat", "--json", cwd=tmp_path)
    rows = json.loads(done.stdout)["model_types"]
    assert len(rows) == 3
    assert [row["model_type"] for row in rows if row["error"]] == []
    assert done.returncode == 0


def test_the_processors_of_what_is_named_or_that_it_has_none(tmp_path: Path) -> None:
    done = run("catalog", "bert", "autoformer", "--processors", "--json", cwd=tmp_path)
    classes = json.loads(done.stdout)["classes"]
    assert [(row["name"], row["built_for"], row["ending"]) for row in classes] == [("BertTokenizer", "bert", "same")]
    done = run("catalog", "autoformer", "--processors", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.endswith("hfci: transformers' tables name no tokenizer or processor for autoformer\n")


def test_what_a_rung_is_stands_where_they_are_counted(tmp_path: Path) -> None:
    generated(tmp_path / "generated", good="assert True")
    done = run("catalog", "--coverage", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("rung ")
    assert "each rung counts what has come that far" in done.stdout
