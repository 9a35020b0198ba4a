"""A plan, its shards run one by one, and a report of them all: real processes, small hand-written generated tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .test_cli import CHECKS, generated, run

TYPES = ("one", "two", "three")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make tests, a plan of two shards, and the records of both."""
    folder = tmp_path_factory.mktemp("shards")
    generated(folder / "generated", **dict.fromkeys(TYPES, "assert 1 + 1 == 2"))
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
