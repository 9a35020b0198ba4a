"""A Hub of the tests' own, with tiny checkpoints, and a cache that is empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hfci.cli import main as hfci
from hfci.preflight.configuration import Request
from hfci.preflight.diagnosis import Diagnosis
from hfci.preflight.result import Result
from hfci.preflight.running import preflight
from tests.preflight.hub import Hub, Repo, running_hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub that huggingface_hub asks, without a token, with an empty cache."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint of a text generator, with its tokenizer."""
    folder = tmp_path_factory.mktemp("checkpoints") / "llama"
    assert hfci(["tiny", "llama", "--architecture", "LlamaForCausalLM", "--save", str(folder)]) == 0
    return folder


@pytest.fixture
def good(hub: Hub, llama: Path) -> Repo:
    """The repository org/good of the Hub."""
    hub.repos["org/good"] = Repo.of(llama, elements={"F32": 100_000})
    return hub.repos["org/good"]


def ask(model: str, *model_args: str, until: str, **limits: float) -> Result:
    """Return what a preflight of `model` finds."""
    return preflight(Request(model=model, model_args=model_args), until=until, limits=limits)


def failure(result: Result, stage: str) -> Diagnosis:
    """Return the diagnosis of `stage`, which must be the only one."""
    (diagnosis,) = result.failures
    assert diagnosis.stage == stage
    assert not set(diagnosis.cause + diagnosis.remedy) & set("{}")
    return diagnosis
