"""The sessions: each runs one hfci or pytest command, the same that a workflow job runs.

`nox -s smoke -- bert` takes model types, patterns ('qwen*'), families (family:vision) and architectures
(BertForMaskedLM); nothing means everything. The sessions that need torch share one environment, made by `env`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests"]

HERE = Path(__file__).parent
GROUPS = nox.project.dependency_groups
PROJECT = nox.project.load_toml("pyproject.toml")


def python() -> str:
    """Return the interpreter of the shared environment."""
    folder = HERE / ".nox" / "env"
    found = [path for path in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if path.exists()]
    return str(found[0])


def installed_once(session: nox.Session, *arguments: str) -> None:
    """Install, unless the same arguments, pins and project file were installed here before."""
    pins = [(HERE / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    wanted = hashlib.sha256(b"\0".join([*pins, " ".join(arguments).encode()])).hexdigest()
    stamp = Path(session.virtualenv.location) / "installed.sha256"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    session.install("--constraint", "constraints.txt", *arguments)
    stamp.write_text(wanted)


@nox.session(default=False)
def env(session: nox.Session) -> None:
    """Make the environment that the others share."""
    installed_once(session, "--editable", ".", *GROUPS(PROJECT, "test"))


def shared(session: nox.Session, *command: str) -> None:
    """Run `python -m COMMAND` in the shared environment."""
    session.run(python(), "-m", *command, external=True)


@nox.session(venv_backend="none", requires=["env"])
def generate(session: nox.Session) -> None:
    """Render the tests into generated/; `-- --check` only compares."""
    shared(session, "hfci", "generate", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def validate(session: nox.Session) -> None:
    """Validate the tests in generated/."""
    shared(session, "hfci", "validate", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def smoke(session: nox.Session) -> None:
    """Run the smoke tier: does every tiny model build, run and keep the basic invariants."""
    shared(session, "hfci", "run", "--tier", "smoke", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def tests(session: nox.Session) -> None:
    """Run hfci's own tests."""
    shared(session, "pytest", "--numprocesses", "auto", "--dist", "worksteal", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def bench(session: nox.Session) -> None:
    """Print the ratios that hfci promises, each measured within one run."""
    session.run(python(), "tests/bench/ratios.py", *session.posargs, external=True)


@nox.session(requires=["env"])
def lint(session: nox.Session) -> None:
    """Check style, types and workflows."""
    installed_once(session, *GROUPS(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", "--python-executable", python())
    workflows = sorted(str(path) for path in (HERE / ".github" / "workflows").glob("*.yml"))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("actionlint", *workflows)
    session.run("zizmor", "--offline", "--quiet", ".github")
