"""preflight.yml: somebody asks of a checkpoint by hand, and gets what was found; hostile texts are inert."""

from __future__ import annotations

import json
from pathlib import Path

from hfci.cli import main as hfci
from tests.preflight.hub import Repo, running_hub

from .projects import by_hand, project
from .test_security import ALL, untouched

INPUTS = {"model-args": "", "memory": "24GiB", "until": "size"}


def test_a_checkpoint_is_asked_of_and_what_was_found_is_kept(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    assert hfci(["tiny", "llama", "--architecture", "LlamaForCausalLM", "--save", str(checkpoint)]) == 0
    emulator = project(tmp_path / "machine", {})
    with running_hub() as hub:
        hub.repos["org/good"] = Repo.of(checkpoint)
        online = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home")}
        asked = {**INPUTS, "model": "org/good", "model-args": "dtype=float16"}
        told = emulator.run("preflight.yml", **by_hand(**asked), environment=online)
        assert told["preflight"].result == "success", told.log
        (folder,) = [told.artifact(name) for name in told.artifacts if name.startswith("preflight")]
        result = json.loads((folder / "preflight.json").read_text())
        assert result["found"]["access"]["model"]["commit"] == hub.repos["org/good"].commit
        assert hub.asked("GET", "safetensors|cdn") == []

        hostile = emulator.run(
            "preflight.yml", name="hostile", **by_hand(**{**INPUTS, "model": ALL, "model-args": ALL})
        )
        assert hostile["preflight"].result == "failure"
        untouched(hostile)
