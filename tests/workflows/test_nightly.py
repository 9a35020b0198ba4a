"""nightly.yml from end to end: both versions, the data branch, Pages; and what ci.yml makes of the data branch then."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from .projects import ASSERT, ONLY_MODELS, SMOKE, by_hand, data_branch, generated, project
from .support import OWNER, ROOT, Emulator, Told, git, repository, write

FILES = ["files", "commit"]
SHARD = "smoke on small 1/1"
ARM = "smoke on arm 1/1"
SITE = {"HFCI_PAGES": "true"}
# Where what matters is the pinned half alone.
PINNED_ALONE = [{"job": name, "before": ""} for name in ("newest", "arm")]


def only_bert(folder: Path) -> None:
    """Keep of this repository's generated tests what bert has: a real model, and a small manifest."""
    shutil.rmtree(folder / "generated")
    manifest = json.loads((ROOT / "generated" / "manifest.json").read_text())
    manifest["model_types"] = [row for row in manifest["model_types"] if row["model_type"] == "bert"]
    for case in manifest["model_types"][0]["cases"]:
        (folder / "generated" / case["file"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "generated" / case["file"], folder / "generated" / case["file"])
    (folder / "generated" / "manifest.json").write_text(json.dumps(manifest))
    repository(folder, {})


REUSING = """
on: schedule
permissions: {}
jobs:
  models:
    permissions: {contents: read}
    uses: $/.github/workflows/models.yml
    with: {models: bert, generated: generated, data: hfci-data, reuse: true}
  keep:
    needs: models
    permissions: {contents: write}
    uses: $/.github/workflows/keep.yml
    with: {run: "${{ needs.models.outputs.run }}", reused: "${{ needs.models.outputs.reused }}", popularity: false}
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    files = {".github/workflows/reusing.yml": REUSING}
    made = project(tmp_path_factory.mktemp("nightly"), {"one": "pass"}, runners=SMOKE, files=files)
    only_bert(made.repositories[OWNER])
    return made


# The pages of the site, and whether they show executed lines.
FOUND_ON = {"index.html": False, "newest/index.html": True}


@pytest.fixture(scope="module")
def night(emulator: Emulator) -> Told:
    return emulator.run("nightly.yml", name="night", event="schedule", vars={"HFCI_MODELS": "bert", **SITE})


def kept(emulator: Emulator, path: str = "") -> list[str]:
    """Return the names of the files on the data branch."""
    names = git(emulator.repositories[OWNER], "ls-tree", "-r", "--name-only", "hfci-data").splitlines()
    return [name for name in names if name.startswith(path)]


def show(emulator: Emulator, path: str) -> str:
    return git(emulator.repositories[OWNER], "show", f"hfci-data:{path}")


def runs(emulator: Emulator, folder: Path, kind: str = "main") -> int:
    """Return how many runs the history has."""
    git(emulator.repositories[OWNER], "worktree", "add", "--quiet", "--force", "--detach", str(folder), "hfci-data")
    with sqlite3.connect(folder / kind / "history.db") as database:
        return int(database.execute("select count(*) from runs").fetchone()[0])


def test_everything_runs_on_the_pinned_and_on_the_newest_versions(night: Told) -> None:
    calls = [f"{version} / {job}" for version in ("pinned", "newest") for job in ("plan", SHARD, "report")]
    calls += ["newest / render", *(f"arm / {job}" for job in ("plan", ARM, "report"))]
    keeps = [f"keep {version} / {job}" for version in ("pinned", "newest") for job in FILES]
    assert night["pinned / render"].result == "skipped"  # there are tests in the checkout
    assert {name: job.result for name, job in night.ran.items()} == dict.fromkeys(
        [*calls, *keeps, "bisect newest", "pages"], "success"
    )
    # Both are resolved once, by their plans: the other jobs install what those found; bisecting begins anew.
    asked = [call.files["asked.txt"] for call in night.resolved]
    assert asked.count(["transformers", "torch"]) == 2
    assert len([call for call in night.installed if call.words[4] == ".hfci/environment.txt"]) == 10
    for job in ("pinned / plan", "newest / plan"):
        assert "no runner for cuda" in night[job].summary


def test_one_shard_runs_on_arm_within_a_budget_and_is_not_kept(night: Told, emulator: Emulator) -> None:
    assert night[f"arm / {ARM}"].told["runs-on"] == "ubuntu-24.04-arm"
    assert [name for name in night.jobs if name.startswith("arm / ") and " on " in name] == [f"arm / {ARM}"]
    plan = json.loads((night.artifact("coverage-summary-arm-plan-1") / "plan.json").read_text())
    assert ([shard["runner"] for shard in plan["shards"]], plan["budget_s"]) == (["arm"], 1200)
    assert "arm" not in json.loads(show(emulator, "main/requirements.json"))["runners"]


def test_history_records_and_requirements_are_on_the_data_branch(
    night: Told, emulator: Emulator, tmp_path: Path
) -> None:
    assert night["keep pinned / commit"].result == "success"
    records = kept(emulator, "main/records/1000/")
    assert len(records) == 1
    names = ("history.db", "index.html", "quarantine.json", "requirements.json", "wall.html")
    files = [f"{kind}/{name}" for kind in ("main", "newest") for name in names]
    assert kept(emulator) == sorted([*files, *records])
    measured = json.loads(show(emulator, "main/requirements.json"))["runners"]["small"]
    assert measured["cases"]
    # What its one job took to begin is there for the next plan.
    (set_up,), (start_up,) = measured["set_up"], measured["start_up"]
    assert start_up > 0
    assert 0 < set_up < 600
    assert [runs(emulator, tmp_path / kind, kind) for kind in ("main", "newest")] == [1, 1]
    # One commit, whatever the number of nights.
    assert git(emulator.repositories[OWNER], "rev-list", "--count", "hfci-data") == "1"


def test_only_the_job_that_commits_may_write_and_only_pages_deploys(night: Told) -> None:
    granted = {name: job.told["permissions"] for name, job in night.ran.items()}
    for half in ("pinned", "newest"):
        assert granted.pop(f"keep {half} / commit") == {"contents": "write"}
        titles = [step.title for step in night[f"keep {half} / commit"].steps]
        assert [title.split()[0].split("@")[0] for title in titles] == [
            "actions/download-artifact",
            "$/.github/actions/data",
            "python3",
        ]
    assert granted.pop("pages") == {"contents": "read", "pages": "write", "id-token": "write"}
    assert set(map(str, granted.values())) == {"{'contents': 'read'}"}
    assert "ghs_" not in night.log


def test_the_newest_half_alone_measures_which_lines_are_executed(night: Told) -> None:
    pages = {name: (night.work / "pages" / name).read_text(encoding="utf-8") for name in FOUND_ON}
    assert {name: "Executed lines" in page for name, page in pages.items()} == FOUND_ON
    assert "in the median of 1 model types" in night["newest / report"].summary


def test_the_dashboard_is_deployed(night: Told) -> None:
    assert (night.work / "pages" / "index.html").is_file()
    assert (night.work / "pages" / "newest" / "index.html").is_file()
    assert night["pages"].told["environment"]["url"].startswith("https://")


def test_the_site_can_be_deployed_by_a_second_attempt(night: Told, emulator: Emulator) -> None:
    keep = {name: job.told for name, job in night.jobs.items() if name != "pages"}
    about = {"vars": {"HFCI_MODELS": "bert", **SITE}, "attempt": 2, "keep": keep}
    told = emulator.run("nightly.yml", name="night", event="schedule", **about)
    assert told["pages"].result == "success", told["pages"].log


def test_nothing_selected_is_green_only_because_reuse_covers_every_case(night: Told, emulator: Emulator) -> None:
    assert night.result == "success"
    told = emulator.run("ci.yml", name="reuse")
    assert told["models / plan"].outputs["shards"] == "0"
    assert not [name for name in told.jobs if " on small" in name]
    assert told["models / report"].result == told["gate"].result == "success", told.log
    assert "0 shards ran" in told["gate"].summary
    assert "Reused, not executed" in told["models / plan"].summary
    summary = json.loads((told.artifact("coverage-summary") / "coverage-summary.json").read_text())
    assert (summary["executed"], summary["outcomes"]["reused"]) == (0, summary["planned"])
    assert summary["planned"] > 0


@pytest.mark.usefixtures("night")
def test_what_an_older_hfci_kept_is_reused(emulator: Emulator, tmp_path: Path) -> None:
    """The records of a night, as they were a schema ago."""
    folder = emulator.repositories[OWNER]
    (path,) = kept(emulator, "main/records/1000/")
    head, records = show(emulator, path).split("\n", 1)
    older = {name: value for name, value in json.loads(head).items() if name != "packages"} | {"schema": 3}
    place = tmp_path / "data"
    git(folder, "worktree", "add", "--quiet", "--detach", str(place), "hfci-data")
    write(place, {path: f"{json.dumps(older)}\n{records}\n"})
    git(place, "commit", "--quiet", "--all", "--message", "older")
    newest = git(folder, "rev-parse", "hfci-data")
    git(folder, "update-ref", "refs/heads/hfci-data", git(place, "rev-parse", "HEAD"))
    told = emulator.run("ci.yml", name="older", cancel=ONLY_MODELS)
    git(folder, "update-ref", "refs/heads/hfci-data", newest)
    assert told["models / plan"].outputs["shards"] == "0", told["models / plan"].summary
    assert "not read" not in told["models / plan"].summary


@pytest.mark.usefixtures("night")
def test_a_night_that_reuses_everything_throws_nothing_away(emulator: Emulator) -> None:
    before = kept(emulator, "main/records/")
    told = emulator.run("reusing.yml", name="reusing", event="schedule", run_id="1003")
    assert told["models / plan"].outputs["shards"] == "0", told.log
    assert {job.result for job in told.ran.values()} == {"success"}, told.log
    assert told["keep / commit"].result == "success"
    assert kept(emulator, "main/records/") == before


def test_nothing_selected_without_reuse_is_red(emulator: Emulator) -> None:
    told = emulator.run("ci.yml", name="nothing", vars={"HFCI_MODELS": "no-such-model"}, cancel=ONLY_MODELS)
    assert told["models / plan"].result == "failure"
    assert told["models / report"].result == "skipped"
    assert "no-such-model" in told["models / plan"].log


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Emulator, Told]:
    """A night with the newest half broken: these model types are in no transformers, so they cannot be rendered."""
    emulator = project(tmp_path_factory.mktemp("halved"), {"one": ASSERT, "two": ASSERT}, runners=SMOKE)
    return emulator, emulator.run("nightly.yml", name="night", event="schedule", vars=SITE | {"HFCI_MODELS": "one two"})


def test_a_broken_newest_half_does_not_lose_the_pinned_halfs_night(
    halved: tuple[Emulator, Told], tmp_path: Path
) -> None:
    emulator, told = halved
    good = [f"pinned / {job}" for job in ("plan", SHARD, "report")] + [f"keep pinned / {job}" for job in FILES]
    good += [f"arm / {job}" for job in ("plan", ARM, "report")]
    assert told.results == {
        **dict.fromkeys([*good, "pages"], "success"),
        "newest / render": "failure",
        **dict.fromkeys([f"newest / {job}" for job in ("plan", "cases", "report")], "skipped"),
        **dict.fromkeys(["keep newest", "bisect newest", "pinned / render", "arm / render"], "skipped"),
    }, told.log
    assert runs(emulator, tmp_path / "data") == 1
    assert [path.name for path in (told.work / "pages").iterdir()] == ["index.html"]


def test_a_narrowed_nightly_adds_to_what_is_kept(halved: tuple[Emulator, Told], tmp_path: Path) -> None:
    emulator, _ = halved
    alone: dict[str, Any] = {"cancel": PINNED_ALONE}
    told = emulator.run("nightly.yml", name="narrowed", **by_hand(models="two"), vars=SITE, run_id="1001", **alone)
    assert told["keep pinned / commit"].result == told["pages"].result == "success", told.log
    assert len(kept(emulator, "main/records/1000/")) == len(kept(emulator, "main/records/1001/")) == 1
    assert runs(emulator, tmp_path / "data") == 2
    times = json.loads(show(emulator, "main/requirements.json"))["runners"]["small"]["cases"]
    assert {case.partition("/")[0]: len(needs) for case, needs in times.items()} == {"one": 1, "two": 2}
    page = (told.work / "pages" / "index.html").read_text()
    assert "OneSmoke" in page
    assert "TwoSmoke" in page
    # The next whole night replaces what both left; how many shards it has goes by the times that those took.
    whole = {"event": "schedule", "vars": SITE | {"HFCI_MODELS": "one two"}, **alone}
    emulator.run("nightly.yml", name="whole", run_id="1002", **whole)
    assert {name.split("/")[2] for name in kept(emulator, "main/records/")} == {"1002"}


def test_a_night_is_held_against_the_one_before_though_its_event_names_no_repository(tmp_path: Path) -> None:
    """What GitHub says of a schedule is that alone: the default branch is where it runs."""
    emulator = project(tmp_path, {"one": ASSERT}, runners=SMOKE)
    folder, about = emulator.repositories[OWNER], {"event": "schedule", "cancel": PINNED_ALONE}
    first = emulator.run("nightly.yml", name="first", payload={"schedule": "23 2 * * *"}, **about)
    assert first["keep pinned / commit"].result == "success", first.log
    # Nobody set Pages up: nothing is red for it.
    assert first["pages"].result == "skipped"
    assert "failure" not in first.results.values()
    repository(folder, generated({"one": "assert 2 + 2 == 5"}, tiers=("smoke", "functional")))
    second = emulator.run("nightly.yml", name="second", payload={"schedule": "23 2 * * *"}, run_id="1001", **about)
    assert second["keep pinned / commit"].result == "success", second.log
    summary = json.loads((second.artifact("coverage-summary") / "coverage-summary.json").read_text())
    assert "1 newly failing" in summary["verdict"]
    assert summary["verdict"].endswith(f"against run {first['pinned / plan'].outputs['run']}")


def test_records_that_claim_another_commit_or_run_grant_nothing(tmp_path: Path) -> None:
    """What a shard uploads is whatever its tests left: here, green records of what this run is not."""
    emulator = project(tmp_path, {"one": ASSERT}, runners=SMOKE)
    about = {"event": "schedule", "vars": {"HFCI_MODELS": "one"}}
    cut = [*PINNED_ALONE, {"job": "keep", "before": ""}]
    told = emulator.run("nightly.yml", name="night", cancel=cut, **about)
    (path,) = told.artifact("coverage-summary-records-0-1").glob("records-*.jsonl")
    text, commit = path.read_text(), git(emulator.repositories[OWNER], "rev-parse", "HEAD")
    known = {name: job.told for name, job in told.jobs.items() if not name.startswith("keep pinned")}

    def keep(attempt: int, claimed: str, true: str) -> Told:
        assert true in text
        path.write_text(text.replace(true, claimed))
        return emulator.run("nightly.yml", name="night", attempt=attempt, keep=known, **about)

    told = keep(2, "d" * 40, commit)
    assert told["keep pinned / files"].result == "success", told.log
    assert told["keep pinned / commit"].result == "failure"
    assert f"and this run is of {commit}" in told["keep pinned / commit"].log
    run = told["pinned / plan"].outputs["run"]
    told = keep(3, "20200101T000000Z-00000000", run)
    assert told["keep pinned / files"].result == "failure"
    assert f"is of run 20200101T000000Z-00000000, and all of this was to be of run {run}: nothing" in told.log
    assert told["keep pinned / commit"].result == "skipped"
    plan_alone = [{"job": name, "before": ""} for name in ("smoke on", "report")]
    told = emulator.run("ci.yml", name="reuse", vars={"HFCI_MODELS": "one"}, cancel=[*ONLY_MODELS, *plan_alone])
    assert (told["models / plan"].outputs["shards"], told["models / plan"].outputs["reused"]) == ("1", "0")


def test_what_is_not_on_the_default_branch_is_not_kept(halved: tuple[Emulator, Told]) -> None:
    emulator, _ = halved
    before = git(emulator.repositories[OWNER], "rev-parse", "hfci-data")
    about = {"vars": {"HFCI_MODELS": "one"}, "ref": "refs/heads/other", "cancel": PINNED_ALONE}
    told = emulator.run("nightly.yml", name="other", **by_hand(), **about)
    assert told["pinned / report"].result == "success", told.log
    assert told["keep pinned / files"].result == told["pages"].result == "skipped"
    assert git(emulator.repositories[OWNER], "rev-parse", "hfci-data") == before


def test_a_history_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    emulator = project(tmp_path, {"one": ASSERT}, runners=SMOKE)
    data_branch(emulator, {"main/history.db": "no database", "main/records/1/records-0-1.jsonl": "{}\n"})
    told = emulator.run("nightly.yml", event="schedule", vars={"HFCI_MODELS": "one"}, cancel=PINNED_ALONE)
    assert told["keep pinned / files"].result == "failure"
    assert "history.db" in told["keep pinned / files"].log
    assert show(emulator, "main/history.db") == "no database"
    assert kept(emulator) == ["main/history.db", "main/records/1/records-0-1.jsonl"]
