"""Processors of tiny models: one of each kind that transformers' tables have, or the reason why not."""

from __future__ import annotations

from pathlib import Path

from hfci.catalog import read_row
from hfci.cli import main
from hfci.tiny import build_tiny
from hfci.tiny.processors import KINDS, build_processors


def test_a_model_type_without_processors_has_none_and_none_is_refused() -> None:
    processors = build_processors(build_tiny("timesfm"))
    assert read_row("timesfm").processors == {}
    assert not any(getattr(processors, kind) for kind in KINDS)
    assert not processors.refused


def test_each_kind_that_the_tables_name_is_built_or_refused_with_its_class() -> None:
    row = read_row("clip")
    processors = build_processors(build_tiny("clip"))
    for kind in KINDS:
        built, refused = getattr(processors, kind), processors.refused.get(kind)
        assert (built is not None) + (refused is not None) == (kind in row.processors)
        assert built is None or type(built).__name__ in row.processors[kind]
        assert refused is None or refused.startswith(row.processors[kind])


def test_tiny_saves_a_checkpoint_that_the_auto_classes_load(tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    assert main(["tiny", "bert", "--save", str(tmp_path)]) == 0
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    model = AutoModel.from_pretrained(tmp_path)
    assert len(tokenizer) <= model.config.vocab_size
    model(**tokenizer("one text", return_tensors="pt"))
