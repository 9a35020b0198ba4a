"""What tensor parallelism puts on one device: as the plan of transformers shares it out."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM

from hfci.preflight.configuration import Configuration, Model, Performance
from hfci.preflight.memory import Memory, predict_memory

SIZES = {"hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 4, "vocab_size": 1000}
HEADS = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 64}


def planned(model_type: str, devices: int, **fields: Any) -> Memory:
    model = Model(name="any", max_length=256, tp_plan="auto" if devices > 1 else None)
    performance = Performance(num_gpus=devices, memory="1GiB")
    config = AutoConfig.for_model(model_type, **{**SIZES, **HEADS, **fields})
    return predict_memory(Configuration(model=model, performance=performance), AutoModelForCausalLM, config, "float32")


def test_weights_and_the_cache_are_shared_out_as_the_plan_says() -> None:
    one, four = planned("llama", 1), planned("llama", 4)
    # All but the norms, which are tiny, and one table of sines.
    assert one.weights / 4 < four.weights < one.weights / 4 + 20_000
    assert one.cache == 2 * 4 * 4 * 256 * 4 * 64  # keys and values, layers, bytes, tokens, heads, width
    assert four.cache == one.cache // 4
    assert four.forward == one.forward - one.cache + four.cache
    assert four.scoring == one.scoring


def test_what_a_plan_copies_to_each_device_is_whole_there() -> None:
    """The norms of queries and keys, and a cache of fewer heads than devices, or of compressed keys."""
    one, four = planned("qwen3", 1, head_dim=4096), planned("qwen3", 4, head_dim=4096)
    norms = 4 * 2 * 4096 * 4
    assert four.weights > one.weights / 4 + norms * 3 / 4
    assert planned("llama", 8).cache == one.cache * 64 // 4096
    heads = {"num_key_value_heads": 8, "n_routed_experts": 8, "n_group": 1, "topk_group": 1}
    assert planned("deepseek_v3", 2, **heads).cache == planned("deepseek_v3", 1, **heads).cache


def test_a_model_without_a_plan_is_whole_on_each_device() -> None:
    sizes = {"n_embd": 512, "n_layer": 4, "n_head": 8}
    assert planned("gpt2", 4, **sizes).weights == planned("gpt2", 1, **sizes).weights
