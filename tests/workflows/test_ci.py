"""ci.yml from end to end, the reusable models.yml within it: what makes the gate green, and what red."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .projects import ASSERT, CHECKS, GPU, OWNER, RUNNERS, SMOKE, data_branch, measured, project, pull_request
from .support import Emulator, Told, git

DRIFT = "generated tests are what their templates give, and lose nothing"
MODELS = ("models / plan", "models / smoke on small 1/1", "models / functional on small 1/1", "models / report")
LATE = ("validate", "smoke")
GREEN = {
    **dict.fromkeys(("lint", "hfci's own tests", DRIFT, "smoke on macOS", *MODELS, "gate"), "success"),
    "models / render": "skipped",  # the tests are in the checkout
}


def summary(told: Told) -> dict[str, Any]:
    return json.loads((told.artifact("coverage-summary") / "coverage-summary.json").read_text())


def plain(page: str) -> str:
    """Return the text of Markdown in which hfci has escaped every name."""
    return html.unescape(re.sub(r"</?code>|<wbr>", "", page))


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory) -> Told:
    emulator = project(tmp_path_factory.mktemp("green"), {"one": ASSERT})
    return emulator.run("ci.yml", **pull_request(), secrets={"PYPI": "hunter2"})


def test_all_green(green: Told) -> None:
    assert green.results == GREEN, green.log
    assert green.result == "success"
    assert summary(green)["green"]
    assert Counter(summary(green)["outcomes"])["passed"] == summary(green)["planned"] == 4
    assert "2 shards ran, 0 cases are reused" in green["gate"].summary
    assert "no runner for cuda: GPU cases are absent" in green["models / plan"].summary
    assert green["models / report"].summary


def test_the_report_holds_the_plan_against_what_came_of_it(green: Told) -> None:
    log = green["models / report"].log
    assert "actual / predicted" in log
    assert "no division could take less than" in log


def test_every_shard_has_an_artifact_and_the_report_one(green: Told) -> None:
    names = [f"coverage-summary{rest}" for rest in ("", "-plan-1", "-records-0-1", "-records-1-1", ".html")]
    assert list(green.artifacts) == names
    files = {path.name for path in green.artifact("coverage-summary").iterdir()}
    assert files >= {"summary.md", "index.html", "junit.xml", "ctrf.json", "badge.json", "coverage-summary.json"}
    runs = {json.loads(line)["run"] for name in names[2:4] for path in green.artifact(name).iterdir()
            for line in path.read_text().splitlines()[:1]}  # fmt: skip
    assert len(runs) == 1


def test_the_dashboard_is_there_as_a_page_too(green: Told) -> None:
    """Unzipped, so that a browser opens it."""
    (page,) = green.artifact("coverage-summary.html").iterdir()
    assert page.name == "coverage-summary.html"
    assert page.read_bytes() == (green.artifact("coverage-summary") / "index.html").read_bytes()


def test_no_job_of_ci_may_write_or_sees_a_secret(green: Told) -> None:
    assert {access for job in green.ran.values() for access in job.told["permissions"].values()} == {"read"}
    assert green["gate"].told["permissions"] == {}
    assert not [path for path in green.work.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()
                and path.name != "scenario.json"]  # fmt: skip


def test_the_pins_are_installed_unless_the_caller_says_otherwise(green: Told) -> None:
    (resolved,) = green.resolved
    (constraint,) = resolved.files["asked.txt"]
    assert constraint.startswith("--constraint /")
    assert constraint.endswith("/constraints.txt")
    # No test group: that is hfci's own.
    assert resolved.words[resolved.words.index("--group") + 1].endswith("/pyproject.toml:run")
    # The plan, two shards and the report have what the plan resolved.
    assert [call.words[4] for call in green.installed] == [".hfci/environment.txt"] * 4


def test_a_pull_request_that_takes_a_check_from_an_architecture_is_red(tmp_path: Path) -> None:
    emulator = project(tmp_path, {"one": ASSERT, "two": ASSERT})
    folder = emulator.repositories[OWNER]
    git(folder, "switch", "--quiet", "--create", "feature")
    place = folder / "generated" / "manifest.json"
    manifest = json.loads(place.read_text())
    cases = next(row for row in manifest["model_types"] if row["model_type"] == "two")["cases"]
    cases[0]["checks"].remove("forward_is_finite")
    place.write_text(json.dumps(manifest))
    git(folder, "commit", "--quiet", "--all", "--message", "Ask less")
    told = emulator.run("ci.yml", **pull_request(), cancel=[{"job": "models", "before": ""}])
    assert told.results[DRIFT] == "failure", told.log
    log = told[DRIFT].log
    assert "TwoSmoke" in log
    assert "1 losses, 1 not accepted" in log


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Emulator, Told]:
    second = "import os; assert os.environ['GITHUB_RUN_ATTEMPT'] == '2', 'one is not two'"
    emulator = project(tmp_path_factory.mktemp("broken"), {"two": second})
    return emulator, emulator.run("ci.yml", **pull_request())


def test_one_broken_model_makes_the_gate_red(broken: tuple[Emulator, Told]) -> None:
    _, told = broken
    red = dict.fromkeys(("models / smoke on small 1/1", "models / report", "gate"), "failure")
    assert told.results == {**GREEN, **red}, told.log
    assert [failure["case"] for failure in summary(told)["failures"]] == ["two/TwoSmoke/forward_is_finite[device=cpu]"]
    assert "hfci run two --check forward_is_finite --device cpu" in plain(told["models / report"].summary)
    errors = [
        note["message"] for note in told["models / report"].step("hfci report").annotations if note["level"] == "error"
    ]
    assert any("one is not two" in message for message in errors)


def test_to_run_failed_jobs_again_repeats_the_same_shards(broken: tuple[Emulator, Told]) -> None:
    emulator, first = broken
    keep = {name: job.told for name, job in first.jobs.items() if job.result == "success"}
    told = emulator.run("ci.yml", **pull_request(), attempt=2, keep=keep)
    assert told.results == GREEN, told.log
    assert told["models / plan"].told["kept"]
    assert told["models / functional on small 1/1"].told["kept"]
    names = [
        f"coverage-summary{rest}" for rest in ("", "-plan-1", "-records-0-1", "-records-0-2", "-records-1-1", ".html")
    ]
    assert list(told.artifacts) == names
    assert summary(told)["unsteady"] == ["two/TwoSmoke/forward_is_finite[device=cpu]"]


def test_a_cancelled_shard_makes_the_gate_red(tmp_path: Path) -> None:
    emulator = project(tmp_path, {"one": ASSERT})
    told = emulator.run("ci.yml", **pull_request(), cancel=[{"job": "functional on", "before": "hfci run"}])
    assert told["models / functional on small 1/1"].result == "cancelled"
    assert told["models / report"].result == told["gate"].result == "failure"
    assert summary(told)["outcomes"]["not-run"] == 2
    assert summary(told)["outcomes"]["passed"] == 2


def test_a_session_that_fails_is_red(tmp_path: Path) -> None:
    emulator = project(tmp_path, {"one": ASSERT}, files={f"broken-{name}": "" for name in ("lint", "tests", *LATE)})
    told = emulator.run("ci.yml", event="merge_group", cancel=[{"job": "models", "before": ""}])
    sessions = ("lint", "hfci's own tests", DRIFT, "smoke on macOS")
    assert {name: told.results[name] for name in sessions} == dict.fromkeys(sessions, "failure"), told.log


def test_each_job_alone_makes_the_gate_red(green: Told, tmp_path: Path) -> None:
    """The jobs of a green run, but for one, and the gate anew."""
    emulator = project(tmp_path, {})
    keep = {name: one.told for name, one in green.jobs.items() if name != "gate"}
    jobs = ("lint", "hfci's own tests", DRIFT, "smoke on macOS", "models / plan")
    spoilt = [(job, "failure") for job in jobs] + [("lint", result) for result in ("cancelled", "skipped", "success")]
    for attempt, (job, result) in enumerate(spoilt, 2):
        kept = {**keep, job: {**keep[job], "result": result}}
        told = emulator.run("ci.yml", **pull_request(), attempt=attempt, keep=kept)
        assert told["gate"].result == ("success" if result == "success" else "failure"), (job, result)


def test_a_fork_has_neither_secrets_nor_a_gpu(tmp_path: Path) -> None:
    emulator = project(tmp_path, {"one": ASSERT}, runners=SMOKE + GPU)
    about = {"secrets": {"PYPI": "hunter2"}, "vars": {"HFCI_MODELS": "nothing-of-that-name"}}
    told = emulator.run("ci.yml", **pull_request(fork=True), **about)
    assert told.results == {name: result for name, result in GREEN.items() if "functional" not in name}, told.log
    assert {str(job.told["runs-on"]) for job in told.ran.values()} == {"ubuntu-24.04", "macos-15"}
    said = "runner accelerated: a fork's code runs on GitHub's standard CPU runners only"
    assert said in plain(told["models / plan"].summary)
    assert "hunter2" not in told.log


def test_the_same_from_a_branch_of_the_repository_has_a_gpu(tmp_path: Path) -> None:
    emulator = project(tmp_path, {"one": ASSERT}, runners=RUNNERS + GPU)
    cancel = [{"job": " on ", "before": ""}, {"job": "", "before": "nox"}]
    told = emulator.run("ci.yml", **pull_request(), cancel=cancel)
    assert told["models / smoke on accelerated 1/1"].told["runs-on"] == ["self-hosted", "gpu"]
    assert told["gate"].result == "failure"


def test_more_shards_wanted_than_a_matrix_may_have(tmp_path: Path) -> None:
    types = [f"m{number}" for number in range(400)]
    hours = {f"{name}/{name.title()}Smoke/{check}[device=cpu]": 3600.0 for name in types for check in CHECKS}
    runners = SMOKE.replace("workers = 1", "workers = 1\nshards = 1000")
    emulator = project(tmp_path, dict.fromkeys(types, ASSERT), runners=runners)
    data_branch(emulator, {"main/requirements.json": measured(hours)})
    # Each shard is cancelled before it does anything: what matters is how many there are, and what the gate says.
    told = emulator.run("ci.yml", **pull_request(), cancel=[{"job": "models / smoke on", "before": ""}])
    shards = [job for name, job in told.jobs.items() if name.startswith("models / smoke on")]
    assert 200 < len(shards) == int(told["models / plan"].outputs["shards"]) <= 256
    assert "shards were wanted; a run has at most 256" in told["models / plan"].summary
    assert told["gate"].result == "failure"
    assert summary(told)["outcomes"]["not-run"] == 800
