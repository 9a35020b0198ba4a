"""The general rule: sizes go down, relations stay."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfci.tiny import build_tiny, tiny_config
from hfci.tiny.inputs.text import LENGTH
from hfci.tiny.shrink import shrink

SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size")


@given(st.dictionaries(st.sampled_from(SIZES), st.integers(1, 5_000)))
def test_a_size_never_grows_and_never_vanishes(default: dict[str, int]) -> None:
    before = dict(default)
    tiny = shrink(default)
    assert default == before
    assert set(tiny) == set(default)
    assert all(1 <= tiny[name] <= value for name, value in default.items())


@given(st.integers(0, 7), st.integers(3, 9))
def test_heads_still_divide_the_width(heads: int, size: int) -> None:
    default = {"num_attention_heads": 2**heads, "head_dim": 2**size, "hidden_size": 2 ** (heads + size)}
    tiny = shrink(default)
    assert tiny["num_attention_heads"] * tiny["head_dim"] == tiny["hidden_size"] <= default["hidden_size"]


def test_one_layer_of_every_kind_is_kept() -> None:
    kinds = ["linear", "linear", "linear", "full"] * 6
    tiny = shrink({"num_hidden_layers": 24, "layer_types": kinds, "hidden_size": 4096})
    assert tiny["num_hidden_layers"] == len(tiny["layer_types"])
    assert set(tiny["layer_types"]) == {"linear", "full"}


def test_layers_marked_by_index_keep_one_that_is_marked_and_one_that_is_not() -> None:
    tiny = shrink({"num_hidden_layers": 12, "global_attn_indexes": [2, 5, 8, 11]})
    assert 0 < len(tiny["global_attn_indexes"]) < tiny["num_hidden_layers"]


def test_picked_layers_keep_their_number_and_exist() -> None:
    tiny = shrink({"num_hidden_layers": 12, "deepstack_visual_indexes": [3, 7, 10]})
    assert len(tiny["deepstack_visual_indexes"]) == 3
    assert max(tiny["deepstack_visual_indexes"]) < tiny["num_hidden_layers"]


def test_a_relation_that_holds_by_default_holds_afterwards() -> None:
    default = {"expand": 2, "hidden_size": 2560, "mamba_head_dim": 64, "mamba_num_heads": 80}
    tiny = shrink(default)
    assert tiny["mamba_num_heads"] * tiny["mamba_head_dim"] == tiny["expand"] * tiny["hidden_size"]


def test_a_special_token_is_the_same_token_everywhere_and_inside_the_vocabulary() -> None:
    part = {"model_type": "part", "vocab_size": 152064, "eos_token_id": 151645, "pad_token_id": 0}
    tiny = shrink({"text_config": part, "image_token_id": 151655, "eos_token_id": 151645})
    assert tiny["eos_token_id"] == tiny["text_config"]["eos_token_id"]
    assert tiny["text_config"]["pad_token_id"] == 0
    assert tiny["eos_token_id"] < tiny["image_token_id"] < tiny["text_config"]["vocab_size"]


@pytest.mark.parametrize("model_type", ["bert", "llama", "llava", "swin", "whisper", "gemma3_text"])
def test_a_tiny_configuration_is_the_same_architecture_s(model_type: str) -> None:
    config: Any = tiny_config(model_type)
    assert config.model_type == model_type
    assert tiny_config(model_type).to_dict() == config.to_dict()


def test_a_part_that_goes_by_the_name_of_its_whole_keeps_its_sizes() -> None:
    part = {"model_type": "pp_formulanet", "d_model": 512, "vocab_size": 50_000}
    assert shrink(part) == {"model_type": "pp_formulanet", "d_model": 64, "vocab_size": 128}


def test_what_every_configuration_carries_is_left_out_unless_it_says_something() -> None:
    assert shrink({"_name_or_path": "", "output_attentions": False, "hidden_size": 8}) == {"hidden_size": 8}
    assert shrink({"output_attentions": True}) == {"output_attentions": True}


@pytest.mark.parametrize(
    ("model_type", "kinds"), [("deepseek_v3", 2), ("flint", 3), ("kimi_k25", 2), ("nllb-moe", 2), ("sarvam_mla", 2)]
)
def test_of_layers_with_and_without_experts_both_stay(model_type: str, kinds: int) -> None:
    names = [name for name, _ in build_tiny(model_type).model.named_modules()]
    layers = {match[1] for name in names if (match := re.match(r"(.*\blayers\.\d+)\.", name))}
    with_experts = {
        layer for layer in layers if any(name.startswith(f"{layer}.") and "expert" in name for name in names)
    }
    assert set() < with_experts < layers
    assert len(layers) >= kinds


def test_key_heads_are_never_more_than_heads() -> None:
    config = tiny_config("mistral4")
    assert config.num_attention_heads % config.num_key_value_heads == 0


@pytest.mark.parametrize("model_type", ["deepseek_v32", "hy_v4_vl_text", "glm_moe_dsa"])
def test_an_indexer_picks_fewer_keys_than_a_text_has(model_type: str) -> None:
    assert tiny_config(model_type).index_topk < LENGTH


def test_a_loop_sends_messages_of_more_than_one_block() -> None:
    config = tiny_config("inkling2_loop_text")
    loop = config.layer_types[config.loop_layer_index_start : config.loop_layer_index_end]
    assert len(loop) // config.n_layers_per_attn_res_block > 1
    assert set(loop) == set(config.layer_types)
    assert len(config.layer_types) > config.loop_layer_index_end
