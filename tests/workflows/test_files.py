"""What holds for every workflow and action file, whatever it does. `nox -s lint` has the linters' opinion besides."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hfci.cli import COMMANDS
from tests.warm import COLD

from .support import ROOT

FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
ACTIONS = sorted((FOLDER / "actions").glob("*/action.yml"))
PINNED = re.compile(r"uses: [\w-]+/[\w.-]+(/[\w.-]+)*@[0-9a-f]{40} # v\d+(\.\d+)*$")

# The programs that a step may begin with, beside hfci and nox; each does one thing.
PROGRAMS = {"cp", "echo", "gh", "git", "install", "mkdir", "printf", "python", "python3", "rm", "test"}


def names(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def read(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(), yaml.BaseLoader)  # texts only: `on` stays a text


def steps(path: Path) -> Iterator[dict[str, Any]]:
    content = read(path)
    for job in content.get("jobs", {"": content.get("runs")}).values():
        yield from job.get("steps", ())


def commands() -> Iterator[tuple[str, str]]:
    for path in [*WORKFLOWS, *ACTIONS]:
        for step in steps(path):
            if "run" in step:
                yield names(path), step["run"]


def test_the_workflows_are_those_that_there_should_be() -> None:
    wanted = "ci comment compatibility integrations keep models nightly preflight release run update"
    assert [path.stem for path in WORKFLOWS] == wanted.split()
    assert [path.parent.name for path in ACTIONS] == ["comment", "data", "request", "setup", "update"]


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=names)
def test_no_expression_gets_into_a_command(path: Path) -> None:
    assert not [step["run"] for step in steps(path) if "${{" in step.get("run", "")]


@pytest.mark.parametrize(("path", "command"), list(commands()))
def test_a_step_is_one_command_that_a_person_can_paste(path: str, command: str) -> None:
    assert "\n" not in command.strip(), path
    assert not re.search(r"[|;`]|&&|\$\(", command), path
    program = command.split()[0]
    assert program in PROGRAMS | {"hfci", "nox"}, path
    if program == "hfci":
        assert command.split()[1] in COMMANDS, path


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=names)
def test_every_action_is_pinned_and_says_its_version(path: Path) -> None:
    for line in path.read_text().splitlines():
        if re.match(r"\s*(- )?uses:", line) and "$/" not in line:
            assert PINNED.search(line), line


def test_one_commit_of_each_action() -> None:
    text = "\n".join(path.read_text() for path in [*WORKFLOWS, *ACTIONS])
    pins = set(re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (\S+)", text))
    assert len({name for name, _, _ in pins}) == len(pins)


@pytest.mark.parametrize("path", WORKFLOWS, ids=names)
def test_nothing_is_granted_but_by_a_job(path: Path) -> None:
    content = read(path)
    assert content["permissions"] == {}
    assert "concurrency" in content or list(content["on"]) == ["workflow_call"]
    for name, job in content["jobs"].items():
        assert isinstance(job["permissions"], dict), name
        assert "timeout-minutes" in job or "uses" in job, name
        assert job.get("secrets") is None, name


def test_only_these_jobs_may_write() -> None:
    found = {
        (path.stem, name, permission)
        for path in WORKFLOWS
        for name, job in read(path)["jobs"].items()
        for permission, access in job["permissions"].items()
        if access == "write"
    }
    assert found == {
        ("comment", "comment", "pull-requests"),
        ("keep", "commit", "contents"),
        ("nightly", "keep-pinned", "contents"),
        ("nightly", "keep-newest", "contents"),
        ("nightly", "pages", "pages"),
        ("nightly", "pages", "id-token"),
        ("release", "publish", "id-token"),
        ("run", "answer", "pull-requests"),
        ("update", "pull-request", "actions"),
        ("update", "pull-request", "contents"),
        ("update", "pull-request", "pull-requests"),
    }


@pytest.mark.parametrize("path", WORKFLOWS, ids=names)
def test_no_checkout_keeps_a_credential(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


def test_what_one_artifact_is_is_asked_for_by_its_name() -> None:
    """Of a pattern only records are: they are read wherever they lie, and of two attempts both count."""
    downloads = [
        step["with"] for path in WORKFLOWS for step in steps(path) if "download-artifact@" in step.get("uses", "")
    ]
    patterns = [given["pattern"] for given in downloads if "pattern" in given]
    assert all(pattern.endswith("-records-*") for pattern in patterns)
    assert not [given for given in downloads if "merge-multiple" in given]
    assert all(("name" in given) != ("pattern" in given) for given in downloads)


def test_only_a_gate_runs_in_a_superseded_run() -> None:
    always = [
        (path.stem, name) for path in WORKFLOWS for name, job in read(path)["jobs"].items() if "always()" in str(job)
    ]
    assert always == [("ci", "gate")]


def test_no_workflow_runs_a_strangers_code_with_secrets() -> None:
    for path in WORKFLOWS:
        content = read(path)
        assert "pull_request_target" not in content["on"]
        if "workflow_run" in content["on"]:
            assert not [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
            assert "secrets." not in path.read_text()


def test_the_sessions_that_workflows_run_are_there() -> None:
    named = sorted({command.split()[2] for _, command in commands() if command.startswith("nox -s ")})
    assert named == ["catalog", "generate", "integrations", "lint", "smoke", "tests", "validate"]
    nox = [COLD, "-m", "nox", "--list-sessions", "--json", "--session", *named]
    done = subprocess.run(nox, cwd=ROOT, capture_output=True, text=True, check=True)
    assert {session["name"] for session in json.loads(done.stdout)} >= set(named)
