"""nightly.yml from end to end: both versions, the data branch, Pages; and what ci.yml makes of the data branch then."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from .projects import SMOKE, data_branch, project
from .support import OWNER, ROOT, Emulator, Told, git, repository


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


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    made = project(tmp_path_factory.mktemp("nightly"), {"one": "pass"}, runners=SMOKE)
    only_bert(made.repositories[OWNER])
    data_branch(made, {})
    return made


@pytest.fixture(scope="module")
def night(emulator: Emulator) -> Told:
    return emulator.run("nightly.yml", name="night", event="schedule", vars={"HFCI_MODELS": "bert"})


def show(emulator: Emulator, path: str) -> str:
    return git(emulator.repositories[OWNER], "show", f"hfci-data:{path}")


def test_everything_runs_on_the_pinned_and_on_the_newest_versions(night: Told) -> None:
    calls = [
        f"{version} / {job}" for version in ("pinned", "newest") for job in ("plan", "smoke on small 1/1", "report")
    ]
    assert night.results == dict.fromkeys([*calls, "history", "pages"], "success"), night.log
    newest = [call for call in night.pip if call[-3:] == ["--upgrade", "transformers", "torch"]]
    assert len(newest) == 3
    assert all("--constraint" not in call for call in newest)
    for job in ("pinned / plan", "newest / plan"):
        assert "no runner for cuda" in night[job].summary


def test_history_records_and_requirements_are_on_the_data_branch(
    night: Told, emulator: Emulator, tmp_path: Path
) -> None:
    assert night["history"].result == "success"
    repository_folder = emulator.repositories[OWNER]
    names = git(repository_folder, "ls-tree", "-r", "--name-only", "hfci-data").splitlines()
    assert [name.partition("/")[0] for name in names] == [
        "history-newest.db",
        "history.db",
        "records",
        "requirements.json",
    ]
    assert json.loads(show(emulator, "requirements.json"))["runners"]["small"]["cases"]
    git(repository_folder, "worktree", "add", "--quiet", str(tmp_path / "data"), "hfci-data")
    for name in ("history.db", "history-newest.db"):
        with sqlite3.connect(tmp_path / "data" / name) as database:
            assert database.execute("select count(*) from runs").fetchone() == (1,)
    # One commit, whatever the number of nights.
    assert git(repository_folder, "rev-list", "--count", "hfci-data") == "1"


def test_only_the_history_job_may_write_and_only_pages_deploys(night: Told) -> None:
    granted = {name: job.told["permissions"] for name, job in night.jobs.items()}
    assert granted.pop("history") == {"contents": "write"}
    assert granted.pop("pages") == {"pages": "write", "id-token": "write"}
    assert set(map(str, granted.values())) == {"{'contents': 'read'}"}
    assert "ghs_" not in night.log


def test_the_dashboard_is_deployed(night: Told) -> None:
    assert (night.work / "pages" / "index.html").is_file()
    assert (night.work / "pages" / "newest" / "index.html").is_file()
    assert night["pages"].told["environment"]["url"].startswith("https://")


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


def test_nothing_selected_without_reuse_is_red(emulator: Emulator) -> None:
    told = emulator.run("ci.yml", name="nothing", vars={"HFCI_MODELS": "no-such-model"})
    assert told["models / plan"].result == told["gate"].result == "failure"
    assert told["models / report"].result == "skipped"
    assert "no-such-model" in told["models / plan"].log
