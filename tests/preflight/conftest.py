"""A Hub of the tests' own, with tiny checkpoints, and a cache that is empty."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hfci.cli import main as hfci
from hfci.preflight.configuration import Request
from hfci.preflight.diagnosis import Diagnosis, diagnoses
from hfci.preflight.result import Result
from hfci.preflight.running import preflight
from tests.preflight.hub import Hub, Repo, running_hub
from tests.warm import COLD, READ_AT_IMPORT, WarmInterpreter

# What stages import.
IMPORTS = """
import torch, transformers.modeling_utils, transformers.pipelines, transformers.quantizers.auto, transformers.generation
import transformers.models.llama.modeling_llama, transformers.tokenization_utils_tokenizers, yaml
import huggingface_hub.hf_api, huggingface_hub.file_download, huggingface_hub.utils
import hfci.preflight.worker, hfci.preflight.activations, hfci.preflight.memory, hfci.preflight.twin
import hfci.catalog.registries, hfci.tiny.shrink, hfci.checks.pipelines.media
"""

# The interpreter that runs the stages of `ask`: that of this process, or a warm one for as long as there is a `world`.
_PYTHON = [COLD]


@dataclass(frozen=True)
class World:
    """What all tests share: a Hub, a folder for the cache, and an interpreter that has imported what stages need."""

    hub: Hub
    home: Path
    python: str


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """What huggingface_hub reads of the environment when it is imported is the same in all tests that need a Hub."""
    home = tmp_path_factory.mktemp("cache") / "home"
    with running_hub() as hub, pytest.MonkeyPatch.context() as patch:
        patch_environment(patch, hub, home)
        # The address of a socket may have a hundred characters.
        with tempfile.TemporaryDirectory(prefix="hfci-warm-") as name, WarmInterpreter(Path(name), IMPORTS) as warm:
            _PYTHON.append(warm.python)
            yield World(hub, home, warm.python)
            _PYTHON.pop()


def patch_environment(patch: pytest.MonkeyPatch, hub: Hub, home: Path) -> None:
    """Have huggingface_hub ask `hub`, without a token, and keep in `home` what it gets."""
    for name in [name for name in os.environ if name.startswith(READ_AT_IMPORT)]:
        patch.delenv(name)
    patch.setenv("HF_ENDPOINT", hub.endpoint)
    patch.setenv("HF_HOME", str(home))
    patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    patch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def hub(world: World, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A Hub that huggingface_hub asks, without a token, with an empty cache."""
    patch_environment(monkeypatch, world.hub, world.home)
    shutil.rmtree(world.home, ignore_errors=True)
    world.hub.forget()
    return world.hub


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint of a text generator, with its tokenizer."""
    return save_tiny("llama", "LlamaForCausalLM", tmp_path_factory.mktemp("checkpoints") / "llama")


def save_tiny(model_type: str, architecture: str, folder: Path) -> Path:
    """Save a tiny checkpoint in `folder`, and leave the environment as it was, which goes offline for that."""
    before = dict(os.environ)
    assert hfci(["tiny", model_type, "--architecture", architecture, "--save", str(folder)]) == 0
    os.environ.clear()
    os.environ.update(before)
    return folder


@pytest.fixture
def good(hub: Hub, llama: Path) -> Repo:
    """The repository org/good of the Hub."""
    hub.repos["org/good"] = Repo.of(llama, elements={"F32": 100_000})
    return hub.repos["org/good"]


def ask(model: str, *model_args: str, until: str, **limits: float) -> Result:
    """Return what a preflight of `model` finds."""
    return preflight(Request(model=model, model_args=model_args), until=until, limits=limits, python=_PYTHON[-1])


# The codes that `failure` has met since the test began.
_PRODUCED: list[str] = []


@pytest.fixture(autouse=True)
def codes_are_produced(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that the taxonomy names for a code produces it."""
    _PRODUCED.clear()
    yield
    name = f"{request.path.name}::{request.node.name}"
    assert {row.code for row in diagnoses().values() if row.test == name} <= {*_PRODUCED}


def failure(result: Result, stage: str) -> Diagnosis:
    """Return the diagnosis of `stage`, which must be the only one."""
    (diagnosis,) = result.failures
    _PRODUCED.append(diagnosis.code)
    assert diagnosis.stage == stage
    assert not set(diagnosis.cause + diagnosis.remedy) & set("{}")
    return diagnosis
