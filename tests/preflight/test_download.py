"""Download fetches what is needed and no more, goes on where it was cut, and does not wait for ever."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.preflight.conftest import World, ask, failure
from tests.preflight.hub import Blob, Hub, Repo, cutting, stalling, trickling
from tests.preflight.test_keys import header_of, with_header
from tests.warm import COLD


def test_what_is_needed_is_downloaded_once(hub: Hub, good: Repo) -> None:
    good.files["pytorch_model.bin"] = Blob.of(b"pickled")
    good.files["onnx/model.onnx"] = Blob.of(b"another format")
    result = ask("org/good", until="download")
    assert result.failures == ()
    assert result.found.download is not None
    assert result.found.size is not None
    assert {"model.safetensors", "tokenizer.json"} <= {*result.found.size.download_files}
    assert result.found.download.files == ("model.safetensors",)  # the rest is here since `rehearsal`
    assert result.found.download.verified == 1
    assert hub.sent["config.json"] == good.files["config.json"].size
    assert not {"pytorch_model.bin", "onnx/model.onnx"} & {*result.found.download.files}
    assert not any(each.has_token for each in hub.requests)

    hub.sent.clear()
    again = ask("org/good", until="download")
    assert again.found.download is not None
    assert again.found.download.files == ()
    assert again.found.size is not None
    assert again.found.size.download_bytes == 0
    assert hub.sent == {}


def larger(blob: Blob, more: int) -> Blob:
    """Return weights with a tensor of so many bytes beside the others."""
    header = header_of(blob)
    end = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")  # type: ignore[index]
    header["extra"] = {"dtype": "U8", "shape": [more], "data_offsets": [end, end + more]}
    return Blob.of(with_header(blob, header).head + bytes(more))


def test_a_slow_line_is_no_silence(hub: Hub, good: Repo) -> None:
    good.files["model.safetensors"] = larger(good.files["model.safetensors"], 8_000_000)
    hub.faults.append(trickling("/cdn/", 0.8))
    assert ask("org/good", until="download", download=3.0).failures == ()


def test_a_connection_that_is_cut_is_taken_up_where_it_was(hub: Hub, good: Repo) -> None:
    weights = good.files["model.safetensors"] = larger(good.files["model.safetensors"], 30_000_000)
    hub.faults.append(cutting("/cdn/", 25_000_000))
    result = ask("org/good", until="download")
    assert result.failures == ()
    first, cut, resumed = [each.range for each in hub.asked("GET", "/cdn/")]
    assert first is not None
    assert cut is None
    assert resumed is not None
    begin = int(resumed.removeprefix("bytes=").removesuffix("-"))
    assert 20_000_000 < begin <= 25_000_000
    assert hub.sent[weights.sha256] == weights.size - begin + int(first.rpartition("-")[2]) + 1


def test_what_is_not_what_the_hub_says_is_told_and_removed(good: Repo, world: World) -> None:
    weights = good.files["model.safetensors"]
    spoilt = Blob.of(weights.head[:-8] + b"12345678")

    class Spoilt(Blob):
        """Content that is not what it is said to be."""

        @property
        def sha256(self) -> str:
            return weights.sha256

    good.files["model.safetensors"] = Spoilt(spoilt.head, spoilt.size)
    diagnosis = failure(ask("org/good", until="download"), "download")
    assert (diagnosis.code, diagnosis.facts["file"]) == ("weights_corrupt", "model.safetensors")
    assert "was removed" in diagnosis.cause
    assert not list(world.home.rglob("model.safetensors"))
    good.files["model.safetensors"] = weights
    assert ask("org/good", until="download").failures == ()


@pytest.mark.usefixtures("good")
def test_a_download_that_stalls_is_tried_once_more_and_then_given_up(hub: Hub) -> None:
    assert ask("org/good", until="keys").failures == ()
    hub.faults.append(stalling("/cdn/", after=1_000))
    hub.requests.clear()
    diagnosis = failure(ask("org/good", until="download", download=4.0), "download")
    assert (diagnosis.code, diagnosis.exit_code) == ("download_stalled", 4)
    assert len(hub.asked("GET", "/cdn/")) >= 2


@pytest.mark.usefixtures("good")
def test_ctrl_c_keeps_what_is_whole_and_says_so(hub: Hub, world: World, tmp_path: Path) -> None:
    assert ask("org/good", until="keys").failures == ()
    hub.faults.append(stalling("/cdn/", after=1_000))
    command = [COLD, "-m", "hfci", "preflight", "org/good", "--out", str(tmp_path), "--python", world.python]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        hub.requests.clear()
        deadline = time.monotonic() + 100.0
        while not [each for each in hub.asked("GET", "/cdn/") if each.range is None] and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "are whole, and kept" in told
    assert list(world.home.rglob("tokenizer.json"))
    assert not list(world.home.rglob("*.incomplete"))
    hub.faults.clear()
    assert ask("org/good", until="download").failures == ()
