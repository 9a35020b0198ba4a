"""A plan, its shards run one by one, and a report of them all: real processes, small hand-written generated tests."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from hfci.commands.report import OUTPUTS

from .test_cli import CHECKS, generated, run

TYPES = ("one", "two", "three")
RUNNER = """
[tool.hfci.runners.small]
runs-on = "ubuntu-24.04"
device = "cpu"
memory = 8
workers = 1
tiers = ["smoke"]
shards = 4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make tests, a plan of two shards, and the records of both."""
    folder = tmp_path_factory.mktemp("shards")
    generated(folder / "generated", **dict.fromkeys(TYPES, "assert 1 + 1 == 2"))
    (folder / "pyproject.toml").write_text(RUNNER)
    names = (*TYPES, "layoutxlm", "rocket")
    done = run("plan", *names, "--shards", "2", "--runner", "small", cwd=folder)
    assert done.returncode == 0, done.stderr
    for shard in range(2):
        done = run("run", "--shard", f"plan.json:{shard}", "--workers", "1", "--results", f"out/{shard}", cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_shards_of_a_plan_are_one_run(folder: Path) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    assert len(plan["shards"]) == 2
    cases = []
    for index in range(2):
        (path,) = (folder / "out" / str(index)).iterdir()
        assert path.name == f"records-{plan['run']}-{index}.jsonl"
        head, *records = map(json.loads, path.read_text().splitlines())
        assert (head["run"], head["shard"], head["runner"]) == (plan["run"], index, "small")
        assert head["names"] == [*TYPES, "layoutxlm", "rocket"]
        cases += [record["case"] for record in records]
    assert len(cases) == len(set(cases)) == len(TYPES) * len(CHECKS) + 2


def test_a_shard_takes_no_names_beside_it(folder: Path) -> None:
    done = run("run", "one", "--check", "builds_tiny", "--shard", "plan.json:0", cwd=folder)
    assert done.returncode == 2
    assert "--shard says what to run, and so does one --check builds_tiny" in done.stderr


def test_a_shard_that_is_not_there(folder: Path) -> None:
    done = run("run", "--shard", "plan.json:2", cwd=folder)
    assert (done.returncode, done.stderr) == (2, "hfci: plan.json has 2 shards, 0 to 1; there is no shard 2\n")


REPORT = ("report", "out", "--plan", "plan.json", "--out", "report")


def test_a_report_of_all_shards_is_green_and_in_every_format(folder: Path) -> None:
    page = folder / "step.md"
    done = run(*REPORT, cwd=folder, GITHUB_STEP_SUMMARY=str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (folder / "report").iterdir()} == {output.usual for output in OUTPUTS}
    assert "Green: 9 of 11 cases executed" in done.stdout
    assert page.read_text() == (folder / "report" / "summary.md").read_text()
    assert json.loads((folder / "report" / "coverage-summary.json").read_text())["green"] is True


@pytest.mark.parametrize("lost", [0, 1])
def test_without_one_shard_it_is_red_and_its_cases_have_not_run(folder: Path, lost: int, tmp_path: Path) -> None:
    shard = json.loads((folder / "plan.json").read_text())["shards"][lost]
    cases = sum(len(group["checks"]) for group in shard["groups"]) + len(shard["untested"])
    done = run("report", f"out/{1 - lost}", "--plan", "plan.json", "--json", cwd=folder)
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert summary["outcomes"]["not-run"] == cases
    assert {failure["outcome"] for failure in summary["failures"]} == {"not-run"}
    assert all(f"shard {lost} of 2 (small) left no records" in failure["error"] for failure in summary["failures"])
    nothing = run("report", str(tmp_path), "--plan", "plan.json", "--json", cwd=folder)
    assert nothing.returncode == 1
    assert json.loads(nothing.stdout)["outcomes"]["not-run"] == 11


def test_a_broken_model_is_what_the_first_lines_name(folder: Path) -> None:
    file = folder / "generated" / "text" / "test_two.py"
    good = file.read_text()
    file.write_text(good.replace("assert 1 + 1 == 2", "assert 1 + 1 == 3, 'two is <b>broken</b>'"))
    try:
        done = run("run", *TYPES, "--workers", "1", "--results", "bad", cwd=folder)
    finally:
        file.write_text(good)
    assert done.returncode == 1
    for results in ("out", "bad"):
        done = run("history", "add", results, "--history", "history.db", cwd=folder)
        assert done.returncode == 0, done.stderr
    given = ("--history", "history.db", "--baseline", "out", "--annotations", "--summary", "bad.md", "--requirements")
    done = run("report", "bad", *given, "needs.json", cwd=folder)
    assert done.returncode == 1
    verdict, rest = (folder / "bad.md").read_text().split("\n", 1)
    assert verdict.startswith("## Red: 1 newly failing; 1 failed, 9 of 9 cases executed")
    first = next(line for line in rest.splitlines() if line.startswith("| 1 | <code>"))
    for said in ("two/twoModel/forward_is_finite", "two is <b>broken</b>", "hfci run two --check forward_is_finite"):
        assert said in html.unescape(first.replace("<wbr>", ""))
    errors = [line for line in done.stdout.splitlines() if line.startswith("::error")]
    assert len(errors) == 1
    assert "file=" not in errors[0]
    assert "two/twoModel/forward_is_finite" in errors[0]
    assert set(json.loads((folder / "needs.json").read_text())["runners"]) == {"cpu"}
    shown = run("history", "show", "--json", "--history", "history.db", cwd=folder)
    trends = json.loads(shown.stdout)
    assert list(trends["streaks"]) == ["two/twoModel/forward_is_finite[device=cpu]"]
    assert [point["green"] for point in trends["points"]] == [True, False]
    said = run("history", "show", "two/twoModel/forward_is_finite[device=cpu]", "--history", "history.db", cwd=folder)
    assert "two is <b>broken</b>" in said.stdout


def test_a_baseline_that_is_nowhere(folder: Path) -> None:
    done = run("report", "out", "--baseline", "branch:main", cwd=folder)
    assert done.returncode == 2
    assert "for a run of a history, --history is needed" in done.stderr
    done = run("history", "show", "--history", "none.db", cwd=folder)
    assert done.returncode == 2
    assert "none.db" in done.stderr


def test_a_manifest_of_another_transformers_is_refused(folder: Path, tmp_path: Path) -> None:
    generated(tmp_path / "other", transformers="0.1")
    done = run("report", "out", "--manifest", str(tmp_path / "other" / "manifest.json"), cwd=folder)
    assert done.returncode == 2
    assert "is for transformers 0.1, the records are of" in done.stderr
