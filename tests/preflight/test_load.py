"""The checkpoint itself is loaded by the evaluation's arguments, and says hello."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save
from transformers import AutoConfig, AutoModelForCausalLM

from hfci.preflight.result import Result
from tests.preflight.conftest import ask, failure
from tests.preflight.hub import Blob, Hub, Repo


def greeted(*arguments: str) -> Result:
    result = ask("org/good", *arguments, until="hello")
    assert result.failures == ()
    return result


def change_weights(repo: Repo, llama: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    """Write the weights anew, after `change`."""
    tensors = load_file(llama / "model.safetensors")
    change(tensors)
    repo.files["model.safetensors"] = Blob.of(save(tensors, {"format": "pt"}))


@pytest.mark.usefixtures("good")
def test_a_checkpoint_is_loaded_and_says_hello() -> None:
    found = greeted().found
    assert found.load is not None
    assert found.load.architecture == "LlamaForCausalLM"
    assert found.load.weight_bytes >= found.load.parameters * 4
    assert found.load.error == 0
    assert found.hello is not None
    assert found.hello.greeting.tokens == 16
    assert found.hello.greeting.text.strip()
    assert found.hello.greeting.tokens_per_second


@pytest.mark.usefixtures("hub")
def test_the_memory_that_was_used_is_told_with_what_was_predicted(llama: Path, tmp_path: Path) -> None:
    """Of a model that is large enough: what a tiny one takes is lost in what its libraries do."""
    config = AutoConfig.for_model(
        "llama", hidden_size=512, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=8, vocab_size=512
    )
    torch.manual_seed(0)  # some weights greet with blanks alone, which is a failure
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(llama / name, tmp_path)
    result = ask(str(tmp_path), "max_length=64", until="hello")
    assert result.failures == ()
    hello = result.found.hello
    assert hello is not None
    assert hello.measured_bytes is not None
    assert hello.measured_bytes > 150_000_000
    assert hello.error is not None
    assert abs(hello.error) < 0.25


@pytest.mark.usefixtures("good")
def test_the_dtype_that_is_asked_for_is_the_one_that_is_loaded() -> None:
    found = greeted("dtype=bfloat16").found
    assert found.load is not None
    assert found.load.dtype == "bfloat16"


@pytest.mark.usefixtures("good")
def test_a_second_run_downloads_nothing(hub: Hub) -> None:
    greeted()
    hub.requests.clear()
    greeted()
    assert hub.asked("GET", "/cdn/") == []


def test_numbers_that_are_not_finite_are_no_generation(good: Repo, llama: Path) -> None:
    change_weights(good, llama, lambda tensors: tensors["model.norm.weight"].fill_(float("nan")))
    diagnosis = failure(ask("org/good", until="hello"), "hello")
    assert diagnosis.code == "generation_nonfinite"
    assert "NaN" in diagnosis.cause


def test_special_tokens_alone_are_an_empty_generation(good: Repo, llama: Path) -> None:
    """All logits are 0 but that of the first token, which pads."""

    def silence(tensors: dict[str, torch.Tensor]) -> None:
        tensors["model.norm.weight"].zero_()

    change_weights(good, llama, silence)
    diagnosis = failure(ask("org/good", until="hello"), "hello")
    assert diagnosis.code == "generation_empty"


@pytest.mark.usefixtures("good")
def test_gpus_that_are_not_there_are_unavailable_at_load_and_not_before() -> None:
    if torch.cuda.device_count() > 63:
        pytest.fail("this test asks for more GPUs than there are anywhere")
    result = ask("org/good", "num_gpus=64", until="hello")
    diagnosis = failure(result, "load")
    assert diagnosis.code == "device_unavailable"
    assert diagnosis.exit_code == 4
    assert result.stages[-1].outcome == "not-run"
