"""keep.yml as another, empty repository calls it: two nights, then a pull request that reuses what was green."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import pytest

from hfci.planning.popularity import Use, load_popularity

from ..planning.test_popularity import hub
from .projects import ASSERT, project, pull_request
from .support import Emulator, Told, git, repository

MINE = "somebody/mine"
CALLER = """
name: mine
on: [schedule, pull_request]
permissions: {}
jobs:
  models:
    permissions:
      contents: read
    uses: example/hfci/.github/workflows/models.yml@0123456789012345678901234567890123456789
    with:
      models: bert gpt2
      tier: smoke
      data: results
      reuse: ${{ github.event_name == 'pull_request' }}
      budget: ${{ vars.BUDGET }}
      runners: |
        [tool.hfci.runners.mine]
        runs-on = "ubuntu-24.04"
        workers = 1
        shards = 1
  keep:
    if: ${{ !cancelled() && needs.models.outputs.run != '' }}
    needs: models
    permissions:
      contents: write
    uses: example/hfci/.github/workflows/keep.yml@0123456789012345678901234567890123456789
    with:
      data: results
      run: ${{ needs.models.outputs.run }}
      reused: ${{ needs.models.outputs.reused }}
"""


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Emulator, list[Told]]:
    """Two nights of a repository that has nothing but a workflow; a Hub is on this machine."""
    folder = tmp_path_factory.mktemp("keep")
    emulator = project(folder, {"one": ASSERT})
    repository(folder / "mine", {".github/workflows/mine.yml": CALLER})
    emulator.repositories[MINE] = folder / "mine"
    with hub() as server:
        emulator.environment = {"HF_ENDPOINT": server.endpoint, "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}
        about = {"on": MINE, "event": "schedule"}
        return emulator, [emulator.run("mine.yml", name=f"night-{n}", run_id=str(1000 + n), **about) for n in (1, 2)]


def test_each_night_is_kept_on_a_branch_of_its_own_repository(
    nights: tuple[Emulator, list[Told]], tmp_path: Path
) -> None:
    emulator, told = nights
    for night in told:
        assert {job.result for job in night.ran.values()} == {"success"}, night.log
    folder = emulator.repositories[MINE]
    git(folder, "worktree", "add", "--quiet", "--detach", str(tmp_path / "data"), "results")
    main = tmp_path / "data" / "main"
    assert {path.name for path in main.iterdir()} == {
        *("history.db", "index.html", "popularity.json", "quarantine.json", "records", "requirements.json", "wall.html")
    }
    assert [path.name for path in (main / "records").iterdir()] == ["1002"]
    (runner,) = json.loads((main / "requirements.json").read_text())["runners"].values()
    assert {len(needs) for needs in runner["cases"].values()} == {2}
    used = load_popularity(main / "popularity.json").model_types
    assert (used["bert"], used["gpt2"]) == (Use(987, 9, 3), Use(988, 9, 1))
    assert "hfci-data" not in git(emulator.repositories["example/hfci"], "branch", "--list")


def test_a_budget_goes_by_the_popularity_that_was_kept(nights: tuple[Emulator, list[Told]]) -> None:
    """There is time for one of both model types: the more used one, which is the last by name."""
    emulator, told = nights
    known = json.loads(git(emulator.repositories[MINE], "show", "results:main/requirements.json"))["runners"]["mine"]
    needs = {case: median(seconds for seconds, _ in measured) for case, measured in known["cases"].items()}
    least = min(sum(needs[case] for case in needs if case.startswith(f"{name}/")) for name in ("bert", "gpt2"))
    budget = median(known["start_up"]) + sum(needs.values()) - least / 2
    rendered = {"models / render": told[1]["models / render"].told}
    cut = [{"job": name, "before": ""} for name in ("smoke on", "report", "keep")]
    about = {"on": MINE, "event": "schedule", "run_id": "1002", "attempt": 2, "keep": rendered, "cancel": cut}
    again = emulator.run("mine.yml", name="night-2", vars={"BUDGET": f"{budget:.3f}s"}, **about)
    assert again["models / plan"].result == "success", again.log
    plan = json.loads((again.artifact("coverage-summary-plan-2") / "plan.json").read_text())
    named = [{group["model_type"] for one in plan[key] for group in one["groups"]} for key in ("shards", "left_out")]
    assert named == [{"gpt2"}, {"bert"}]


def test_a_pull_request_reuses_what_was_green(nights: tuple[Emulator, list[Told]]) -> None:
    emulator, told = nights
    request = emulator.run("mine.yml", name="request", on=MINE, **pull_request())
    plan = request["models / plan"]
    assert plan.outputs["shards"] == "0", plan.log
    summary = json.loads((request.artifact("coverage-summary") / "coverage-summary.json").read_text())
    assert (summary["executed"], summary["outcomes"]["reused"]) == (0, summary["planned"])
    assert summary["planned"] == int(plan.outputs["reused"]) >= 12
    assert request["models / report"].result == "success", request.log
    assert "Reused, not executed" in plan.summary
    assert request["keep / files"].result == "skipped"
    assert told[0]["models / plan"].outputs["reused"] == "0"
