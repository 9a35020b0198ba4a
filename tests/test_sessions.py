"""What the sessions promise before they run anything."""

from __future__ import annotations

import http.server
import importlib.util
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nox
import pytest

from tests.warm import COLD

ROOT = Path(__file__).parent.parent


def sessions(name: str) -> set[str]:
    """Return the names of the sessions that `nox -s NAME` means."""
    options = ["--noxfile", str(ROOT / "noxfile.py"), "--sessions", name, "--list-sessions", "--json"]
    done = subprocess.run([COLD, "-m", "nox", *options], capture_output=True, text=True, check=True)
    return {row["session"] for row in json.loads(done.stdout)}


def test_every_supported_transformers_has_a_session_of_its_own() -> None:
    pinned = re.findall(r"^transformers==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert sessions("versions") == {f"versions({version})" for version in ("5.17.0", "5.20.0", "5.23.0", *pinned)}


@pytest.fixture
def noxfile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Return the noxfile, imported where there is no GPU and nothing is chosen."""
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(nox.registry, "_REGISTRY", {})  # its sessions are not those of this process
    spec.loader.exec_module(module)
    monkeypatch.delenv(module.INDEX_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "DRIVER", tmp_path / "driver")
    monkeypatch.setattr(module, "ANSWERS_WITHIN_S", 0.5)
    monkeypatch.setattr(sys, "platform", "linux")
    return module


@pytest.fixture
def index() -> Iterator[str]:
    """Serve an index that answers."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/whl/cpu"
        server.shutdown()


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/whl/cpu/torch/" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        del format, args


class Warned:
    """What `torch_index` needs of a session."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def warn(self, message: str) -> None:
        self.told.append(message)


def test_without_a_gpu_torch_comes_from_the_index_of_cpus(
    noxfile: ModuleType, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Warned()
    monkeypatch.setattr(noxfile, "CPU_INDEX", index)
    assert noxfile.torch_index(session) == index
    assert session.told == []


def test_with_a_gpu_and_elsewhere_than_on_linux_torch_is_what_pip_finds(
    noxfile: ModuleType, index: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(noxfile, "CPU_INDEX", index)
    (tmp_path / "nvidia-smi").touch(mode=0o755)
    assert noxfile.torch_index(Warned()) == ""
    (tmp_path / "nvidia-smi").unlink()
    (tmp_path / "driver").touch()
    assert noxfile.torch_index(Warned()) == ""
    (tmp_path / "driver").unlink()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert noxfile.torch_index(Warned()) == ""


@pytest.mark.parametrize("how", ["refuses", "says nothing", "has no torch"])
def test_an_index_that_does_not_answer_is_told_and_left_out(
    noxfile: ModuleType, index: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    session = Warned()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if how == "refuses":
            silent.close()
        address = f"{index}-none" if how == "has no torch" else f"http://127.0.0.1:{port}/whl/cpu"
        monkeypatch.setattr(noxfile, "CPU_INDEX", address)
        assert noxfile.torch_index(session) == ""
    (said,) = session.told
    assert address in said
    assert "HFCI_TORCH_INDEX" in said


@pytest.mark.parametrize("chosen", ["", "https://download.pytorch.org/whl/cu130"])
def test_who_chooses_is_not_overruled(noxfile: ModuleType, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    monkeypatch.setenv(noxfile.INDEX_VARIABLE, chosen)
    assert noxfile.torch_index(Warned()) == chosen
