"""models.yml as another repository calls it, which has nothing but a workflow."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from .projects import ASSERT, CHECKS, SMOKE, data_branch, measured, project
from .support import Emulator, Told, repository

CALLER = """
name: mine
on: push
permissions: {}
jobs:
  hfci:
    permissions:
      contents: read
    uses: example/hfci/.github/workflows/models.yml@0123456789012345678901234567890123456789
    with:
      models: |
        bert
        gpt2
      tier: smoke
      transformers: transformers==5.23.0
      packages: timm "not-a-shell; $(touch executed)"
      runners: |
        [tool.hfci.runners.two]
        runs-on = ["self-hosted", "mine"]
        workers = 2
  after:
    needs: hfci
    runs-on: ubuntu-24.04
    permissions: {}
    env:
      SHARDS: ${{ needs.hfci.outputs.shards }}
    steps:
      - run: test "$SHARDS" = 1
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("models")
    emulator: Emulator = project(folder, {"one": ASSERT})
    repository(folder / "mine", {".github/workflows/mine.yml": CALLER})
    emulator.repositories["somebody/mine"] = folder / "mine"
    return emulator.run("mine.yml", on="somebody/mine", secrets={"TOKEN": "hunter2"})


def test_an_empty_repository_gets_matrix_summary_and_artifact(told: Told) -> None:
    names = ("hfci / render", "hfci / plan", "hfci / smoke on two 1/1", "hfci / report", "after")
    assert told.results == dict.fromkeys(names, "success"), told.log
    assert told["hfci / smoke on two 1/1"].told["runs-on"] == ["self-hosted", "mine"]
    assert told["hfci / report"].summary
    summary = json.loads((told.artifact("coverage-summary") / "coverage-summary.json").read_text())
    assert sorted(summary["model_types"]) == ["bert", "gpt2"]
    assert summary["green"]
    assert Counter(summary["outcomes"])["passed"] == summary["planned"] >= 12


def test_what_the_caller_asks_for_is_resolved_once_and_nothing_of_it_is_executed(told: Told) -> None:
    (resolved,) = told.resolved
    assert resolved.files["asked.txt"] == ["transformers==5.23.0", "timm", '"not-a-shell;', "$(touch", 'executed)"']
    # The tests, the plan, the shard, the report.
    assert [call.words[4] for call in told.installed] == [".hfci/environment.txt"] * 4
    lines = (told.artifact("coverage-summary-plan-1") / "environment.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in lines} >= {"torch", "transformers"}
    assert not [line for line in lines if "+" in line]  # of which build, each machine says
    assert not list(told.work.rglob("executed*"))


def test_no_secret_of_the_caller_gets_into_the_called_workflow(told: Told) -> None:
    assert "hunter2" not in told.log
    assert {str(job.told["permissions"]) for job in told.jobs.values()} == {"{'contents': 'read'}", "{}"}


BUDGET = """
on: push
permissions: {}
jobs:
  hfci:
    permissions: {contents: read}
    uses: $/.github/workflows/models.yml
    with: {generated: generated, budget: 20s, data: hfci-data}
"""


def test_a_budget_goes_by_popularity_and_the_verdict_says_what_it_left_out(tmp_path: Path) -> None:
    """Of three model types there is time for one: the one that is used most, though it is the last by name."""
    runners = SMOKE.replace("workers = 1", "workers = 1\nshards = 1")
    files = {".github/workflows/caller.yml": BUDGET}
    emulator = project(tmp_path, dict.fromkeys(("aa", "bb", "zz"), ASSERT), runners=runners, files=files)
    seconds = {
        f"{name}/{name.title()}Smoke/{check}[device=cpu]": 5.0 for name in ("aa", "bb", "zz") for check in CHECKS
    }
    used = {"zz": {"downloads": 9, "likes": 0, "checkpoints": 1}}
    popularity = json.dumps({"schema": 1, "fetched": "2026-11-27", "model_types": used})
    data_branch(emulator, {"main/requirements.json": measured(seconds), "main/popularity.json": popularity})
    told = emulator.run("caller.yml")
    assert told.result == "success", told.log
    summary = json.loads((told.artifact("coverage-summary") / "coverage-summary.json").read_text())
    assert list(summary["model_types"]) == ["zz"]
    assert "2 of 2 cases executed, 4 cases of 2 model types left out for want of time" in summary["verdict"]
    assert "left out for want of time" in told["hfci / report"].summary
