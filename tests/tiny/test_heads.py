"""Heads: every class of the auto tables is built from its own configuration and fed what it reads."""

from __future__ import annotations

import pytest
import torch

from hfci.catalog import registries
from hfci.checks.forward import forward_is_finite
from hfci.errors import StageError
from hfci.tiny import build_tiny, recipe_for, tiny_config

LOGITS = [
    ("bert", "BertForMultipleChoice", (2, 3)),
    ("xlnet", "XLNetForMultipleChoice", (2, 3)),
    ("bert", "BertForSequenceClassification", (2, 3)),
    ("gpt2", "GPT2ForSequenceClassification", (2, 3)),
    ("qwen3_5", "Qwen3_5ForSequenceClassification", (2, 3)),
    ("bart", "BartForSequenceClassification", (2, 3)),
    ("t5", "T5ForSequenceClassification", (2, 3)),
    ("emu3", "Emu3ForCausalLM", (2, 10, 128)),
    ("perceiver", "PerceiverForMaskedLM", (2, 32, 128)),
    ("detr", "DetrForSegmentation", (2, 10, 4)),
    ("beit", "BeitForSemanticSegmentation", (2, 3, 16, 16)),
    ("wav2vec2", "Wav2Vec2ForXVector", (2, 64)),
    ("wav2vec2-conformer", "Wav2Vec2ConformerForCTC", (2, 7, 32)),
    ("pi0", "PI0ForConditionalGeneration", (2, 8, 32)),
]


@pytest.mark.parametrize(("model_type", "architecture", "shape"), LOGITS)
def test_a_head_gives_its_logits(model_type: str, architecture: str, shape: tuple[int, ...]) -> None:
    tiny = build_tiny(model_type, architecture)
    with torch.no_grad():
        assert tiny.forward()["logits"].shape == shape
    forward_is_finite(tiny)


@pytest.mark.parametrize(
    ("model_type", "architecture", "own"),
    [
        ("emu3", "Emu3ForCausalLM", "emu3_text_model"),
        ("musicgen", "MusicgenForCausalLM", "musicgen_decoder"),
        ("mllama", "MllamaVisionModel", "mllama_vision_model"),
        ("qwen2", "JevForDecision", "jev"),
        ("bert", "BertForMaskedLM", "bert"),
    ],
)
def test_a_class_of_a_part_or_of_a_whole_around_it_is_built_from_its_own_configuration(
    model_type: str, architecture: str, own: str
) -> None:
    tiny = build_tiny(model_type, architecture)
    assert isinstance(tiny.config, registries.find_class(model_type, architecture).config_class)
    assert tiny.config.model_type == own
    assert tiny.recipe.reason == recipe_for(own, architecture).reason


def test_a_decision_model_reads_the_model_that_lists_it() -> None:
    assert build_tiny("qwen2", "JevForDecision").config.text_config.model_type == "qwen2"


def test_what_a_head_needs_leaves_its_base_alone() -> None:
    base, head = tiny_config("gpt2"), tiny_config("gpt2", "GPT2ForSequenceClassification")
    assert (base.pad_token_id, base.num_labels) == (None, 2)
    assert (head.pad_token_id, head.num_labels) == (0, 3)
    assert tiny_config("gpt2", "GPT2Model").to_dict() == base.to_dict()


def test_padding_stands_in_no_text() -> None:
    tiny = build_tiny("llama", "LlamaForSequenceClassification")
    assert not (tiny.inputs(range(20))["input_ids"] == tiny.config.pad_token_id).any()


def test_a_row_of_choices_holds_different_texts_and_is_the_same_beside_any_other() -> None:
    assert (recipe_for("bert", "BertForMultipleChoice").choices, recipe_for("bert", "BertModel").choices) == (3, 0)
    tiny = build_tiny("bert", "BertForMultipleChoice")
    both, second = tiny.inputs((0, 1))["input_ids"], tiny.inputs((1,))["input_ids"]
    assert both.shape == (2, 3, 10)
    assert torch.equal(both[1:], second)
    assert len({tuple(text.tolist()) for row in both for text in row}) == 6


def test_a_classified_text_ends_where_an_encoder_decoder_looks() -> None:
    for architecture, ends in (("BartForSequenceClassification", 2), ("BartForConditionalGeneration", 0)):
        tiny = build_tiny("bart", architecture)
        assert int((tiny.inputs()["input_ids"] == tiny.config.eos_token_id).sum()) == ends


def test_a_head_that_is_fed_what_its_base_reads_fails_at_forward() -> None:
    inputs = build_tiny("bert").inputs()
    with pytest.raises(StageError) as caught:
        build_tiny("bert", "BertForMultipleChoice").forward(inputs)
    assert caught.value.stage == "forward"


def test_a_classifier_without_a_padding_token_fails_at_forward() -> None:
    tiny = build_tiny("gpt2", "GPT2ForSequenceClassification")
    tiny.config.pad_token_id = None
    with pytest.raises(StageError, match="padding token"):
        tiny.forward()


def test_a_head_with_a_broken_weight_is_not_finite() -> None:
    tiny = build_tiny("gpt2", "GPT2ForSequenceClassification")
    tiny.model.score.weight.data[1, 0] = float("nan")
    with pytest.raises(AssertionError, match=r"logits \(2, 3\): 2 of 6"):
        forward_is_finite(tiny)
