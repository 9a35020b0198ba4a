"""How far parameters and arguments move the outputs of models, whole and broken."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hfci.checks.sensitivity import (
    ENOUGH,
    argument_factors,
    every_input_matters,
    every_parameter_matters,
    parameter_factors,
)
from hfci.checks.tensors import same_bits
from hfci.tiny import TinyModel, build_tiny

from .breaking import broken, with_exception
from .output_patches import output, silenced

SILENT = "encoder.layer.0.intermediate.dense"
# What is read by none, or reads zeros, where its output is silenced.
UNHEARD = (f"{SILENT}.weight", f"{SILENT}.bias", "encoder.layer.0.output.dense.weight")


def fainter(factor: float) -> Any:
    """Return a patch by which so much of a layer's bias is left."""

    def patch(layer: nn.Linear) -> None:
        bias = layer.bias.detach().clone()
        layer.register_forward_hook(lambda module, _, given: given - module.bias + bias + factor * (module.bias - bias))

    return patch


@pytest.fixture
def bert() -> TinyModel:
    return build_tiny("bert")


@pytest.fixture
def llama() -> TinyModel:
    return build_tiny("llama")


def silence(tiny: TinyModel, module: str) -> TinyModel:
    output(silenced)(tiny.model.get_submodule(module))
    tiny.reference = tiny.noise = None
    return tiny


def test_every_bit_is_put_back(bert: TinyModel) -> None:
    before = {name: tensor.clone() for name, tensor in bert.model.state_dict().items()}
    every_parameter_matters(bert)
    every_input_matters(bert)
    assert all(same_bits(before[name], tensor) for name, tensor in bert.model.state_dict().items())


def test_what_is_kept_of_weights_does_not_outlive_them() -> None:
    levit = build_tiny("levit")  # it keeps the biases of its attention in eval mode
    biases = [name for name, _ in levit.model.named_parameters() if name.endswith("attention_biases")]
    factors = parameter_factors(levit)
    assert max(factors[name] for name in biases) > ENOUGH
    assert parameter_factors(levit) == factors


def test_the_same_tensor_by_two_names_is_moved_once() -> None:
    tied = build_tiny("gpt2", "GPT2LMHeadModel")
    factors = parameter_factors(tied)
    assert "transformer.wte.weight" in factors
    assert "lm_head.weight" not in factors


def test_it_says_which_do_not_matter_the_least_first(bert: TinyModel) -> None:
    tiny = silence(bert, SILENT)
    fainter(1e-5)(tiny.model.encoder.layer[1].output.dense)
    with pytest.raises(AssertionError) as told:
        every_parameter_matters(tiny)
    head, *lines = str(told.value).splitlines()
    assert head.startswith("4 of ")
    assert lines[:3] == [f"{name}: by 0 times" for name in UNHEARD]
    assert lines[3].startswith("encoder.layer.1.output.dense.bias: by ")


def test_keys_that_are_kept_and_not_read_do_not_matter(llama: TinyModel) -> None:
    tiny = silence(llama, "layers.0.self_attn.q_proj")
    with pytest.raises(AssertionError) as told:
        every_parameter_matters(tiny)
    assert "layers.0.self_attn.k_proj.weight: by 0 times" in str(told.value)


def test_a_bias_of_keys_moves_the_cache_alone() -> None:
    bart = build_tiny("bart")
    factors = parameter_factors(bart)
    assert factors["decoder.layers.0.self_attn.k_proj.bias"] < 1
    every_parameter_matters(bart)


@pytest.mark.parametrize("factor", [0.0, 1e-4])
def test_what_an_exception_says_to_be_faint_must_be_seen(bert: TinyModel, factor: float) -> None:
    fainter(factor)(bert.model.encoder.layer[1].output.dense)
    name = "encoder.layer.1.output.dense.bias"
    with pytest.raises(AssertionError, match=name):
        every_parameter_matters(bert)
    excepted = with_exception(bert, faint={name.replace(".", r"\."): "it is nearly nothing"})
    if factor:
        every_parameter_matters(excepted)
    else:
        with pytest.raises(AssertionError, match=f"{name}: by 0.* times"):
            every_parameter_matters(excepted)


def test_an_error_and_another_shape_are_seen(bert: TinyModel) -> None:
    def forward(self: Any, input_ids: Tensor, **options: Any) -> Any:
        if (input_ids[:, 0] != first).any():
            raise ValueError("another text")
        return type(self).__mro__[1].forward(self, input_ids=input_ids, **options)

    first = bert.inputs()["input_ids"][:, 0]
    assert argument_factors(broken(bert, forward=forward))["input_ids"] == math.inf


def fed(tiny: TinyModel, **arguments: Any) -> TinyModel:
    """Return the tiny model with these arguments beside its own, the same in every row."""
    own = tiny.inputs
    tiny.inputs = functools.wraps(own)(lambda *rows: own(*rows) | arguments)  # type: ignore[method-assign]
    return tiny


@pytest.mark.parametrize(
    "mask", [torch.ones(2, 10, dtype=torch.long), torch.ones(2, 10), torch.ones(2, 10, dtype=torch.bool)]
)
def test_a_mask_is_given_zeros(bert: TinyModel, mask: Tensor) -> None:
    tiny = fed(bert, attention_mask=mask[:, : bert.inputs()["input_ids"].shape[1]])
    assert argument_factors(tiny)["attention_mask"] > ENOUGH
    every_input_matters(tiny)


def test_kinds_of_tokens_are_given_others(bert: TinyModel) -> None:
    kinds = torch.zeros_like(bert.inputs()["input_ids"])
    assert argument_factors(fed(bert, token_type_ids=kinds))["token_type_ids"] > ENOUGH


def test_settings_are_no_arguments(bert: TinyModel) -> None:
    assert set(argument_factors(fed(bert, output_hidden_states=True, return_dict=None))) == {"input_ids"}


def test_tokens_and_numbers_that_are_the_same_in_every_row(bert: TinyModel) -> None:
    own = bert.inputs()
    embeddings = torch.full((2, own["input_ids"].shape[1], 64), 0.5)
    tiny = fed(bert, inputs_embeds=embeddings)
    del own["input_ids"]
    tiny.inputs = lambda *_: {**own, "inputs_embeds": embeddings}  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match=r"^inputs_embeds is the same in every row$"):
        every_input_matters(tiny)


def test_each_model_of_a_bundle_has_its_arguments() -> None:
    factors = argument_factors(build_tiny("bark"))
    assert factors
    assert all("." in name for name in factors)


def test_an_argument_that_is_excepted_must_not_be_read(bert: TinyModel) -> None:
    with pytest.raises(AssertionError, match=r"says that it reads no input_ids \(it is deaf\), and it does"):
        every_input_matters(with_exception(bert, "every_input_matters", unread={"input_ids": "it is deaf"}))
    deaf = silence(build_tiny("bert"), "embeddings.word_embeddings")
    with pytest.raises(AssertionError, match=r"^another input_ids moves no output by more than 0 times"):
        every_input_matters(deaf)
    every_input_matters(with_exception(deaf, "every_input_matters", unread={"input_ids": "it is deaf"}))
