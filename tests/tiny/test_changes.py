"""Changes of a tiny configuration: each that its class says there may be, counted anew in its source."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from hfci.cli import main
from hfci.errors import StageError, UsageError
from hfci.tiny import build_tiny, tiny_config
from hfci.tiny.changes import (
    Change,
    changed_config,
    changes_of,
    fields_of,
    other_names,
    parse_change,
    require_field,
    usual_values,
)
from hfci.tiny.derived_fields import filled_in
from hfci.tiny.model import changed

# Of families unlike each other, whose classes inherit their fields from none but that of all configurations.
MODEL_TYPES = ("bert", "falcon", "llama", "mamba", "patchtst", "t5", "vit", "wav2vec2")

# What the class of all configurations declares, which some declare anew.
COMMON = {"is_encoder_decoder"}


def declared(config: Any) -> dict[str, str]:
    """Return the fields that stand in the source of a configuration's class, each with its annotation as written."""
    lines = re.findall(r"^    (\w+): (.+?)(?: = .*)?$", inspect.getsource(type(config)), re.MULTILINE)
    return {name: text for name, text in lines if name not in COMMON}


def changes(model_type: str) -> tuple[Any, tuple[Change, ...]]:
    config = tiny_config(model_type)
    return config, changes_of(config, usual_values(config))


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_each_truth_value_is_the_other_one(model_type: str) -> None:
    config, asked = changes(model_type)
    flipped = {change.field: change.value for change in asked if isinstance(change.value, bool)}
    assert flipped == {
        name: not getattr(config, name) for name, text in declared(config).items() if text.startswith("bool")
    }


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_each_field_that_may_be_none_is_none_and_what_is_none_is_what_others_have(model_type: str) -> None:
    config, asked = changes(model_type)
    members = {name: text.split(" | ") for name, text in declared(config).items()}
    optional = {name for name in members if "None" in members[name]}
    unset = {name for name in optional if getattr(config, name) is None}
    assert {change.field for change in asked if change.value is None} == optional - unset
    given = {name for name in unset if name in usual_values(config) or "bool" in members[name]}
    assert {change.field for change in asked if change.value is not None} & unset == given


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_no_change_is_asked_twice_or_changes_nothing(model_type: str) -> None:
    config, asked = changes(model_type)
    assert len(set(map(str, asked))) == len(asked) > 0
    assert not [str(change) for change in asked if getattr(config, change.field) == change.value]
    assert {change.field for change in asked} - other_names(config).keys() <= fields_of(config).keys()
    assert fields_of(config).keys() <= declared(config).keys()


@pytest.mark.parametrize(
    ("model_type", "field", "values"),
    [
        ("llava", "vision_feature_select_strategy", {"full"}),  # of its annotation
        ("t5", "feed_forward_proj", {"gated-gelu"}),  # of its configuration's source
        ("mamba", "time_step_init_scheme", {"constant"}),  # of its modelling source
    ],
)
def test_each_other_choice_is_taken(model_type: str, field: str, values: set[str]) -> None:
    _, asked = changes(model_type)
    assert {change.value for change in asked if change.field == field} == values


@pytest.mark.parametrize("model_type", ["bart", "gpt2", "longcat_flash", "switch_transformers"])
def test_a_field_is_asked_by_its_other_names_too_and_is_the_same(model_type: str) -> None:
    config, asked = changes(model_type)
    named = {name: field for name, field in type(config).attribute_map.items() if field in fields_of(config)}
    by_name = {change.field: change for change in asked if change.field in named}
    assert by_name.keys() == named.keys() != set()
    for name, change in by_name.items():
        other = changed_config(config, [change])
        assert getattr(other, named[name]) == getattr(other, name) == change.value != getattr(config, named[name])


def test_a_name_that_a_class_takes_for_a_field_is_asked() -> None:
    config, asked = changes("mimo_v2_flash")
    assert "sliding_window_size" not in config.to_dict()
    (change,) = (change for change in asked if change.field == "sliding_window_size")
    assert changed_config(config, [change]).sliding_window == change.value + 1  # itself is not counted there


def test_a_part_is_no_field_of_the_whole() -> None:
    config = tiny_config("llava")
    assert fields_of(config).keys() & {"text_config", "vision_config"} == set()


def test_a_size_is_doubled_and_the_relations_to_others_stay() -> None:
    config, asked = changes("llama")
    assert {Change("hidden_size", 128), Change("head_dim", 32), Change("num_hidden_layers", 4)} <= {*asked}
    assert (config.num_key_value_heads, Change("num_key_value_heads", 2) in asked) == (4, True)
    wider = changed_config(config, [Change("hidden_size", 128)])
    assert (wider.hidden_size, wider.head_dim, wider.num_attention_heads) == (128, 32, 4)
    assert changed_config(config, [Change("head_dim", 32)]).hidden_size == 128
    assert (config.hidden_size, config.head_dim) == (64, 16)


@pytest.mark.parametrize(
    ("model_type", "change"),
    [
        ("llama", Change("rms_norm_eps", 0.1)),  # an epsilon
        ("llama", Change("attention_dropout", 0.5)),  # zero
        ("gpt_oss", Change("swiglu_limit", 3.5)),
        ("llama", Change("hidden_act", "tanh")),
        ("vit", Change("pooler_act", "relu")),  # which is tanh
    ],
)
def test_a_fraction_and_an_activation_are_others_that_can_be_seen(model_type: str, change: Change) -> None:
    _, asked = changes(model_type)
    assert [one for one in asked if one.field == change.field and one.value is not None] == [change]


def test_what_is_no_finite_number_stays() -> None:
    config = tiny_config("llama")
    config.rms_norm_eps = float("inf")
    assert "rms_norm_eps" not in {change.field for change in changes_of(config, {})}


def test_the_usual_value_is_as_small_as_tiny_configurations_are() -> None:
    usual = usual_values(tiny_config("llama"))
    assert usual["pad_token_id"] in range(128)
    assert usual_values(tiny_config("bert")).keys() <= fields_of(tiny_config("bert")).keys()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alibi", "is no FIELD=VALUE, such as use_cache=false"),
        ("=true", "is no FIELD=VALUE"),
        ("alibi=", "has no value of JSON"),
        ("alibi=yes", 'a text stands in quotes: alibi="yes"'),
        ("alibi={", "has no value of JSON"),
        (f"alibi={'[' * 100_000}", "has no value of JSON"),
    ],
)
def test_what_is_no_change_is_wrong_use(text: str, said: str) -> None:
    with pytest.raises(UsageError) as told:
        parse_change(text)
    assert said in str(told.value)
    assert len(str(told.value)) < 500


@pytest.mark.parametrize("value", [True, None, 3, 0.5, "gelu", "a=b", "é\n", [1, 2], {"a": None}])
def test_a_change_is_read_as_it_is_written(value: Any) -> None:
    assert parse_change(str(Change("field", value))) == Change("field", value)


def test_a_field_that_is_not_there_names_the_nearest() -> None:
    config = tiny_config("falcon")
    for name in ("alib", "output_hidden_states", "return_dict"):
        with pytest.raises(UsageError, match=f"FalconConfig has no field '{name}' of its own"):
            require_field(config, name)
    with pytest.raises(UsageError, match="Did you mean alibi"):
        build_tiny("falcon", changes=[Change("alib", True)])


def test_a_changed_model_is_the_one_that_is_built_so() -> None:
    change = [Change("new_decoder_architecture", True)]
    tiny = build_tiny("falcon")
    first, second = build_tiny("falcon", changes=change), changed(tiny, change)
    weights = second.model.state_dict()
    assert first.config.new_decoder_architecture is second.config.new_decoder_architecture is True
    assert tiny.config.new_decoder_architecture is False
    assert first.model.state_dict().keys() == weights.keys() != tiny.model.state_dict().keys()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in first.model.state_dict().items())


def test_a_value_that_the_class_refuses_is_an_error_of_the_configuration() -> None:
    with pytest.raises(StageError, match="hidden_size") as told:
        build_tiny("llama", changes=[Change("hidden_size", "wide")])
    assert told.value.stage == "config"


def test_a_changed_model_is_saved_with_its_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--set", "alibi=true", "--set", "bias=true", "--save", str(tmp_path), "--json"]
    assert main(["tiny", "falcon", *options]) == 0
    assert json.loads(capsys.readouterr().out)["changes"] == ["alibi=true", "bias=true"]
    config = AutoConfig.from_pretrained(tmp_path)
    assert (config.alibi, config.bias) == (True, True)


@pytest.mark.parametrize(
    ("change", "said"), [("alib=true", "Did you mean alibi"), ("alibi=maybe", "a text stands in quotes")]
)
def test_a_wrong_change_ends_the_command(change: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tiny", "falcon", "--set", change]) == 2
    assert said in capsys.readouterr().err


def test_what_a_class_fills_in_follows_from_the_changed_fields() -> None:
    config = tiny_config("llama4_text")
    assert "layer_types" in filled_in(config)
    assert "chunked_attention" in config.layer_types
    unchunked = changed_config(config, [Change("attention_chunk_size", None)])
    assert set(unchunked.layer_types) == {"full_attention"}
    longer = changed_config(tiny_config("gpt_oss"), [Change("num_hidden_layers", 8)])
    assert len(longer.layer_types) == 8
    kept = changed_config(config, [Change("layer_types", ["full_attention"] * config.num_hidden_layers)])
    assert set(kept.layer_types) == {"full_attention"}


def test_what_was_given_is_not_filled_in() -> None:
    config = tiny_config("llama4_text")
    config.layer_types = ["full_attention"] * config.num_hidden_layers
    assert "layer_types" not in filled_in(config)
