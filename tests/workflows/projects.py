"""A repository as hfci's own, with its workflows and actions as they are, and small tests written by hand."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path

from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestCase, ManifestRow

from .support import OWNER, ROOT, Emulator, git, repository, write

INSTALLED = importlib.metadata.version("transformers")
CHECKS = ("builds_tiny", "forward_is_finite")

TEST = """
import pytest
from hfci import checks
from hfci.tiny import build_tiny
pytestmark = pytest.mark.hfci(model_type="{name}", architecture="{architecture}", family="text", tier="{tier}")
@pytest.fixture(scope="module")
def tiny():
    return build_tiny("bert")
def test_builds_tiny(tiny):
    checks.builds_tiny(tiny)
def test_forward_is_finite(tiny):
    {second}
    checks.forward_is_finite(tiny)
"""

RUNNERS = """
[tool.hfci.runners.small]
runs-on = "ubuntu-24.04"
workers = 1
tiers = ["smoke", "functional"]
"""
SMOKE = RUNNERS.replace(', "functional"', "")

GPU = """
[tool.hfci.runners.accelerated]
runs-on = ["self-hosted", "gpu"]
device = "cuda"
tiers = ["smoke"]
"""

# The sessions that ci runs, as short as can be: what they do in this repository, it tests elsewhere.
SESSIONS = """
import pathlib
import nox

def session(name):
    @nox.session(name=name, venv_backend="none")
    def run(session):
        session.run("test", "!", "-e", f"broken-{name}", external=True)

for name in ("lint", "tests", "generate", "validate", "smoke"):
    session(name)

@nox.session(venv_backend="none")
def catalog(session):
    session.run("python", "-m", "hfci", "catalog", *session.posargs, external=True)
"""

ASSERT = "assert 2 + 2 == 4"

# What is cancelled where of ci.yml the models alone matter; the gate is red then.
ONLY_MODELS = [{"job": "", "before": "nox"}]


def generated(tests: Mapping[str, str], *, tiers: tuple[str, ...] = ("smoke", "functional")) -> dict[str, str]:
    """Return the files of generated tests: of each model type its second smoke test is given; another tier's holds."""
    files, rows = {}, []
    for name, second in tests.items():
        cases = []
        for tier in tiers:
            file, architecture = f"text/test_{name}_{tier}.py", f"{name.title()}{tier.title()}"
            body = second if tier == tiers[0] else ASSERT
            files[f"generated/{file}"] = TEST.format(name=name, architecture=architecture, tier=tier, second=body)
            cases.append(ManifestCase(architecture, tier, file, CHECKS))
        architectures = tuple(ManifestArchitecture(case.architecture, "text") for case in cases)
        rows.append(ManifestRow(name, "generated", cases[0].architecture, architectures, tuple(cases)))
    manifest = json.dumps(Manifest(INSTALLED, tuple(rows)).to_json())
    return {**files, "generated/manifest.json": manifest}


def project(
    folder: Path, tests: Mapping[str, str], *, runners: str = RUNNERS, files: Mapping[str, str] | None = None
) -> Emulator:
    """Return a place to run workflows in, with one repository: hfci's `.github` and these generated tests."""
    contents = {
        "pyproject.toml": runners,
        "constraints.txt": f"transformers=={INSTALLED}\n",
        "noxfile.py": SESSIONS,
        ".gitignore": ".hfci/\n__pycache__/\n",
        **generated(tests),
        **(files or {}),
    }
    repository(folder / "hfci", contents, trees={".github": ROOT / ".github"})
    return Emulator(folder, {OWNER: folder / "hfci"})


def data_branch(emulator: Emulator, files: Mapping[str, str]) -> None:
    """Make the data branch with files."""
    folder = emulator.repositories[OWNER]
    git(folder, "switch", "--quiet", "--orphan", "hfci-data")
    write(folder, files)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "data")
    git(folder, "switch", "--quiet", "main")


# What every event says, but that of a schedule.
OF_REPOSITORY = {"repository": {"default_branch": "main"}}


def by_hand(**inputs: object) -> dict[str, object]:
    """Return the event of somebody who starts a workflow."""
    return {"event": "workflow_dispatch", "payload": OF_REPOSITORY, "inputs": inputs}


def pull_request(*, fork: bool = False, branch: str = "feature", title: str = "A change") -> dict[str, object]:
    """Return the event of a pull request, and what else the emulator wants to know of it."""
    head = {"ref": branch, "repo": {"full_name": "stranger/hfci" if fork else OWNER}}
    payload = {**OF_REPOSITORY, "pull_request": {"number": 5, "title": title, "head": head, "base": {"ref": "main"}}}
    about = {"event": "pull_request", "payload": payload, "fork": fork, "ref": "refs/pull/5/merge"}
    return {**about, "head_ref": branch, "base_ref": "main"}


def measured(seconds: Mapping[str, float], runner: str = "small") -> str:
    """Return a file of requirements: the seconds of cases, by ID, on one kind of runner."""
    cases = {case: [[value, None]] for case, value in seconds.items()}
    return json.dumps({"schema": 1, "runners": {runner: {"runs": ["earlier:0:1"], "cases": cases}}})
