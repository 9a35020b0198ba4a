"""The predicted memory of a cache is that of the cache of a model that really ran."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from hfci.cases.manifest import load_manifest
from hfci.catalog import read_row, registries
from hfci.preflight.architecture import build_empty
from hfci.preflight.cache import CachePrediction, held_by_modules, kept, predict_cache, size_of
from hfci.preflight.feeding import media_inputs, text_inputs
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.changes import Change

MANIFEST = Path(__file__).parents[2] / "generated" / "manifest.json"
BATCH = 2
LENGTH = 24

# Whose cache cannot be predicted, by what the error says.
NOT_PREDICTED = {
    # They have no forward of their own: `generate` runs one model after the other.
    "BarkModel": "_forward_unimplemented",
    "Qwen2_5OmniForConditionalGeneration": "no data",
    "Qwen3OmniMoeForConditionalGeneration": "cannot repeat_interleave a meta tensor",
    # They name experts by numbers that they read from tensors.
    "NllbMoeForConditionalGeneration": "expert_tensor",
    "SwitchTransformersForConditionalGeneration": "expert_tensor",
    # They do not run with a cache by themselves on transformers 5.24.0.
    "BltForCausalLM": "num_hidden_layers",
    "Gemma4AssistantForCausalLM": "not subscriptable",
    "Llama4ForConditionalGeneration": "",
    # They read a text of just the length that their configuration says, or one token for each frame of a sound.
    "MoshiForConditionalGeneration": "broadcast",
    "ReformerModelWithLMHead": "axial_pos_shape",
    "VoxtralRealtimeForConditionalGeneration": "broadcast",
}
# Which read codes, one a place, of which their tiny configurations have few.
SHORT = {"CsmDepthDecoderForCausalLM": 4, "MoshiDepthDecoder": 4}

GROUPS = 12


def generating(group: int) -> Iterator[tuple[str, str]]:
    """Yield model type and name of every architecture that generates and can be built here, of one of the groups."""
    rows = load_manifest(MANIFEST).model_types
    for row in rows[group::GROUPS]:
        offered = {each.name for each in read_row(row.model_type).architectures} if row.architectures else set()
        for architecture in row.architectures:
            if (
                architecture.parameters
                and architecture.name in offered
                and registries.find_class(row.model_type, architecture.name).can_generate()
            ):
                yield row.model_type, architecture.name


def predicted(tiny: TinyModel, length: int, **options: Any) -> CachePrediction:
    """Return what is predicted of the architecture of a tiny model."""
    return predict_cache(build_empty(type(tiny.model), tiny.config, torch.float32), BATCH, length, **options)


def real(tiny: TinyModel, length: int, *, with_media: bool) -> dict[str, torch.Tensor]:
    """Return what a model keeps of texts that it really read."""
    before = held_by_modules(tiny.model)
    make = media_inputs(tiny.model, BATCH, length) if with_media else text_inputs(type(tiny.model), BATCH, length)
    with torch.no_grad():
        return kept(tiny.model, tiny.model(**make), before)


@pytest.mark.parametrize("group", range(GROUPS))
def test_prediction_equals_the_cache_of_every_generating_architecture(group: int) -> None:
    different, failed, count = {}, {}, 0
    for model_type, name in generating(group):
        length = SHORT.get(name, LENGTH)
        tiny = build_tiny(model_type, name)
        try:
            prediction = predicted(tiny, length)
        except Exception as error:
            failed[name] = str(error)
            continue
        tensors = real(tiny, length, with_media=prediction.with_media)
        count += 1
        if (prediction.size, prediction.tensors) != (size_of(tensors), len(tensors)):
            different[name] = prediction, size_of(tensors), len(tensors)
    assert different == {}
    assert {name: text for name, text in failed.items() if NOT_PREDICTED.get(name, " \0") not in text} == {}
    assert count > 20


LONG = 300
# Full attention, windows that end before, among and behind the lengths that are read, and behind the long one too;
# compressed keys, layers that share; states, alone and beside attention. Half of them scan in Python.
KINDS: list[tuple[str, str, dict[str, Any]]] = [
    ("llama", "LlamaForCausalLM", {}),
    ("mistral", "MistralForCausalLM", {"sliding_window": 100}),
    ("mistral", "MistralForCausalLM", {"sliding_window": 200}),
    ("mistral", "MistralForCausalLM", {"sliding_window": 400}),
    ("gemma3_text", "Gemma3ForCausalLM", {"sliding_window": 90}),
    ("gpt_oss", "GptOssForCausalLM", {"sliding_window": 150}),
    ("gemma3n_text", "Gemma3nForCausalLM", {}),
    ("deepseek_v3", "DeepseekV3ForCausalLM", {}),
    ("deepseek_v4", "DeepseekV4ForCausalLM", {}),
    ("t5", "T5ForConditionalGeneration", {}),
    ("qwen3_next", "Qwen3NextForCausalLM", {}),
    ("olmo_hybrid", "OlmoHybridForCausalLM", {}),
    ("mamba", "MambaForCausalLM", {}),
    ("jamba", "JambaForCausalLM", {}),
    ("zamba2", "Zamba2ForCausalLM", {}),
    ("minimax", "MiniMaxForCausalLM", {}),
    ("recurrent_gemma", "RecurrentGemmaForCausalLM", {}),
    ("rwkv", "RwkvForCausalLM", {}),
    ("qwen4_exp_text", "Qwen4ExpForCausalLM", {}),
]


@pytest.mark.parametrize(("model_type", "architecture", "fields"), KINDS)
def test_prediction_holds_beyond_the_lengths_that_were_read(
    model_type: str, architecture: str, fields: dict[str, Any]
) -> None:
    changes = [Change(name, value) for name, value in fields.items()]
    tiny = build_tiny(model_type, architecture, changes=changes)
    prediction = predicted(tiny, LONG, operators=1)
    assert prediction.extrapolated_from == (64, 128)
    tensors = real(tiny, LONG, with_media=False)
    assert (prediction.size, prediction.tensors) == (size_of(tensors), len(tensors))


def test_a_text_that_takes_few_operators_is_read_whole() -> None:
    assert predicted(build_tiny("llama", "LlamaForCausalLM"), LONG).extrapolated_from == ()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_prediction_is_of_the_dtype_of_the_model(dtype: torch.dtype) -> None:
    tiny = build_tiny("llama", "LlamaForCausalLM")
    config = tiny.config
    prediction = predict_cache(build_empty(type(tiny.model), config, dtype), BATCH, LENGTH)
    places = config.num_hidden_layers * config.num_key_value_heads * config.head_dim
    assert prediction.size == 2 * dtype.itemsize * BATCH * LENGTH * places


@pytest.mark.parametrize(
    ("model_type", "architecture"),
    [
        ("llama", "LlamaForCausalLM"),
        ("mistral", "MistralForCausalLM"),
        ("deepseek_v3", "DeepseekV3ForCausalLM"),
        ("qwen3_next", "Qwen3NextForCausalLM"),
        ("mamba", "MambaForCausalLM"),
    ],
)
def test_prediction_equals_the_cache_that_generate_leaves(model_type: str, architecture: str) -> None:
    tiny = build_tiny(model_type, architecture)
    asked = {"max_new_tokens": 9, "min_new_tokens": 9, "do_sample": False, "return_dict_in_generate": True}
    outputs = tiny.model.generate(**text_inputs(type(tiny.model), BATCH, LENGTH), **asked)
    tensors = kept(tiny.model, outputs, {})
    prediction = predicted(tiny, LENGTH + 8)  # the last token is not read
    assert (prediction.size, prediction.tensors) == (size_of(tensors), len(tensors))
