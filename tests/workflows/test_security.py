"""Texts of strangers: names of branches, titles, patterns, what tests print, artifacts. None of it does anything."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from .projects import ASSERT, ONLY_MODELS, SMOKE, generated, project, pull_request
from .support import Emulator, Told

# Each tries to make a file `pwned` somewhere, to speak to the runner, or to become markup.
HOSTILE = (
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "x && touch pwned | touch pwned > pwned",
    "\ntouch pwned\n",
    "x\n::set-output name=shards::0\n::error::pwned-annotation",
    "x\r::set-output name=matrix::{}",
    "##[set-output name=shards;]0",
    "shards=0\nmatrix<<EOF\n{}\nEOF\n",
    "../../../pwned",
    "<img src=x onerror=alert(1)> @somebody #1 [pwned](https://pwned.example)",
    "${{ secrets.KEY }}",
    "--out=pwned",
    "\u202epwned\u2066",
)
ALL = " ".join(HOSTILE)

OF_PLAN = {"matrix", "shards", "reused", "run"}
OF_SETUP = {"key", "cache", "asked", "beside", "environment", "hfci"}
OF_ACTIONS = {"python-version", "cache-hit", "ref", "commit", "download-path", "tree", *OF_SETUP}


def untouched(told: Told) -> None:
    """Nothing was executed or written where it should not be, and nobody spoke to the runner but hfci."""
    assert not list(told.work.parent.rglob("*pwned*"))
    for job in told.jobs.values():
        for step in job.steps:
            assert set(step.outputs) <= (OF_PLAN if step.title.startswith("hfci plan") else OF_ACTIONS), step.title
            assert not [note for note in step.annotations if note["message"].startswith("pwned")], step.title


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The pull request of a fork in which every text is hostile, that of a failing test too."""
    failing = f"text = {ALL!r}; print(text); raise AssertionError(text)"
    emulator = project(tmp_path_factory.mktemp("strange"), {"one": failing}, runners=SMOKE)
    about = pull_request(fork=True, branch=ALL, title=ALL)
    return emulator.run("ci.yml", **about, secrets={"KEY": "hunter2"}, cancel=ONLY_MODELS)


def test_the_texts_of_a_pull_request_are_inert(strange: Told) -> None:
    assert strange["models / plan"].result == "success", strange.log
    assert strange["models / smoke on small 1/1"].result == strange["models / report"].result == "failure"
    untouched(strange)
    assert strange["models / plan"].outputs["shards"] == "1"
    assert "hunter2" not in strange.log


def test_the_pages_that_show_them_show_text(strange: Told) -> None:
    folder = strange.artifact("coverage-summary")
    for page in ("summary.md", "index.html"):
        text = (folder / page).read_text()
        assert "<img src=x" not in text, page
    assert "](https://pwned.example)" not in (folder / "summary.md").read_text()
    head = json.loads(next(strange.artifact("coverage-summary-records-0-1").iterdir()).read_text().splitlines()[0])
    assert "touch pwned" in head["branch"]  # it was there, as text
    assert "touch pwned" in html.unescape((folder / "summary.md").read_text())


RED_PLAN = {"hfci / plan": "failure", **dict.fromkeys(("hfci / render", "hfci / cases", "hfci / report"), "skipped")}

WHERE = ".github/workflows/caller.yml"
CALLER = """
on: push
permissions: {}
jobs:
  hfci:
    permissions: {contents: read}
    uses: $/.github/workflows/models.yml
    with: {generated: generated, models: "${{ vars.HFCI_MODELS }}", runners: "${{ vars.RUNNERS }}", artifact: %s}
"""


def calling(folder: Path, artifact: str = "coverage-summary", files: dict[str, str] | None = None) -> Emulator:
    """Return a repository that calls models.yml, and does nothing else."""
    workflow = {WHERE: CALLER % json.dumps(artifact)}
    return project(folder, {"one": ASSERT}, runners=SMOKE, files={**workflow, **(files or {})})


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_pattern_of_models_is_words_and_nothing_else(tmp_path: Path, pattern: str) -> None:
    told = calling(tmp_path).run("caller.yml", vars={"HFCI_MODELS": f"one {pattern}"})
    assert told.results == RED_PLAN
    step = told["hfci / plan"].step("hfci plan")
    assert (step.outcome, step.outputs) == ("failure", {})
    assert "matches" in told.log
    untouched(told)


def test_a_pattern_meets_no_file_of_the_checkout(tmp_path: Path) -> None:
    emulator = calling(tmp_path, files={"one.txt": "", "--out=x": ""})
    told = emulator.run("caller.yml", vars={"HFCI_MODELS": "on*"}, cancel=[{"job": "smoke on", "before": ""}])
    assert told["hfci / plan"].result == "success", told.log
    plan = json.loads((told.artifact("coverage-summary-plan-1") / "plan.json").read_text())
    assert plan["names"] == ["on*"]
    assert len(plan["shards"]) == 1


def test_the_labels_of_a_table_of_runners_are_text(tmp_path: Path) -> None:
    """As labels may be, which their owner chooses."""
    labels = ", ".join(map(json.dumps, HOSTILE))
    table = f"[tool.hfci.runners.mine]\nruns-on = [{labels}]\nworkers = 1"
    alone = [{"job": "smoke on", "before": ""}, {"job": "functional on", "before": ""}, {"job": "report", "before": ""}]
    emulator = project(tmp_path, {"one": ASSERT}, runners="", files={WHERE: CALLER % "a"})
    told = emulator.run("caller.yml", vars={"RUNNERS": table}, cancel=alone)
    assert told["hfci / plan"].result == "success", told.log
    assert told["hfci / smoke on mine 1/1"].told["runs-on"] == list(HOSTILE)
    untouched(told)
    assert "<img" not in told["hfci / plan"].summary
    assert "\u202e" not in told["hfci / plan"].summary


@pytest.mark.parametrize("row", ["name", "container", "index", "concurrency", "packages", "unknown"])
def test_what_is_no_table_of_runners_is_refused_and_does_nothing(tmp_path: Path, row: str) -> None:
    text = json.dumps(ALL)
    name = text if row == "name" else "x"
    said = {"packages": f"packages = [{text}]", "unknown": f"{text} = 1", "name": ""}.get(row, f"{row} = {text}")
    table = f"[tool.hfci.runners.{name}]\nruns-on = 'x'\n{said}"
    told = calling(tmp_path).run("caller.yml", vars={"RUNNERS": table})
    assert told.results == RED_PLAN
    assert "[tool.hfci]" in told.log
    untouched(told)


def test_the_names_of_a_manifest_are_text(tmp_path: Path) -> None:
    """A pull request may change it: of a model type, of a family."""
    manifest = json.loads(generated({"one": ASSERT}, tiers=("smoke",))["generated/manifest.json"])
    (row,) = manifest["model_types"]
    row["model_type"] = row["architectures"][0]["family"] = ALL
    emulator = calling(tmp_path, files={"generated/manifest.json": json.dumps(manifest)})
    told = emulator.run("caller.yml", cancel=[{"job": "smoke on", "before": ""}])
    assert told["hfci / plan"].result == "success", told.log
    untouched(told)
    pages = "".join(job.summary for job in told.jobs.values())
    assert "touch pwned" in html.unescape(pages)
    assert not [sign for sign in ("<img", "](https://pwned", "\u202e") if sign in pages]


@pytest.mark.parametrize("name", ["../../pwned", "a/pwned", "pwned\n::error::pwned", "pwned:$(touch pwned)"])
def test_the_name_of_an_artifact_leads_nowhere(tmp_path: Path, name: str) -> None:
    told = calling(tmp_path, name).run("caller.yml")
    assert told.results == RED_PLAN
    assert "The artifact name is not valid" in told.log
    assert told.artifacts == ()
    untouched(told)
