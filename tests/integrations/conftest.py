"""A checkpoint, and an environment without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfci.cli import main as hfci


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint of a text generator, with its tokenizer."""
    folder = tmp_path_factory.mktemp("checkpoints") / "llama"
    assert hfci(["tiny", "llama", "--architecture", "LlamaForCausalLM", "--save", str(folder)]) == 0
    return folder


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep everything from the Hub, and what is cached in a folder of the test's own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
