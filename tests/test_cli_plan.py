"""Planning as a user meets it: real processes, which must not import torch, transformers or pytest."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hfci.cases.records import Record
from hfci.checks import table
from hfci.planning.estimates import START_UP
from hfci.planning.plan import SCHEMA_FILE, load_plan
from hfci.planning.popularity import Popularity, Use
from hfci.planning.requirements import Need, Requirements, RunnerNeeds
from tests.warm import COLD

from .planning.test_github import parse
from .results.support import save
from .test_cli import CHECKS, INSTALLED, generated

ROOT = Path(__file__).parent.parent
TYPES = ("one", "two", "three")
# Those of two model types in the smoke tier.
CASES = 2 * sum(check.is_of("smoke", "base") for check in table.CHECKS.values())

# The command in a process that tells if it has imported what planning must do without.
WITHOUT = """
import sys
from hfci.cli import main
code = main(sys.argv[1:])
imported = {"torch", "transformers", "pytest"}.intersection(sys.modules)
sys.exit(f"imported {imported}" if imported else code)
"""
RUNNERS = """
[tool.hfci.runners.cpu]
runs-on = "ubuntu-24.04"
[tool.hfci.runners.gpu]
runs-on = ["self-hosted", "gpu"]
device = "cuda"
tiers = ["smoke"]
shards = 1
"""


def plan(*arguments: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PYTEST_"))}
    return subprocess.run(
        [COLD, "-c", WITHOUT, "plan", *arguments],
        cwd=cwd,
        env={**kept, **extra},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generated(tmp_path / "generated", **dict.fromkeys(TYPES, "pass"))
    return tmp_path


def planned(folder: Path) -> set[str]:
    return {case.model_type for shard in load_plan(folder / "plan.json").shards for case in shard.cases}


def test_a_plan_is_written_shown_and_printed_as_json(folder: Path) -> None:
    done = plan("one", "two", "rocket", "--shards", "2", cwd=folder)
    assert done.returncode == 0, done.stderr
    written = load_plan(folder / "plan.json")
    assert [(shard.runner, shard.runs_on, shard.workers) for shard in written.shards] == [
        ("cpu", "ubuntu-24.04", 4)
    ] * 2
    assert "smoke on cpu 1/2" in done.stdout
    whole = f"{START_UP + 0.4:.1f} s"
    told = f"2 shards, predicted to take {whole}; no division could take less than {whole}, {START_UP:.1f} s of it"
    assert told in done.stdout
    assert "Absent: no runner for cuda: GPU cases are absent." in done.stdout
    assert f"run {written.run}: plan.json" in done.stdout
    done = plan("--json", "--out", "deep/p.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((folder / "deep" / "p.json").read_text())
    jsonschema.validate(json.loads(done.stdout), json.loads(SCHEMA_FILE.read_text()))


def test_runners_are_those_of_the_configuration(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(RUNNERS)
    assert plan(cwd=folder).returncode == 0
    shards = load_plan(folder / "plan.json").shards
    assert {(shard.runner, shard.device) for shard in shards} == {("cpu", "cpu"), ("gpu", "cuda")}
    assert plan("--runner", "gpu", cwd=folder).returncode == 0
    assert {shard.runner for shard in load_plan(folder / "plan.json").shards} == {"gpu"}
    done = plan("--fork", cwd=folder)
    assert done.returncode == 0
    assert {shard.runner for shard in load_plan(folder / "plan.json").shards} == {"cpu"}
    assert "Absent: runner gpu: a fork's code runs on GitHub's standard CPU runners only." in done.stdout


def test_github_gets_outputs_and_a_page(folder: Path) -> None:
    (folder / "output").write_text("before=1\n")
    files = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    done = plan("--shards", "2", "--github", cwd=folder, **files)
    assert done.returncode == 0, done.stderr
    found = parse((folder / "output").read_text())
    written = load_plan(folder / "plan.json")
    matrix = json.loads(found.pop("matrix"))
    assert [job["name"] for job in matrix["include"]] == ["smoke on cpu 1/2", "smoke on cpu 2/2"]
    assert found == {"before": "1", "shards": "2", "reused": "0", "run": written.run}
    page = (folder / "summary").read_text()
    assert page.count("| <code>smoke on cpu ") == 2
    assert "GPU cases are absent" in page
    assert plan("--github", cwd=folder, GITHUB_OUTPUT=files["GITHUB_OUTPUT"]).returncode == 0


def test_a_budget_is_spent_on_what_is_used_most(folder: Path) -> None:
    needs = {f"{name}/{name}Model/{check}[device=cpu]": [Need(2.0)] for name in TYPES for check in CHECKS}
    Requirements(runners={"cpu": RunnerNeeds([], needs)}).write(folder / "needs.json")
    Popularity(fetched="2026-01-01", model_types={"three": Use(3, 0, 1), "one": Use(1, 0, 1)}).write(
        folder / "use.json"
    )
    (folder / "pyproject.toml").write_text('[tool.hfci.runners.cpu]\nruns-on = "x"\nworkers = 1\nshards = 1\n')
    files = ["--requirements", "needs.json", "--popularity", "use.json", "--tier", "smoke"]
    done = plan(*files, "--budget", f"{START_UP + 13}s", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert planned(folder) == {"three", "one"}
    budget = f"Left out for want of time ({START_UP + 13:.1f} s)"
    assert f"{budget}, smoke on cpu: 3 cases, 6.0 s in one worker: two." in done.stdout
    assert load_plan(folder / "plan.json").predicted_s == START_UP + 12


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--budget", "soon"], 2, "a time is such as 90s, 10m or 1h30m, and more than nothing, not 'soon'"),
        (["--runner", "cup"], 2, "no runner 'cup' is configured: [tool.hfci.runners] has cpu. Did you mean cpu?"),
        (["--shards", "0"], 2, "a plan has at least one shard, not 0"),
        (["on"], 2, "no model type or architecture matches 'on'. Did you mean one"),
        (["--tier", "some"], 2, "invalid choice: 'some'"),
        (["--github"], 2, "--github appends to the file that GITHUB_OUTPUT names, and it is not set"),
        (
            ["--explain", "one"],
            2,
            "--explain says why something is selected or not since a run or a revision: add --since",
        ),
        (["--explain", "on", "--since", "."], 2, "no model type 'on' in the manifest. Did you mean one"),
        (
            ["--popularity", "none.json"],
            2,
            "cannot read the file of popularity none.json: No such file or directory; `hfci catalog",
        ),
        (["--generated", "none"], 2, "cannot read the manifest none/manifest.json"),
        (["--actual", "."], 2, "cannot read the plan plan.json"),
        (["--budget", "1s"], 3, f"no case can run: {START_UP:g} s are needed to start, and then there is no time"),
        (["--tier", "deep", "one"], 3, "no case was selected"),
        (["--audit", "."], 3, "no record in . has a fingerprint: there is nothing that selection could leave out"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, arguments: list[str], code: int, said: str) -> None:
    done = plan(*arguments, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "plan.json").exists()


def test_wrong_configuration_names_the_file_and_the_key(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.hfci.runners.cpu]\nruns-on = "x"\nshard = 3\n')
    done = plan(cwd=folder)
    assert done.returncode == 2
    assert f"{folder / 'pyproject.toml'}: [tool.hfci]: runners.cpu: unknown key 'shard'. " in done.stderr
    assert done.stderr.endswith("Did you mean shards?\n")


def test_predicted_and_actual_stand_side_by_side(folder: Path) -> None:
    assert plan("--tier", "smoke", "--shards", "2", cwd=folder).returncode == 0
    made = load_plan(folder / "plan.json")
    records = [
        Record.of(case, "passed", duration_s=1.5, worker=f"gw{number % 2}")
        for number, case in enumerate(made.shards[0].cases)
    ]
    save(folder / "results", made.run, *records, shard=0)
    done = plan("--actual", "results", cwd=folder)
    assert done.returncode == 0, done.stderr
    seconds = 1.5 * -(-len(records) // 2)
    assert f"{START_UP + seconds:.1f} s" in done.stdout
    assert "no records" in done.stdout
    data = json.loads(plan("--actual", "results", "--json", cwd=folder).stdout)
    assert [one["actual_s"] for one in data] == [START_UP + seconds, None]
    other = plan("one", cwd=folder)
    assert other.returncode == 0
    assert plan("--actual", "results", cwd=folder).returncode == 3


# Reuse, on the tests of this repository: their fingerprints are real.


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a plan of bert, since nothing: with its fingerprints."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "nothing").mkdir()
    (folder / "generated").symlink_to(ROOT / "generated")
    if json.loads((folder / "generated" / "manifest.json").read_text())["transformers"] != INSTALLED:
        pytest.skip(f"generated/ is not for transformers {INSTALLED}")
    done = plan("bert", "vit", "--tier", "smoke", "--since", "nothing", "--out", "first.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def recorded(folder: Path, name: str, run: str, started: str, **outcomes: str) -> None:
    """Write records of the first plan, whose cases pass or end as `outcomes` says by check."""
    shards = load_plan(folder / "first.json").shards
    known = {case: found for shard in shards for case, found in shard.fingerprints.items()}
    assert known
    records: list[Any] = []
    for case in (case for shard in shards for case in shard.cases):
        outcome = outcomes.get(case.check or "", "passed") if case.model_type == "bert" else "passed"
        records.append(Record.of(case, outcome, fingerprint=known[case.id]))
    save(folder / name, run, *records, started=started)


def test_what_was_green_is_reused_and_all_of_it_is_no_shard(checkout: Path) -> None:
    recorded(checkout, "green", "r0", "2026-01-01T00:00:00+00:00")
    files = {"GITHUB_OUTPUT": str(checkout / "output"), "GITHUB_STEP_SUMMARY": str(checkout / "summary")}
    done = plan("bert", "vit", "--tier", "smoke", "--since", "green", "--github", cwd=checkout, **files)
    assert done.returncode == 0, done.stderr
    assert "No shard: every case is reused." in done.stdout
    found = parse((checkout / "output").read_text())
    assert (found["shards"], found["reused"], found["matrix"]) == ("0", str(CASES), '{"include":[]}')
    assert f"{CASES} cases, green on the same fingerprint in <code>r0</code>" in (checkout / "summary").read_text()


def test_what_was_red_is_planned_and_explained(checkout: Path) -> None:
    recorded(checkout, "red", "r0", "2026-01-01T00:00:00+00:00", save_load_roundtrip="failed")
    done = plan("bert", "vit", "--tier", "smoke", "--since", "red", cwd=checkout)
    assert done.returncode == 0, done.stderr
    made = load_plan(checkout / "plan.json")
    assert [case.id for shard in made.shards for case in shard.cases] == [
        "bert/BertModel/save_load_roundtrip[device=cpu]"
    ]
    assert sum(batch.count for batch in made.reused) == CASES - 1
    done = plan(
        "bert", "vit", "--tier", "smoke", "--since", "red", "--explain", "bert", "--explain", "vit", cwd=checkout
    )
    assert done.returncode == 0, done.stderr
    others, selected, vit = done.stdout.splitlines()
    why = "selected; bert/BertModel/save_load_roundtrip[device=cpu] was failed in run r0"
    assert selected.startswith(f"bert (BertModel: save_load_roundtrip): {why}")
    assert others.startswith(
        "bert (BertModel: builds_tiny, forward_is_finite, forward_is_deterministic, batch_is_indep"
    )
    assert ": not selected; " in others
    assert vit.startswith("vit: not selected")


def test_an_audit_finds_what_selection_would_have_left_out(checkout: Path) -> None:
    recorded(checkout, "past", "r0", "2026-01-01T00:00:00+00:00")
    done = plan("--audit", "past", cwd=checkout)
    assert (done.returncode, done.stdout) == (
        0,
        f"0 failures that selection would have left out, in {CASES} records of 1 runs\n",
    )
    recorded(checkout, "past", "r1", "2026-01-02T00:00:00+00:00", save_load_roundtrip="failed")
    done = plan("--audit", "past", cwd=checkout)
    assert done.returncode == 1
    assert "bert/BertModel/save_load_roundtrip[device=cpu]: failed in r1, green in r0" in done.stdout
    data = json.loads(plan("--audit", "past", "--json", cwd=checkout).stdout)
    assert (data["runs"], data["records"], len(data["missed"])) == (2, 2 * CASES, 1)
