"""The two ways of computing attention: which models have both, and what two computations may differ by."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from hfci.catalog import read_row
from hfci.checks.attention import Calls, attending
from hfci.checks.floor import allowed, different, noise_of
from hfci.checks.goldens import CAP, FLOOR
from hfci.checks.running import outputs_of
from hfci.checks.sequences import padded
from hfci.checks.table import CHECKS
from hfci.tiny import TinyModel, build_tiny


def kernels(tiny: TinyModel) -> int:
    with Calls(scaled_dot_product_attention) as calls:
        outputs_of(tiny)
    return calls.count


@pytest.mark.parametrize(
    "model_type", ["bert", "llama", "vit", "clip", "mamba", "resnet", "whisper", "wav2vec2", "levit"]
)
def test_it_is_asked_of_those_whose_forward_calls_the_kernel(model_type: str) -> None:
    base = read_row(model_type).base
    assert base is not None
    assert CHECKS["eager_equals_sdpa"].holds(base.known_facts) == (kernels(build_tiny(model_type)) > 0)


@pytest.mark.parametrize("model_type", ["llama", "falcon"])  # falcon's layers are chosen when it is built
def test_a_copy_computes_attention_as_asked_and_the_model_goes_on_as_before(model_type: str) -> None:
    tiny = build_tiny(model_type)
    before = kernels(tiny)
    assert kernels(attending(tiny, "eager")) == 0
    assert kernels(tiny) == before > 0


def test_float_error_is_measured_once_and_bounds_what_may_differ() -> None:
    tiny = build_tiny("llama")
    noise = noise_of(tiny)
    assert noise is noise_of(tiny)
    assert noise.keys() >= {"last_hidden_state"}
    assert all(0 < moved < 1e-5 for moved in noise.values())
    assert all(FLOOR <= allowed(tiny, field) <= CAP for field in (*noise, "no field of the plain forward"))
    wanted = {"last_hidden_state": torch.ones(3)}
    assert different(tiny, {"last_hidden_state": torch.ones(3) * (1 + 1e-6)}, wanted) == []
    assert "last_hidden_state by 1.0e-03" in different(tiny, {"last_hidden_state": torch.ones(3) * 1.001}, wanted)[0]
    assert different(tiny, {}, wanted) == ["last_hidden_state is missing"]
    assert "(4,), not (3,)" in different(tiny, {"last_hidden_state": torch.ones(4)}, wanted)[0]


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_padded_batch_holds_the_first_text_whole_beside_a_longer_one(side: str) -> None:
    tiny = build_tiny("bert")
    inputs, real = padded(tiny, side)
    assert real.sum(-1).tolist() == [10, 13]
    assert inputs["attention_mask"].tolist() == real.long().tolist()
    assert inputs["input_ids"][0][real[0]].tolist() == tiny.inputs((0,))["input_ids"][0].tolist()
