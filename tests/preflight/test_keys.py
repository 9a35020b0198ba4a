"""Keys compares keys and shapes before the download: from the header of each shard alone."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import pytest

from hfci.preflight.diagnosis import Diagnosis
from hfci.preflight.keys import Keys
from tests.preflight.conftest import ask, failure
from tests.preflight.hub import Blob, Hub, Repo


def compared(model: str, *arguments: str) -> Keys:
    result = ask(model, *arguments, until="keys")
    assert result.failures == ()
    assert result.found.keys is not None
    return result.found.keys


def refused(model: str, *arguments: str) -> Diagnosis:
    return failure(ask(model, *arguments, until="keys"), "keys")


def header_of(blob: Blob) -> dict[str, dict[str, object]]:
    (length,) = struct.unpack("<Q", blob.head[:8])
    return json.loads(blob.head[8 : 8 + length])  # type: ignore[no-any-return]


def with_header(blob: Blob, header: dict[str, dict[str, object]]) -> Blob:
    """Return a file with this header, and the numbers of `blob`."""
    content = json.dumps(header).encode()
    (length,) = struct.unpack("<Q", blob.head[:8])
    return Blob.of(struct.pack("<Q", len(content)) + content + blob.head[8 + length :])


@pytest.fixture(scope="session")
def sharded(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny checkpoint in several files."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("checkpoints") / "sharded"
    AutoModelForCausalLM.from_pretrained(llama).save_pretrained(folder, max_shard_size="40KB")
    return folder


def test_of_shards_one_range_each_is_asked_for(hub: Hub, sharded: Path) -> None:
    repo = hub.repos["org/sharded"] = Repo.of(sharded)
    shards = [name for name in repo.files if name.endswith(".safetensors")]
    assert len(shards) > 2
    keys = compared("org/sharded")
    assert keys.loaded_by == "AutoModelForCausalLM"
    assert keys.parameters * 4 == sum(keys.bytes_by_dtype.values())
    assert keys.by_dtype == {"F32": keys.parameters}
    assert keys.unexpected_count == 0
    ranges = [each.range for each in hub.asked("GET", "/cdn/")]
    assert len(ranges) == len(shards)
    assert None not in ranges
    assert not any(each.has_token for each in hub.asked("GET", "/cdn/"))


def test_a_header_that_is_longer_than_the_first_read_takes_a_second(hub: Hub, good: Repo) -> None:
    blob = good.files["model.safetensors"]
    good.files["model.safetensors"] = with_header(blob, header_of(blob) | {"__metadata__": {"x": "y" * 200_000}})
    assert compared("org/good").unexpected_count == 0
    assert len(hub.asked("GET", "/cdn/")) == 2


def test_of_what_is_declared_only_the_header_is_fetched(hub: Hub, good: Repo, tmp_path: Path) -> None:
    """Layers of half the disk, which are not there: nothing of them is downloaded, nor written."""
    blob = good.files["model.safetensors"]
    header = header_of(blob)
    end = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")  # type: ignore[index]
    size = shutil.disk_usage(tmp_path).free // 2
    part = 400_000_000
    for number, begin in enumerate(range(end, end + size, part)):
        header[f"extra.{number:04}"] = {"dtype": "U8", "shape": [part], "data_offsets": [begin, begin + part]}
        last = begin + part
    declared = with_header(blob, header)
    good.files["model.safetensors"] = Blob(declared.head, declared.size + last - end)
    result = ask("org/good", until="keys")
    assert result.failures == ()
    assert result.found.keys is not None
    assert result.found.keys.unexpected_count == len(header) - len(header_of(blob))
    assert result.found.keys.unexpected[0] == "extra.0000"
    assert sum(hub.sent.values()) < 1_000_000


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("model.norm.weight", "model.nrom.weight", "missing: model.norm.weight\nunexpected: model.nrom.weight"),
        ("lm_head.weight", "head.weight", "missing: lm_head.weight"),
    ],
)
def test_keys_that_are_called_otherwise_are_told(good: Repo, old: str, new: str, said: str) -> None:
    blob = good.files["model.safetensors"]
    header = {new if name == old else name: entry for name, entry in header_of(blob).items()}
    assert new in header
    good.files["model.safetensors"] = with_header(blob, header)
    diagnosis = refused("org/good")
    assert (diagnosis.code, diagnosis.exit_code) == ("weights_do_not_match", 1)
    assert f"1 missing (first {old})" in diagnosis.cause
    assert said in diagnosis.evidence


def test_shapes_that_are_others_are_told(good: Repo) -> None:
    config = json.loads(good.files["config.json"].head)
    config["intermediate_size"] *= 2
    good.files["config.json"] = Blob.of(json.dumps(config).encode())
    diagnosis = refused("org/good")
    assert diagnosis.code == "weights_do_not_match"
    assert "of another shape (first model.layers.0.mlp" in diagnosis.cause
    assert "in the model" in diagnosis.evidence


@pytest.mark.parametrize(
    "fields",
    [
        {"data_offsets": [-5, 100]},
        {"data_offsets": [100, 5]},
        {"shape": [-1, 64]},
        {"shape": [3]},
        {"shape": [2**62, 2**62]},
        {"dtype": "F999"},
        {"dtype": "F64"},
        {"shape": "all"},
    ],
)
def test_a_tensor_is_where_its_shape_says_or_the_file_is_damaged(good: Repo, fields: dict[str, object]) -> None:
    blob = good.files["model.safetensors"]
    header = header_of(blob)
    header["lm_head.weight"] |= fields
    good.files["model.safetensors"] = with_header(blob, header)
    diagnosis = refused("org/good")
    assert (diagnosis.code, diagnosis.exit_code) == ("weights_corrupt", 1), diagnosis


def test_two_tensors_in_one_place_are_damage(good: Repo) -> None:
    blob = good.files["model.safetensors"]
    header = header_of(blob)
    header["model.layers.0.mlp.up_proj.weight"] = header["model.layers.0.mlp.gate_proj.weight"]
    good.files["model.safetensors"] = with_header(blob, header)
    assert refused("org/good").code == "weights_corrupt"


def test_a_header_of_a_hundred_thousand_tensors_is_read_in_a_moment(good: Repo) -> None:
    blob = good.files["model.safetensors"]
    many: dict[str, dict[str, object]] = {
        f"more.{n}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for n in range(100_000)
    }
    good.files["model.safetensors"] = with_header(blob, header_of(blob) | many)
    assert compared("org/good").unexpected_count == 100_000


def test_another_architecture_is_told(good: Repo) -> None:
    config = json.loads(good.files["config.json"].head)
    good.files["config.json"] = Blob.of(json.dumps(config | {"model_type": "gpt_neox", "architectures": None}).encode())
    assert refused("org/good").code == "weights_do_not_match"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (struct.pack("<Q", 2**63), "its header claims 9,223,372,036,854,775,808 bytes"),
        (struct.pack("<Q", 100) + b"{", "its header claims 100 bytes"),
        (struct.pack("<Q", 2) + b"{]", "its header cannot be read"),
        (struct.pack("<Q", 2) + b"{}" + bytes(9), "its header is of a file of 10 bytes, and it has 19"),
        (b"abc", "it has 3 bytes"),
    ],
)
def test_a_header_is_believed_within_the_file_alone(hub: Hub, good: Repo, content: bytes, said: str) -> None:
    good.files["model.safetensors"] = Blob.of(content)
    diagnosis = refused("org/good")
    assert (diagnosis.code, diagnosis.exit_code) == ("weights_corrupt", 1)
    assert said in diagnosis.cause
    assert len(hub.asked("GET", "/cdn/")) == 1
