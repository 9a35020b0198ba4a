"""Running workflows: repositories made for a test, the emulator, and what is told of the run.

What is real: every `run:` of every step and of every composite action of ours, by bash, with the files through which a
step speaks to the runner; expressions, by GitHub's own evaluator; git. What is emulated: the actions that
emulator/actions.mjs lists, and the environment, which is the running interpreter's: see machine/installers.py.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.warm import COLD, interpreter

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EMULATOR = HERE / "emulator"
OWNER = "example/hfci"
ENVIRONMENT = {"LANG": "C.UTF-8", "HF_HUB_OFFLINE": "1"}

# The machine's own Python, and that of an environment: whatever installs something is emulated, see machine/. The
# machine has neither hfci nor nox, an environment what was installed there.
PYTHON = """#!/bin/sh
here=$(dirname "$0")
case "$1 $2 $3" in
  "-P -m venv"|"-P -m pip"|"-P -m uv")
    shift 2
    SHIMS="{shims}" exec "{python}" "{machine}/installers.py" "$here" "$@";;
esac
if [ -f "$here/without" ]; then
  export HIDDEN="$(cat "$here/without")" PYTHONPATH="{machine}${PYTHONPATH:+:$PYTHONPATH}"
fi
case "$1 $2 $3" in
  "-m hfci run"|"-m hfci generate"|"-m hfci catalog") exec "{warm}" "$@";;
esac
exec "{python}" "$@"
"""
PROGRAM = '#!/bin/sh\nexec "$(dirname "$0")/python" -m {program} "$@"\n'
SHIMS = {
    "machine/python": PYTHON,
    "environment/python": PYTHON,
    "environment/hfci": PROGRAM.replace("{program}", "hfci"),
    "environment/nox": PROGRAM.replace("{program}", "nox"),
}


def fill(text: str, **values: object) -> str:
    """Return the text with each `{name}` replaced by its value."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def node(name: str = "node") -> str:
    """Return the path of node, or of npm: that of the environment before any other."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(COLD).parent), os.environ["PATH"]]))
    assert found, f"{name} is not there: the emulator of workflows needs Node.js 20 or newer"
    return found


@functools.cache
def installed() -> None:
    """Install the emulator's two packages, as its lock file says, if they are not there."""
    with (EMULATOR / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # there may be several workers
        if not (EMULATOR / "node_modules" / ".package-lock.json").is_file():
            npm = [node("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(npm, cwd=EMULATOR, check=True, capture_output=True, timeout=300)


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` and return what it says."""
    settings = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *settings, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below `folder`."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def repository(folder: Path, files: Mapping[str, str], *, trees: Mapping[str, Path] | None = None) -> str:
    """Make a git repository of files, and of whole folders; return its commit."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, tree in (trees or {}).items():
        shutil.copytree(tree, folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    write(folder, files)
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
        git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "test")
    return git(folder, "rev-parse", "HEAD")


@dataclass(frozen=True)
class Step:
    """One step of a job: how it ended, and all that it said."""

    title: str
    outcome: str
    conclusion: str
    outputs: dict[str, str]
    summary: str
    annotations: list[dict[str, Any]]
    log: list[str]


@dataclass(frozen=True)
class JobResult:
    """One job: `name` is the path that GitHub shows, `models / smoke on cpu 1/2`."""

    name: str
    id: str
    result: str
    outputs: dict[str, str]
    steps: tuple[Step, ...]
    told: dict[str, Any]

    @property
    def log(self) -> str:
        """All that its steps printed."""
        return "\n".join(line for step in self.steps for line in step.log)

    @property
    def summary(self) -> str:
        """All that its steps wrote to their summaries."""
        return "".join(step.summary for step in self.steps)

    def step(self, title: str) -> Step:
        """Return the one step whose title begins with `title`."""
        (found,) = [step for step in self.steps if step.title.startswith(title)]
        return found


@dataclass(frozen=True)
class Call:
    """What pip or uv was asked: its words, the lines of the files of requirements among them, its variables."""

    tool: str
    words: list[str]
    files: dict[str, list[str]]
    sources: dict[str, str]


@dataclass(frozen=True)
class Told:
    """What came of a run of a workflow."""

    result: str
    error: str | None
    jobs: dict[str, JobResult]
    artifacts: tuple[str, ...]
    work: Path
    raw: dict[str, Any]

    def __getitem__(self, name: str) -> JobResult:
        """Return the job of that name."""
        return self.jobs[name]

    @property
    def results(self) -> dict[str, str]:
        """How each job ended, by name."""
        return {name: job.result for name, job in self.jobs.items()}

    @property
    def ran(self) -> dict[str, JobResult]:
        """The jobs that were not skipped, by name."""
        return {name: job for name, job in self.jobs.items() if job.result != "skipped"}

    @property
    def log(self) -> str:
        """All that was printed."""
        return "\n".join(job.log for job in self.jobs.values())

    def artifact(self, name: str) -> Path:
        """Return the folder of an artifact."""
        assert name in self.artifacts, self.artifacts
        return self.work / "artifacts" / name

    @property
    def calls(self) -> list[Call]:
        """What pip and uv were asked, in the order of the calls."""
        notes = self.work / "installed.jsonl"
        return [Call(**json.loads(line)) for line in notes.read_text().splitlines()] if notes.exists() else []

    @property
    def resolved(self) -> list[Call]:
        """The calls that resolve what is asked for."""
        return [call for call in self.calls if call.words[:2] == ["pip", "compile"]]

    @property
    def installed(self) -> list[Call]:
        """The calls that install hfci."""
        return [call for call in self.calls if call.words[:2] == ["pip", "install"] and call.words[-1] != "nox"]


@dataclass
class Emulator:
    """A place to run workflows in, with repositories by their names; `environment` is what machines have set beside."""

    folder: Path
    repositories: dict[str, Path] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, workflow: str, *, name: str = "run", on: str = OWNER, **scenario: Any) -> Told:
        """Run a workflow of the repository `on`; `scenario` is as emulator/emulate.mjs says."""
        installed()
        work = self.folder / name
        work.mkdir(parents=True, exist_ok=True)
        environment = {**ENVIRONMENT, **self.environment, "NOTES": str(work / "installed.jsonl")}
        environment["GITHUB_SERVER_URL"] = f"file://{self.server()}"
        scenario = {
            "repositories": {name: str(path) for name, path in self.repositories.items()},
            "repository": on,
            "sha": scenario["sha"] if "sha" in scenario else git(self.repositories[on], "rev-parse", "HEAD"),
            "workflow": f".github/workflows/{workflow}",
            "event": "push",
            "path": f"{self.shims()}:{os.environ['PATH']}",
            "work": str(work),
            "result": str(work / "result.json"),
            **scenario,
            "environment": {**environment, **scenario.get("environment", {})},
        }
        (work / "scenario.json").write_text(json.dumps(scenario))
        command = [node(), str(EMULATOR / "emulate.mjs"), str(work / "scenario.json")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
        raw = json.loads((work / "result.json").read_text())
        jobs = {
            told["name"]: JobResult(
                told["name"],
                told["id"],
                told["result"],
                told["outputs"],
                tuple(Step(**step) for step in told["steps"]),
                told,
            )
            for told in raw["jobs"]
        }
        assert len(jobs) == len(raw["jobs"]), "two jobs of one name"
        return Told(raw["result"], raw.get("error"), jobs, tuple(raw["artifacts"]), work, raw)

    def server(self) -> Path:
        """Return a folder in which each repository has the path that it has at GitHub."""
        folder = self.folder / "server"
        for name, path in self.repositories.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(path)
        return folder

    def shims(self) -> Path:
        """Return a folder for PATH with what a machine has before a job begins."""
        folder = self.folder / "bin"
        if not folder.exists():
            places = {"python": COLD, "warm": interpreter({**ENVIRONMENT, **self.environment}), "shims": folder}
            write(folder, {name: fill(text, **places, machine=HERE / "machine") for name, text in SHIMS.items()})
            for name in SHIMS:
                (folder / name).chmod(0o755)
            for place in ("machine", "environment"):
                (folder / place / "python3").symlink_to("python")
        return folder / "machine"


Run = Callable[..., Told]


def steps(*lines: str) -> str:
    """Return a job of these steps, as YAML."""
    return "job:\n  runs-on: x\n  steps:\n" + textwrap.indent("\n".join(lines), "    ") + "\n"
