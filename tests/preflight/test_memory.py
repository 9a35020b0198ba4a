"""What an evaluation will take, before anything is downloaded, against what there is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, LlamaForCausalLM

from hfci.preflight.activations import Fake
from hfci.preflight.architecture import build_empty
from hfci.preflight.configuration import Configuration, Model, Performance
from hfci.preflight.diagnosis import Diagnosed, diagnose
from hfci.preflight.memory import Memory, predict_memory, require
from tests.preflight.conftest import ask, failure

BENCH = Path(__file__).parents[1] / "bench" / "peaks.py"
VOCABULARY = 32_000
CONFIG = AutoConfig.for_model(
    "llama", hidden_size=512, intermediate_size=1024, num_hidden_layers=4, num_attention_heads=8, vocab_size=VOCABULARY
)


def planned(dtype: str = "float32", max_length: int = 512, **performance: Any) -> Memory:
    model = Model(name="any", max_length=max_length)
    configuration = Configuration(model=model, performance=Performance(**performance))
    return predict_memory(configuration, AutoModelForCausalLM, CONFIG, dtype)


def test_the_log_softmax_of_an_evaluation_is_twice_the_logits() -> None:
    memory = planned(batch_size=4, memory="8GiB")
    logits = 4 * 512 * VOCABULARY * 4
    assert memory.scoring >= 2 * logits
    assert memory.scoring < 2.1 * logits
    assert memory.total == memory.weights + max(memory.forward, memory.scoring)
    assert memory.fits is True
    assert memory.would_fit is None
    assert memory.cache == 2 * 4 * 4 * 4 * 512 * 512  # keys and values, layers, bytes, texts, tokens, width


def test_what_does_not_fit_says_what_would() -> None:
    whole = planned(batch_size=4)
    memory = planned(batch_size=4, memory=whole.weights + whole.activations // 2)
    assert memory.fits is False
    assert memory.would_fit is not None
    with pytest.raises(Diagnosed) as raised:
        require(memory)
    assert raised.value.code == "memory_too_small"
    for smaller in (
        planned(batch_size=memory.would_fit.batch_size, memory=memory.has),
        planned(batch_size=4, max_length=memory.would_fit.max_length or 0, memory=memory.has),
        planned(memory.would_fit.dtype or "", batch_size=4, memory=memory.has),
    ):
        assert smaller.fits is True
    assert planned(batch_size=(memory.would_fit.batch_size or 0) + 1, memory=memory.has).fits is False


def test_where_the_weights_alone_are_too_large_only_devices_help() -> None:
    memory = planned(memory="60MB", max_length=64)
    assert memory.would_fit is not None
    assert (memory.would_fit.max_length, memory.would_fit.batch_size) == (None, None)
    assert memory.would_fit.devices
    assert planned(num_gpus=memory.would_fit.devices + 2, parallelize=True, memory="60MB", max_length=64).fits


def test_devices_that_are_not_there_are_planned_for() -> None:
    memory = planned(num_gpus=64)
    assert (memory.device, memory.devices, memory.has, memory.fits) == ("cuda", 64, None, None)
    assert planned(num_gpus=64, parallelize=True).weights < memory.weights / 2


def test_a_long_text_of_layers_that_scan_is_extrapolated() -> None:
    config = AutoConfig.for_model("mamba", hidden_size=64, num_hidden_layers=2, vocab_size=500)
    fake = Fake(build_empty(AutoModelForCausalLM, config, torch.float32))
    whole, short = fake.peak(2, 320), fake.peak(2, 320, operators=1)
    assert short.extrapolated_from == (64, 128, 192)
    assert whole.extrapolated_from == ()
    assert abs(short.activations / whole.activations - 1) < 0.02


def test_weights_take_no_memory_while_they_are_planned_for() -> None:
    """A model of 600 GB is planned for in a moment."""
    config = AutoConfig.for_model("llama", hidden_size=16_384, intermediate_size=53_248, num_hidden_layers=126)
    fake = Fake(build_empty(LlamaForCausalLM, config, torch.bfloat16))
    assert fake.weights > 600_000_000_000


@pytest.mark.parametrize(("name", "batch", "length"), [("llama", 4, 256), ("t5", 1, 128)])
def test_predicted_peaks_are_those_that_are_measured(name: str, batch: int, length: int) -> None:
    """The whole table is that of `python tests/bench/peaks.py`; -5 and +25 % are what is promised of it."""
    spec = importlib.util.spec_from_file_location("peaks", BENCH)
    assert spec is not None
    assert spec.loader is not None
    peaks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peaks)
    weights, total = peaks.predict(name, batch, length)
    assert weights >= 100_000_000
    assert -0.05 < total / peaks.measured(name, batch, length) - 1 < 0.25


@pytest.mark.usefixtures("good")
def test_memory_that_will_not_do_is_found_before_the_keys_are_read() -> None:
    diagnosis = failure(ask("org/good", "memory=900kB", until="keys"), "size")
    assert diagnosis.code == "memory_too_small"
    assert "devices" in diagnosis.remedy


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), MemoryError()]
)
def test_memory_that_runs_out_is_too_small(error: BaseException) -> None:
    diagnosis = diagnose(error, "load", {})
    assert (diagnosis.code, diagnosis.exit_code) == ("memory_too_small", 4)
    assert str(error) in diagnosis.evidence
