"""What is expected of outputs: by a recipe, by an auto class, by a family."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from hfci.catalog import read_row
from hfci.errors import UsageError
from hfci.generation.expected import Known, derived, expected_outputs, known
from hfci.generation.shapes import shapes
from hfci.tiny.recipes import Recipe

WORDS = 'batch, length = inputs["input_ids"].shape[:2]'
PLAIN = "outputs = checks.reference_forward(tiny)"


def found(family: str, *facts: str, recipe: Recipe | None = None, **spelled: str) -> Known:
    fields = {fact.removeprefix("output:") for fact in facts if fact.startswith("output:")}
    known_facts = frozenset({f"family:{family}", *facts})
    return Known(known_facts, {**{field: field for field in fields}, **spelled}, recipe or Recipe(reason=""))


def lines(family: str, *facts: str, role: Literal["base", "head"] = "base", **more: Any) -> tuple[str, ...]:
    expected = derived(found(family, *facts, **more), family, role, shapes())
    return expected.forward, *expected.lines


def test_a_decoder_is_run_with_a_cache_that_knows_every_token_however_the_release_spells_it() -> None:
    facts = ("output:last_hidden_state", "output:cache", "flag:keeps_cache")
    ran, *asserted = lines("text_decoder", *facts, cache="past_key_values")
    assert ran == "outputs = checks.reference_forward(tiny, use_cache=True)"
    assert lines("text_decoder", *facts, "config:use_cache=true", cache="past_key_values") == (PLAIN, *asserted)
    assert asserted == [
        'batch, length = inputs["input_ids"].shape',
        "assert outputs.last_hidden_state.shape == (batch, length, tiny.config.hidden_size)",
        "assert outputs.past_key_values.get_seq_length() == length",
    ]


@pytest.mark.parametrize("without", ["recipe:use_cache=false", "config:is_decoder=false"])
def test_of_one_that_keeps_no_cache_none_is_expected(without: str) -> None:
    facts = ("output:last_hidden_state", "output:cache", "flag:keeps_cache", without)
    ran, *asserted = lines("text_decoder", *facts)
    assert ran == PLAIN
    assert not any("cache" in line for line in asserted)


HEAD = ("table:FOR_TOKEN_CLASSIFICATION", "output:logits", "output:last_hidden_state")


def test_an_auto_class_comes_before_the_family_where_the_architecture_is_no_base() -> None:
    assert lines("text_encoder", *HEAD, role="head") == (
        PLAIN,
        WORDS,
        "assert outputs.logits.shape == (batch, length, tiny.config.num_labels)",
    )
    assert "assert outputs.last_hidden_state.shape == (batch, length, tiny.config.hidden_size)" in lines(
        "text_encoder", *HEAD
    )


def test_an_auto_class_whose_field_the_architecture_lacks_says_nothing() -> None:
    facts = ("table:FOR_TOKEN_CLASSIFICATION", "output:last_hidden_state")
    assert lines("text_encoder", *facts, role="head") == lines("text_encoder", *facts)


def test_a_recipe_comes_before_both() -> None:
    recipe = Recipe(reason="", shapes={"logits": ("batch", "length + 1", "config.vocab_size"), "loss": ("batch",)})
    for role in ("base", "head"):
        assert lines("text_encoder", *HEAD, role=role, recipe=recipe)[1:] == (  # type: ignore[arg-type]
            WORDS,
            "config = tiny.config",
            "assert outputs.logits.shape == (",
            "    batch,",
            "    length + 1,",
            "    config.vocab_size,",
            ")",
        )
    other = Recipe(reason="", shapes={"waveform": ("batch",)})
    assert lines("text_encoder", *HEAD, recipe=other) == lines("text_encoder", *HEAD)


def test_a_shape_of_one_dimension_stands_in_one_line_and_a_longer_word_is_another() -> None:
    recipe = Recipe(reason="", shapes={"logits": ("config.prediction_length",)})
    assert lines("text_encoder", *HEAD, recipe=recipe)[1:] == (
        "config = tiny.config",
        "assert outputs.logits.shape == (config.prediction_length,)",
    )


def test_the_configuration_of_a_text_within_another_is_that_of_the_text() -> None:
    facts = ("table:FOR_CAUSAL_LM", "output:logits", "config:text_part")
    assert lines("text_decoder", *facts, role="head")[1:] == (
        "text = tiny.config.get_text_config(decoder=True)",
        WORDS,
        "assert outputs.logits.shape == (batch, length, text.vocab_size)",
    )


def test_a_family_that_nobody_has_described_is_told() -> None:
    with pytest.raises(UsageError, match=r"nothing is expected of the family smell"):
        lines("smell", "output:logits")


@pytest.mark.parametrize(
    ("model_type", "name", "facts", "absent"),
    [
        (
            "gpt2",
            "GPT2LMHeadModel",
            {
                "output:logits",
                "output:cache",
                "param:input_ids",
                "flag:keeps_cache",
                "config:n_embd",
            },
            {"config:text_part", "flag:outputs_untold", "flag:gives_tensor", "flag:has_channels"},
        ),
        (
            "t5",
            "T5Model",
            {"config:is_encoder_decoder=true", "output:encoder_last_hidden_state"},
            {"flag:outputs_untold"},
        ),
        ("swin", "SwinBackbone", {"flag:has_channels", "output:feature_maps", "config:depths=list"}, {"input:text"}),
        ("llava", "LlavaModel", {"config:text_part", "family:vision_language"}, set()),
        ("visual_bert", "VisualBertModel", {"recipe:visual_embeds"}, {"recipe:input_ids=omit"}),
    ],
)
def test_what_is_known_of_an_architecture(model_type: str, name: str, facts: set[str], absent: set[str]) -> None:
    (architecture,) = (arch for arch in read_row(model_type).architectures if arch.name == name)
    assert facts <= known(architecture).facts
    assert not absent & known(architecture).facts
    assert expected_outputs(architecture, "head").lines
