"""A tiny twin finds what does not depend on the weights, before they are downloaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hfci.preflight.diagnosis import Diagnosis
from hfci.preflight.rehearsal import Rehearsal
from tests.preflight.conftest import ask, failure, save_tiny
from tests.preflight.hub import Blob, Hub, Repo


def rehearsed(model: str, *arguments: str) -> Rehearsal:
    result = ask(model, *arguments, until="rehearsal")
    assert result.failures == ()
    assert result.found.rehearsal is not None
    return result.found.rehearsal


def refused(model: str, *arguments: str) -> Diagnosis:
    return failure(ask(model, *arguments, until="rehearsal"), "rehearsal")


def change(repo: Repo, name: str, **fields: Any) -> None:
    """Change fields of a JSON file; None takes one out."""
    data = json.loads(repo.files[name].head) | fields
    repo.files[name] = Blob.of(json.dumps({key: value for key, value in data.items() if value is not None}).encode())


@pytest.mark.usefixtures("good")
def test_a_twin_says_hello_and_no_weights_are_asked_for(hub: Hub) -> None:
    rehearsal = rehearsed("org/good")
    assert rehearsal.loaded_by == "AutoModelForCausalLM"
    assert rehearsal.greeting.chat_template
    assert rehearsal.greeting.tokens == 16
    header = [each for each in hub.asked("GET", "/cdn/") if each.range]  # what `keys` reads
    assert len(hub.asked("GET", "/cdn/")) == len(header) == 1


def test_a_twin_is_tiny_and_keeps_every_setting_that_is_no_size(tmp_path: Path) -> None:
    from transformers import AutoConfig

    from hfci.preflight.configuration import Model
    from hfci.preflight.twin import make_twin

    fields: dict[str, Any] = {
        "vocab_size": 500,
        "rope_parameters": {"rope_type": "linear", "factor": 8.0, "rope_theta": 7.0},
        "max_position_embeddings": 9000,
        "hidden_act": "gelu",
        "attention_bias": True,
    }
    sizes: dict[str, Any] = {"hidden_size": 4096, "num_hidden_layers": 32}
    config = AutoConfig.for_model("llama", **fields, **sizes, architectures=["LlamaForCausalLM"])
    config.save_pretrained(tmp_path)
    make_twin(tmp_path, Model(name="any"))
    twin = AutoConfig.from_pretrained(tmp_path)
    assert (twin.hidden_size, twin.num_hidden_layers) == (64, 2)
    assert {name: getattr(twin, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% for message in messages %}", "endfor"),
        ("{{ raise_exception('no user') }}", "no user"),
        ("{{ messages[7].content }}", "no element 7"),
        ("{% for n in range(10 ** 12) %}{% endfor %}", "Range too big"),
        ("{{ 'a' * 10 ** 13 }}", "MemoryError"),
        ("{{ 'a ' * 10 ** 5 }}", "tokens of it"),
        ("{{ messages.__class__.__mro__ }}", "unsafe"),
        ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", "recursion"),
    ],
)
def test_a_chat_template_that_does_not_render_is_broken(good: Repo, template: str, said: str) -> None:
    good.files["chat_template.jinja"] = Blob.of(template.encode())
    diagnosis = refused("org/good")
    assert diagnosis.code == "chat_template_broken"
    assert said in diagnosis.cause


def test_a_chat_template_that_never_ends_takes_its_time_and_no_more(good: Repo) -> None:
    loop = "{% for n in range(99999) %}"
    good.files["chat_template.jinja"] = Blob.of((2 * loop + 2 * "{% endfor %}").encode())
    diagnosis = failure(ask("org/good", until="report", rehearsal=3.0), "rehearsal")
    assert (diagnosis.code, diagnosis.exit_code) == ("timeout", 4)


def test_a_vocabulary_that_nobody_has_is_told_and_not_allocated(good: Repo) -> None:
    change(good, "config.json", vocab_size=10**11)
    result = ask("org/good", "num_gpus=64", until="report")  # of which nobody knows what they have
    assert [failure.code for failure in result.failures] == ["weights_do_not_match", "memory_too_small"]
    assert result.failures[1].stage == "rehearsal"


def test_a_chat_template_is_missing_only_where_the_evaluation_sets_what_it_reads(good: Repo) -> None:
    del good.files["chat_template.jinja"]
    change(good, "tokenizer_config.json", chat_template=None)
    assert not rehearsed("org/good").greeting.chat_template
    assert refused("org/good", "enable_thinking=False").code == "chat_template_missing"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("tokenizer.json", b"{", id="no-json"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"[" * 1_000_000),
        ("tokenizer.json", b"\xff\xfe"),
        ("tokenizer_config.json", b"[1, 2]"),
        ("chat_template.jinja", b"\xff\xfe"),
    ],
)
def test_a_tokenizer_that_cannot_be_loaded_is_broken(good: Repo, name: str, content: bytes) -> None:
    good.files[name] = Blob.of(content)
    diagnosis = refused("org/good")
    assert (diagnosis.code, diagnosis.facts["tokenizer"]) == ("tokenizer_broken", "org/good")


def test_a_tokenizer_with_more_tokens_than_the_model_has_embeddings_does_not_match(good: Repo) -> None:
    vocabulary = json.loads(good.files["tokenizer.json"].head)
    added = {"id": 130, "content": "<more>", "single_word": False, "lstrip": False, "rstrip": False}
    vocabulary["added_tokens"].append(added | {"normalized": False, "special": True})
    good.files["tokenizer.json"] = Blob.of(json.dumps(vocabulary).encode())
    diagnosis = refused("org/good")
    assert diagnosis.code == "tokenizer_does_not_match"
    assert "has 512 embeddings" in diagnosis.cause


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"cache_implementation": "none_of_them"}, id="cache"),
        {"num_beams": "two"},
        {"eos_token_id": {"a": 1}},
        {"no_such_setting": 3, "stop_strings": 4},
    ],
)
def test_a_generation_config_that_is_refused_is_told(good: Repo, fields: dict[str, Any]) -> None:
    change(good, "generation_config.json", **fields)
    diagnosis = refused("org/good")
    assert (diagnosis.code, diagnosis.exit_code) == ("generation_config_refused", 1), diagnosis
    assert "org/good" in diagnosis.cause


@pytest.mark.usefixtures("good")
def test_an_attention_that_cannot_be_had_is_unsupported() -> None:
    diagnosis = refused("org/good", "attn_implementation=flash_attention_2")
    assert diagnosis.code == "attention_unsupported"
    assert "flash_attention_2" in diagnosis.cause


@pytest.mark.usefixtures("good")
def test_a_dtype_that_the_device_does_not_compute_in_is_unsupported() -> None:
    diagnosis = refused("org/good", "dtype=float8_e4m3fn")
    assert diagnosis.code == "dtype_unsupported"
    assert "float8_e4m3fn on cpu" in diagnosis.cause


def test_a_quantisation_that_is_stored_and_cannot_be_read_here_is_unsupported(good: Repo) -> None:
    change(good, "config.json", quantization_config={"quant_method": "gptq", "bits": 4})
    diagnosis = refused("org/good")
    assert diagnosis.code == "quantization_unsupported"
    assert "gptq" in diagnosis.cause


def test_a_tokenizer_of_another_repository_is_the_one_that_is_tried(hub: Hub, good: Repo) -> None:
    other = hub.repos["org/other"] = Repo(files=dict(good.files), commit="2" * 40)
    other.files["chat_template.jinja"] = Blob.of(b"{{ raise_exception('the other') }}")
    diagnosis = refused("org/good", "tokenizer=org/other")
    assert (diagnosis.code, "the other" in diagnosis.cause) == ("chat_template_broken", True)


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("model_type", "architecture", "task"),
    [
        ("bert", "BertForMaskedLM", "fill-mask"),
        ("vit", "ViTForImageClassification", "image-classification"),
        ("wav2vec2", "Wav2Vec2ForCTC", "automatic-speech-recognition"),
        ("whisper", "WhisperForConditionalGeneration", "automatic-speech-recognition"),
        ("llava", "LlavaForConditionalGeneration", "image-text-to-text"),
    ],
)
def test_what_generates_no_text_serves_its_task(model_type: str, architecture: str, task: str, tmp_path: Path) -> None:
    rehearsal = rehearsed(str(save_tiny(model_type, architecture, tmp_path / "it")))
    assert rehearsal.greeting.task == task
    assert rehearsal.greeting.text
