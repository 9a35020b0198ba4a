"""Tiny models: the same numbers for the same name, rows that know only themselves, checkpoints that load."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hfci.checks.loading import reloaded
from hfci.checks.tensors import named_tensors
from hfci.errors import StageError, UsageError
from hfci.tiny import BUDGET, build_tiny, tiny_config
from hfci.tiny.layout import can_be_placed


@pytest.mark.parametrize("model_type", ["bert", "resnet", "mamba"])
def test_building_twice_gives_the_same_bits_whatever_the_global_seed(model_type: str) -> None:
    torch.manual_seed(1)
    first = build_tiny(model_type).model.state_dict()
    torch.manual_seed(2)
    second = build_tiny(model_type).model.state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_gives_other_weights() -> None:
    first, second = (build_tiny("bert", seed=seed).model.embeddings.word_embeddings.weight for seed in (0, 1))
    assert not torch.equal(first, second)


def test_building_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    build_tiny("bert")
    assert torch.equal(before, torch.get_rng_state())


def test_a_head_shares_the_numbers_of_its_base() -> None:
    base = build_tiny("bert", "BertModel").model.state_dict()
    head = build_tiny("bert", "BertForMaskedLM").model
    assert type(head).__name__ == "BertForMaskedLM"
    assert base.keys() - {"pooler.dense.weight", "pooler.dense.bias"} <= {
        name.removeprefix("bert.") for name in head.state_dict()
    }


@pytest.mark.parametrize("model_type", ["bert", "llama", "vit"])
def test_attention_is_far_from_uniform(model_type: str) -> None:
    """Measured: 0.55 to 0.8 of the entropy of uniform attention; transformers' own start gives 0.99 and more."""

    def entropy(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> float:
        model.set_attn_implementation("eager")
        with torch.no_grad():
            attentions = model(**inputs, output_attentions=True).attentions
        ratios = []
        for attention in attentions:
            rows = attention[..., -1, :]
            rows = rows[..., : attention.shape[-1]]
            uniform = torch.log(torch.tensor(float(rows.shape[-1])))
            ratios.append(float(-(rows * rows.clamp_min(1e-12).log()).sum(-1).mean() / uniform))
        return max(ratios)

    tiny = build_tiny(model_type)
    plain = type(tiny.model)(tiny_config(model_type)).eval()
    assert entropy(tiny.model, tiny.inputs()) < 0.9
    assert entropy(plain, tiny.inputs()) > 0.98


@pytest.mark.parametrize("model_type", ["bert", "clip", "llava", "qwen2_vl", "whisper", "layoutlm"])
def test_a_row_is_the_same_beside_any_other(model_type: str) -> None:
    tiny = build_tiny(model_type)
    both, first, second = tiny.inputs((0, 1)), tiny.inputs((0,)), tiny.inputs((1,))
    for name, value in both.items():
        assert torch.equal(value, torch.cat([first[name], second[name]])), name
    assert any(not torch.equal(first[name], second[name]) for name in first)


def test_padding_is_zero_and_statistics_stay_in_their_domain() -> None:
    assert not build_tiny("bert").model.embeddings.word_embeddings.weight[0].any()
    buffers = dict(build_tiny("resnet").model.named_buffers())
    variances = [value for name, value in buffers.items() if name.endswith("running_var")]
    assert variances
    assert all(bool((value > 0).all()) and value.std() > 0 for value in variances)


def test_every_model_type_is_within_its_budget_here() -> None:
    assert all(build_tiny(name).parameters <= BUDGET for name in ("bert", "mixtral", "segformer", "clip"))


@pytest.mark.parametrize("model_type", ["bert", "blip-2", "encoder-decoder"])
def test_a_saved_checkpoint_is_loaded_by_the_auto_class(tmp_path: Path, model_type: str) -> None:
    from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM

    tiny = build_tiny(model_type)
    tiny.save(tmp_path)
    auto = AutoModelForSeq2SeqLM if model_type == "encoder-decoder" else AutoModel
    loaded = auto.from_pretrained(tmp_path)
    assert type(loaded) is type(tiny.model)
    assert AutoConfig.from_pretrained(tmp_path).model_type == model_type
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_an_unknown_architecture_proposes_the_nearest() -> None:
    with pytest.raises(UsageError, match="BertForMaskedLM"):
        build_tiny("bert", "BertForMaskdLM")


def test_a_model_type_without_a_class_says_why() -> None:
    with pytest.raises(UsageError, match="no model class has LayoutXLMConfig"):
        build_tiny("layoutxlm")


def test_a_failure_says_at_which_stage() -> None:
    tiny = build_tiny("bert")
    tiny.model.embeddings.word_embeddings = torch.nn.Identity()
    with pytest.raises(StageError) as caught:
        tiny.forward()
    assert caught.value.stage == "forward"
    assert "bert (BertModel) stops at forward" in str(caught.value)
    assert caught.value.__cause__ is not None


def test_what_is_heard_decides_the_code_also_behind_weight_norm() -> None:
    tiny = build_tiny("wavtokenizer")
    with torch.no_grad():
        first, second = tiny.forward().audio_codes
    assert not torch.equal(first, second)
    assert len(first.unique()) > 1


@pytest.mark.parametrize("model_type", ["bert", "qwen2_vl", "hgnet_v2"])
def test_inputs_are_new_ones_at_each_call(model_type: str) -> None:
    tiny = build_tiny(model_type)
    first, second = named_tensors(tiny.inputs()), named_tensors(tiny.inputs())
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    before = {name: tensor.clone() for name, tensor in first.items()}
    for tensor in second.values():
        tensor.zero_()
    third = named_tensors(tiny.inputs())
    assert all(torch.equal(before[name], tensor[name]) for tensor in (first, third) for name in before)


def test_an_object_of_which_nothing_is_known_is_made_anew() -> None:
    tiny = build_tiny("sam2_video")
    first, second = (tiny.inputs()["inference_session"] for _ in range(2))
    assert first is not second
    assert can_be_placed({"a": [torch.zeros(2), (1, "b", None)]})
    assert not can_be_placed({"a": [object()]})


def test_a_model_that_was_saved_can_be_built_again_by_its_configuration(tmp_path: Path) -> None:
    tiny = build_tiny("apertus")
    tiny.save(tmp_path)
    assert tiny.config.dtype is torch.float32
    reloaded(tiny.model)
    assert tiny.config.dtype is torch.float32
    type(tiny.model)(tiny.config)
