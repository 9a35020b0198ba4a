"""The checks say the same wherever weights lie, and on kernels that look at that."""

from __future__ import annotations

import os
import subprocess

import pytest
import torch

from hfci.tiny import TinyModel, build_tiny
from tests.warm import COLD

from .breaking import broken, only_red, reds
from .test_red import UNSAVED, DetachedNorm, edited_output, swapped, without_unsaved


@pytest.fixture
def bert() -> TinyModel:
    return build_tiny("bert", "BertModel", layout="misaligned")


@pytest.mark.parametrize("model_type", ["bert", "gpt2", "vit", "t5", "resnet", "mamba", "efficientnet"])
def test_every_smoke_check_is_green_on_misaligned_weights(model_type: str) -> None:
    assert reds(build_tiny(model_type, layout="misaligned")) == {}


def test_rows_that_leak(bert: TinyModel) -> None:
    tiny = broken(bert, forward=edited_output(lambda hidden: hidden + hidden.mean(0, keepdim=True)))
    assert only_red(tiny, "batch_is_independent")


def test_random_outputs(bert: TinyModel) -> None:
    tiny = broken(bert, forward=edited_output(lambda hidden: hidden + 1e-3 * torch.randn_like(hidden)))
    assert "two forwards of the same inputs differ" in reds(tiny)["forward_is_deterministic"]


def test_a_weight_that_is_not_saved(bert: TinyModel) -> None:
    message = only_red(broken(bert, save_pretrained=without_unsaved), "save_load_roundtrip")
    assert message == f"loading what was just saved reports missing keys: {UNSAVED}"


def test_a_buffer_that_is_computed_otherwise_when_loaded(bert: TinyModel) -> None:
    bert.model.register_buffer("scale", torch.full((), 2.0), persistent=False)

    def forward(self: torch.nn.Module, *arguments: object, **inputs: object) -> object:
        outputs = plain(self, *arguments, **inputs)
        outputs.last_hidden_state = outputs.last_hidden_state * getattr(self, "scale", 1.0)
        return outputs

    plain = type(bert.model).forward
    message = only_red(broken(bert, forward=forward), "save_load_roundtrip")
    assert "the loaded model gives other outputs: last_hidden_state by 5.0e-01" in message


def test_a_detached_parameter(bert: TinyModel) -> None:
    tiny = broken(bert, swapped("embeddings.LayerNorm", DetachedNorm))
    assert "embeddings.LayerNorm.weight" in only_red(tiny, "gradients_reach_every_parameter")


# Prints whether the outputs differ in bits between weights that begin at multiples of 64 bytes and such as do not.
MOVED = """
from hfci.checks import save_load_roundtrip
from hfci.checks.running import outputs_of
from hfci.checks.tensors import same_bits
from hfci.testing.process_setup import prepare

prepare("cpu")
from hfci.tiny import build_tiny

aligned, odd = (build_tiny("efficientnet", layout=layout) for layout in ("natural", "misaligned"))
inputs = aligned.inputs()
first, second = (outputs_of(tiny, inputs) for tiny in (aligned, odd))
for tiny in (aligned, odd):
    save_load_roundtrip(tiny)
print(all(same_bits(first[name], second[name]) for name in first))
"""


@pytest.mark.skipif(
    not torch.cpu.get_capabilities().get("avx2", False), reason="kernels that look at alignment are those of AVX2"
)
def test_a_loaded_model_is_the_same_where_kernels_look_at_alignment() -> None:
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    command = [COLD, "-c", MOVED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False"], "the kernels do not look at alignment: the test shows nothing"
