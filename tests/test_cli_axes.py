"""A case with a task, a dtype and a backend goes the whole way, from the manifest to its reproduce command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestCase, ManifestRow

from .test_cli import INSTALLED, records, run

TEST = """
import pytest

pytestmark = pytest.mark.hfci(model_type="rocket", architecture="RocketModel", family="text", tier="smoke")


@pytest.mark.parametrize("check", ["flies", "flies[dtype=bfloat16]", "flies[backend=eager,dtype=float16]"])
def test_invariant(check):
    assert check != "flies[dtype=bfloat16]", "too coarse"


@pytest.mark.parametrize("task", ["fill-mask", "token-classification"])
@pytest.mark.parametrize("dtype", ["float16"])
def test_answers(task, dtype):
    assert task and dtype
"""
ASKED = (
    "flies",
    "flies[dtype=bfloat16]",
    "flies[backend=eager,dtype=float16]",
    "answers[task=fill-mask,dtype=float16]",
    "answers[task=token-classification,dtype=float16]",
)
CASES = {
    "rocket/RocketModel/flies[device=cpu]",
    "rocket/RocketModel/flies[device=cpu,dtype=bfloat16]",
    "rocket/RocketModel/flies[device=cpu,backend=eager,dtype=float16]",
    "rocket/RocketModel/answers[task=fill-mask,device=cpu,dtype=float16]",
    "rocket/RocketModel/answers[task=token-classification,device=cpu,dtype=float16]",
}
RED = "rocket/RocketModel/flies[device=cpu,dtype=bfloat16]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tests and plan them onto two shards, and run both."""
    folder = tmp_path_factory.mktemp("axes")
    (folder / "generated" / "text").mkdir(parents=True)
    (folder / "generated" / "text" / "test_rocket.py").write_text(TEST)
    asked = (ManifestCase("RocketModel", "smoke", "text/test_rocket.py", ASKED),)
    architectures = (ManifestArchitecture("RocketModel", "text"),)
    row = ManifestRow("rocket", "generated", "RocketModel", architectures, asked)
    manifest = json.dumps(Manifest(INSTALLED, (row,)).to_json())
    (folder / "generated" / "manifest.json").write_text(manifest)
    assert run("plan", "--shards", "1", cwd=folder).returncode == 0
    done = run("run", "--shard", "plan.json:0", "--workers", "1", "--results", "out", cwd=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    return folder


def recorded(folder: Path) -> dict[str, dict[str, Any]]:
    return {record["case"]: record for record in records(folder)}


def test_the_plan_and_the_records_have_every_case(folder: Path) -> None:
    (shard,) = json.loads((folder / "plan.json").read_text())["shards"]
    assert [check for group in shard["groups"] for check in group["checks"]] == list(ASKED)
    found = recorded(folder / "out")
    assert found.keys() == CASES
    assert {case for case, record in found.items() if record["outcome"] != "passed"} == {RED}
    told = {(record["task"], record["backend"], record["dtype"]) for record in found.values()}
    assert (None, "eager", "float16") in told
    assert ("fill-mask", None, "float16") in told


def test_the_report_names_the_case_with_its_axes(folder: Path) -> None:
    done = run("report", "out", "--plan", "plan.json", "--json", cwd=folder)
    assert done.returncode == 1, done.stderr
    assert RED in done.stdout


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_reproduce_command_runs_exactly_its_case(folder: Path, tmp_path: Path, case: str) -> None:
    command = shlex.split(recorded(folder / "out")[case]["reproduce"])
    assert command[0] == "hfci"
    done = run(*command[1:], "--results", str(tmp_path / "out"), cwd=folder)
    assert done.returncode == (1 if case == RED else 0), done.stdout + done.stderr
    assert recorded(tmp_path / "out").keys() == {case}


def test_a_check_without_axes_means_all_of_them(folder: Path, tmp_path: Path) -> None:
    run("run", "rocket", "--check", "flies", "--results", str(tmp_path / "out"), cwd=folder)
    assert recorded(tmp_path / "out").keys() == {case for case in CASES if "/flies[" in case}


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("flies[dtype=float8]", "no check matches 'flies[dtype=float8]'"),
        ("flis", "Did you mean flies"),
    ],
)
def test_an_axis_that_no_case_has_is_wrong_use(folder: Path, check: str, said: str) -> None:
    done = run("run", "rocket", "--check", check, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr
