"""Processors of tiny models: one of each kind that transformers' tables have, or the reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers

from hfci.catalog import read_row
from hfci.cli import main
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.processors import KINDS, VOCABULARY, build_processors
from hfci.tiny.processors.pieces import corpus, learn
from hfci.tiny.processors.plan import Wanted
from hfci.tiny.processors.special_tokens import ProcessorTokens, processor_tokens
from hfci.tiny.processors.tokenizers import make_tokenizer

TEXT = "the cat sat on the mat"


def speaking(model_type: str) -> TinyModel:
    return build_tiny(model_type, vocabulary=VOCABULARY)


def test_a_model_type_without_processors_has_none_and_none_is_refused() -> None:
    processors = build_processors(build_tiny("timesfm"))
    assert read_row("timesfm").processors == {}
    assert not any(getattr(processors, kind) for kind in KINDS)
    assert not processors.refused


def test_each_kind_that_the_tables_name_is_built_or_refused_with_its_class() -> None:
    row = read_row("clip")
    processors = build_processors(speaking("clip"))
    for kind in KINDS:
        built, refused = getattr(processors, kind), processors.refused.get(kind)
        assert (built is not None) + (refused is not None) == (kind in row.processors)
        assert built is None or type(built).__name__ in row.processors[kind]
        assert refused is None or refused.startswith(row.processors[kind])


@pytest.mark.parametrize(
    "model_type",
    ["bert", "gpt2", "llama", "t5", "albert", "clip", "ctrl", "marian", "m2m_100", "speecht5", "wav2vec2", "xlnet"],
)
def test_a_tokenizer_fits_the_vocabulary_and_has_the_configurations_special_tokens(model_type: str) -> None:
    tiny = speaking(model_type)
    tokenizer = build_processors(tiny).tokenizer
    size = tiny.config.get_text_config().vocab_size
    ids = tokenizer(TEXT)["input_ids"]
    assert len(tokenizer) <= size
    assert 0 <= min(ids) <= max(ids) < size
    for name in ("bos", "eos", "pad", "sep", "cls", "mask"):
        declared = getattr(tiny.config, f"{name}_token_id", None)
        assert declared is None or getattr(tokenizer, f"{name}_token_id") == declared, name


@pytest.mark.parametrize("model_type", ["bert", "gpt2", "llama", "t5", "marian", "xlnet"])
def test_a_text_of_the_corpus_comes_back(model_type: str) -> None:
    tokenizer = build_processors(speaking(model_type)).tokenizer
    assert tokenizer.decode(tokenizer(TEXT)["input_ids"], skip_special_tokens=True).strip() == TEXT


def test_a_processor_counts_as_many_placeholders_as_its_model_makes_features() -> None:
    tiny = speaking("llava")
    processors = build_processors(tiny)
    token = tiny.config.image_token_id
    assert processors.tokenizer.convert_tokens_to_ids(processors.processor.image_token) == token
    fed = int((tiny.inputs()["input_ids"][0] == token).sum())
    patches = (tiny.config.vision_config.image_size // tiny.config.vision_config.patch_size) ** 2
    extra = processors.processor.num_additional_image_tokens
    assert fed == patches + extra - (processors.processor.vision_feature_select_strategy == "default")


@pytest.mark.parametrize(("model_type", "masks", "ends"), [("modernbert", True, False), ("umt5", False, True)])
def test_a_tokenizer_that_may_be_any_has_what_the_heads_of_its_model_type_read(
    model_type: str, masks: bool, ends: bool
) -> None:
    tokenizer = build_processors(speaking(model_type)).tokenizer
    ids = tokenizer(TEXT, "two birds")["input_ids"]
    assert (tokenizer.mask_token is not None) is masks
    assert ids.count(tokenizer.eos_token_id) == (2 if ends else 0)


def test_what_a_processor_reads_off_its_tokenizer_is_read_off_its_source() -> None:
    tokens = processor_tokens("gemma3")
    assert set(tokens.asked) == {"boi_token", "eoi_token", "image_token"}
    assert tokens.own["image_token"] == tokens.asked["boi_token"]  # Gemma 3 writes the start of an image for one
    assert processor_tokens("bert") == ProcessorTokens()


def test_a_token_that_is_asked_for_with_nothing_to_fall_back_on_is_asked_of_the_tokenizer() -> None:
    assert processor_tokens("gemma4").asked["boa_token"] == "<|boa|>"


def test_a_token_may_be_a_constant_of_the_class() -> None:
    assert processor_tokens("minimax_m3_vl").own["image_token"] == "]<]image[>["


def test_the_same_pieces_are_learnt_whatever_the_order_of_hash_tables() -> None:
    pieces = learn(transformers.BertTokenizer()._tokenizer, 300)
    assert len(pieces.tokens) == len(set(pieces.tokens)) <= 300
    for left, right in pieces.merges:
        assert left + right.removeprefix("##") in pieces.tokens
    assert all(ord(letter) < 0x110000 for line in corpus() for letter in line)


@pytest.mark.parametrize("size", [40, 128, 300])
def test_a_tokenizer_of_few_tokens_is_no_larger(size: int) -> None:
    for cls in (transformers.BertTokenizer, transformers.GPT2Tokenizer, transformers.XLMRobertaTokenizer):
        tokenizer: Any = make_tokenizer(cls, Wanted(size, {"pad_token": 3}))
        assert len(tokenizer) == size
        assert tokenizer.pad_token_id == 3


def test_tiny_saves_a_checkpoint_that_the_auto_classes_load(tmp_path: Path) -> None:
    assert main(["tiny", "bert", "--save", str(tmp_path)]) == 0
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    model = transformers.AutoModel.from_pretrained(tmp_path)
    assert len(tokenizer) <= model.config.vocab_size
    model(**tokenizer(TEXT, return_tensors="pt"))


def test_a_mark_that_is_a_token_of_its_own_stands_in_the_chat_template() -> None:
    processor = build_processors(speaking("blip-2")).processor
    assert str(processor.image_token) in processor.chat_template
