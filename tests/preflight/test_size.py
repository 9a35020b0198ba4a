"""Size adds up what the Hub says of a repository, and fetches no weights for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from hfci.preflight.architecture import build_empty, few_modules
from hfci.preflight.diagnosis import Diagnosed, Diagnosis
from hfci.preflight.size import Size
from hfci.preflight.sizes import bytes_of, in_both
from tests.preflight.conftest import ask, failure
from tests.preflight.hub import Blob, Hub, Repo


def sized(model: str, *arguments: str) -> Size:
    result = ask(model, *arguments, until="size")
    assert result.failures == ()
    assert result.found.size is not None
    return result.found.size


def refused(model: str, *arguments: str) -> Diagnosis:
    return failure(ask(model, *arguments, until="size"), "size")


def test_of_a_checkpoint_parameters_and_bytes_are_told_in_six_requests(hub: Hub, good: Repo) -> None:
    size = sized("org/good", "dtype=float16")
    weights = good.files["model.safetensors"]
    assert (size.model_type, size.architectures) == ("llama", ("LlamaForCausalLM",))
    assert (size.parameters, size.by_dtype) == (100_000, {"F32": 100_000})
    assert (size.weight_bytes, size.asked_dtype, size.asked_bytes) == (weights.size, "float16", 200_000)
    beside = sum(blob.size for name, blob in good.files.items() if name != "model.safetensors")
    assert size.download_bytes + size.cached_bytes == weights.size + beside
    assert size.cached_bytes == good.files["config.json"].size
    assert "config.json" not in size.download_files
    assert {"model.safetensors", "tokenizer.json"} <= {*size.download_files}
    assert len(hub.requests) <= 6
    assert hub.asked("GET", "cdn|safetensors") == []


def test_three_hundred_gigabytes_are_told_and_not_fetched(hub: Hub, good: Repo) -> None:
    shards = [f"model-{n:05}-of-00060.safetensors" for n in range(1, 61)]
    del good.files["model.safetensors"]
    good.files |= {name: Blob(name.encode(), 5_000_000_000) for name in shards}
    index = {
        "metadata": {"total_size": 300_000_000_000},
        "weight_map": {f"w{n}": name for n, name in enumerate(shards)},
    }
    good.files["model.safetensors.index.json"] = Blob.of(json.dumps(index).encode())
    good.elements = {"BF16": 150_000_000_000}
    result = ask("org/good", until="size")
    if result.exit_code:  # few machines have so much room
        assert failure(result, "size").facts["needed"] == "300 GB"
    assert hub.sent.keys() <= {"config.json", "model.safetensors.index.json"}
    assert len(hub.requests) <= 6
    assert in_both(300_000_000_000) == "300.00 GB (279.40 GiB)"


def test_more_than_there_is_room_for_is_told(good: Repo) -> None:
    good.files["model.safetensors"] = Blob(b"head", 10**18)
    diagnosis = refused("org/good")
    assert (diagnosis.code, diagnosis.exit_code) == ("disk_too_small", 4)
    assert diagnosis.facts["needed"] == "1 EB"
    assert str(diagnosis.facts["place"]).endswith("home/hub")


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"model_type": "lama"}, "architecture_unknown", "does not know the model type lama"),
        ({"model_type": None}, "config_invalid", "has no model_type"),
        ({"model_type": "ours", "auto_map": {"AutoConfig": "ours.C"}}, "architecture_unknown", "the model type ours"),
    ],
)
def test_what_transformers_does_not_know_is_told(good: Repo, change: dict[str, object], code: str, said: str) -> None:
    config = json.loads(good.files["config.json"].head) | change
    good.files["config.json"] = Blob.of(json.dumps(config).encode())
    diagnosis = refused("org/good")
    assert (diagnosis.code, said in diagnosis.cause) == (code, True), diagnosis.cause
    assert ("trust_remote_code" in diagnosis.remedy) == ("auto_map" in change)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "file_missing"),
        (Blob.of(b"{"), "config_invalid"),
        (Blob.of(b"[1]"), "config_invalid"),
        (Blob.of(b"[" * 100_000), "config_invalid"),
        (Blob(b"{", 200_000_000), "config_invalid"),
    ],
)
def test_a_configuration_that_is_none_is_told(hub: Hub, good: Repo, content: Blob | None, code: str) -> None:
    del good.files["config.json"]
    if content is not None:
        good.files["config.json"] = content
    assert refused("org/good").code == code
    assert hub.sent.get("config.json", 0) < 1_000_000


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"hidden_size": "big"}, "makes no LlamaConfig"),
        ({"hidden_size": 1.5}, "makes no LlamaConfig"),
        ({"quantization_config": "gptq"}, "makes no LlamaConfig"),
        ({"dtype": "float17"}, "makes no LlamaConfig"),
        ({"z": json.loads('{"a":' * 800 + "1" + "}" * 800)}, "makes no LlamaConfig"),
        ({"hidden_size": -64}, "no model can be made"),
        ({"hidden_act": "os.system"}, "no model can be made"),
        ({"rope_parameters": {"rope_type": "none"}}, "no model can be made"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers in config.json of org/good is 1,000,000,000"),
    ],
)
def test_settings_that_make_no_model_are_told(good: Repo, fields: dict[str, object], said: str) -> None:
    config = json.loads(good.files["config.json"].head)
    good.files["config.json"] = Blob.of(json.dumps(config | fields).encode())
    diagnosis = refused("org/good")
    assert (diagnosis.code, said in diagnosis.cause) == ("config_invalid", True), diagnosis


def test_a_model_of_more_modules_than_any_has_is_not_made() -> None:
    config = LlamaConfig(hidden_size=8, num_hidden_layers=100, num_attention_heads=1)
    with few_modules(1_000), pytest.raises(Diagnosed, match="more than 1,000 modules"):
        build_empty(LlamaForCausalLM, config, torch.float32)
    build_empty(LlamaForCausalLM, config, torch.float32)


def test_files_whose_names_lead_out_of_a_folder_are_not_there(hub: Hub, good: Repo) -> None:
    strange = ("../../up.json", "additional_chat_templates/../../../up.json", "x/../../up.py", "/abs.json", "a\n.json")
    good.files |= {name: Blob.of(b"{}") for name in strange}
    result = ask("org/good", until="rehearsal")
    assert result.failures == ()
    assert result.found.access is not None
    assert not {file.name for file in result.found.access.model.files} & {*strange}
    assert not [each for each in hub.requests if "up" in each.path]


def test_a_folder_without_a_configuration_is_told(tmp_path: Path) -> None:
    diagnosis = refused(str(tmp_path))
    assert (diagnosis.code, diagnosis.exit_code) == ("file_missing", 1)
    assert "has no config.json" in diagnosis.cause


def test_weights_that_are_not_there_not_whole_or_not_safe_are_told(good: Repo) -> None:
    weights = good.files.pop("model.safetensors")
    assert refused("org/good").code == "file_missing"
    good.files["pytorch_model.bin"] = weights
    diagnosis = refused("org/good")
    assert (diagnosis.code, diagnosis.exit_code) == ("weights_unsafe", 1)
    assert sized("org/good", "use_safetensors=false").weights.format == "pickle"
    good.files["model.safetensors.index.json"] = Blob.of(
        b'{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}'
    )
    good.files["one.safetensors"] = weights
    diagnosis = refused("org/good")
    assert (diagnosis.code, diagnosis.facts["first"]) == ("weights_incomplete", "two.safetensors")
    for number, index in enumerate((b'{"weight_map": {"a": "../../one.safetensors"}}', b'{"weight_map": 3}')):
        good.commit = f"{number:040}"
        good.files["model.safetensors.index.json"] = Blob.of(index)
        assert refused("org/good").code == "weights_corrupt"


def test_of_a_quantised_checkpoint_what_is_stored_is_told(good: Repo) -> None:
    quantised = {"quantization_config": {"quant_method": "mxfp4"}, "dtype": "bfloat16"}
    good.files["config.json"] = Blob.of(json.dumps(json.loads(good.files["config.json"].head) | quantised).encode())
    good.elements = {"BF16": 1_000, "U8": 9_000}
    size = sized("org/good")
    assert (size.quantization, size.stored_dtype) == ("mxfp4", "bfloat16")
    assert size.memory is not None
    assert size.memory.weights == pytest.approx(size.weight_bytes, abs=1)  # they stay quantised
    assert size.asked_bytes == 2 * size.memory.parameters  # what they become if they do not
    assert size.by_dtype == {"BF16": 1_000, "U8": 9_000}
    diagnosis = refused("org/good", "load_in_4bit=True,dtype=bfloat16")
    assert diagnosis.code == "config_invalid"
    assert "is quantised with mxfp4, and bitsandbytes is asked for" in diagnosis.cause


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("24GiB", 24 * 1024**3),
        ("80 GB", 80 * 1000**3),
        ("1.5k", 1500),
        ("7", 7),
        (7, 7),
        ("2mib", 2 * 1024**2),
        ("9b", 9),
    ],
)
def test_sizes_are_read(text: str | int, count: int) -> None:
    assert bytes_of(text) == count


@pytest.mark.parametrize("text", ["", "GB", "1e9", "-3GB", "3 parsecs", "9" * 40])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size such as 24GiB"):
        bytes_of(text)


def test_sizes_are_told_in_both_units() -> None:
    assert in_both(40_000_000_000) == "40.00 GB (37.25 GiB)"
    assert in_both(593_256) == "0.00059 GB (0.00055 GiB)"
    assert in_both(0) == "0.00 GB (0.00 GiB)"
