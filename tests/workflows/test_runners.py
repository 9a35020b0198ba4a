"""Machines of a caller's own: a group, a container, packages and an index, a scarce accelerator that jobs share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .projects import ASSERT, SMOKE, project
from .support import Told

CPU = "https://download.pytorch.org/whl/cpu"
CUDA = "https://download.pytorch.org/whl/cu130"
IMAGE = "nvcr.io/nvidia/cuda:13.0.1-base-ubuntu24.04"
SCARCE = f"""
[tool.hfci.runners.accelerated]
runs-on = {{group = "gpus", labels = ["a10", "linux"]}}
device = "cuda"
memory = 24
workers = 2
tiers = ["smoke"]
shards = 1
container = "{IMAGE}"
packages = ["kernels>=0.1"]
index = "{CUDA}"
concurrency = "a10"
"""

CALLER = """
on: push
permissions: {}
jobs:
  models:
    permissions: {contents: read}
    uses: $/.github/workflows/models.yml
    with: {generated: generated, container: "python:3.11", max-parallel: 1, retention: 3, python: "3.12"}
"""


def call(folder: Path, runners: str) -> Told:
    emulator = project(folder, {"one": ASSERT}, runners=runners, files={".github/workflows/caller.yml": CALLER})
    return emulator.run("caller.yml")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return call(tmp_path_factory.mktemp("gpu"), SMOKE + SCARCE)


def test_the_job_of_an_accelerator_has_its_machine_container_index_and_packages(told: Told) -> None:
    job = told["models / smoke on accelerated 1/1"]
    assert job.told["runs-on"] == {"group": "gpus", "labels": ["a10", "linux"]}
    assert job.told["container"] == IMAGE
    assert job.told["concurrency"] == {"group": "a10", "queue": "max"}
    (own,) = [call for call in told.installed if call.files.get("beside.txt") == ["kernels>=0.1"]]
    assert own.words[4] == ".hfci/environment.txt"
    assert (own.sources["UV_INDEX"], own.sources["UV_INDEX_STRATEGY"]) == (CUDA, "unsafe-best-match")
    assert {call.sources["UV_INDEX"] for call in told.installed if call != own} == {CPU}


def test_its_cases_are_of_its_device_in_its_workers(told: Told) -> None:
    plan = json.loads((told.artifact("coverage-summary-plan-1") / "plan.json").read_text())
    (shard,) = [shard for shard in plan["shards"] if shard["runner"] == "accelerated"]
    assert (shard["device"], shard["workers"]) == ("cuda", 2)
    assert "group gpus, a10, linux" in told["models / plan"].summary
    # There is no accelerator where this runs: nothing of it is green.
    summary = json.loads((told.artifact("coverage-summary") / "coverage-summary.json").read_text())
    assert summary["outcomes"]["passed"] == 2
    assert not summary["green"]


def test_every_other_shard_has_what_the_call_asks_for_and_a_group_to_itself(told: Told) -> None:
    job = told["models / smoke on small 1/1"]
    assert job.told["container"] == "python:3.11"
    assert job.told["concurrency"] == {"group": "hfci-1000-coverage-summary-1", "queue": "max"}
    assert told["models / report"].told["container"] is None


def test_without_an_accelerator_it_is_absent_and_said_so(tmp_path: Path) -> None:
    told = call(tmp_path, SMOKE)
    assert told.result == "success", told.log
    assert "no runner for cuda: GPU cases are absent" in told["models / plan"].summary
    assert {call.sources["UV_INDEX"] for call in told.installed} == {CPU}
