"""The sessions: each runs one hfci or pytest command, the same that a workflow job runs.

`nox -s smoke -- bert` takes model types, patterns ('qwen*'), families (family:vision) and architectures
(BertForMaskedLM); nothing means everything. The sessions that need torch share one environment, made by `env`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import urllib.request
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests"]

HERE = Path(__file__).parent
GROUPS = nox.project.dependency_groups
PROJECT = nox.project.load_toml("pyproject.toml")

CONSTRAINTS = HERE / "constraints.txt"
PIN = re.compile(r"(?<=^transformers==)\S+", re.MULTILINE)
# The versions of transformers that hfci runs on: those before the pinned one have an environment each.
VERSIONS = ("5.17.0", "5.20.0", "5.23.0", PIN.findall(CONSTRAINTS.read_text(encoding="utf-8"))[0])

# PyTorch's builds without CUDA: those for Linux on PyPI bring gigabytes of it, to a machine without a GPU too.
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
INDEX_VARIABLE = "HFCI_TORCH_INDEX"
ANSWERS_WITHIN_S = 5.0
DRIVER = Path("/proc/driver/nvidia/version")


def python() -> str:
    """Return the interpreter of the shared environment."""
    folder = HERE / ".nox" / "env"
    interpreters = [path for path in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if path.exists()]
    return str(interpreters[0])


def torch_index(session: nox.Session) -> str:
    """Return the index that torch comes from beside pip's own; empty for pip's own alone.

    It is what HFCI_TORCH_INDEX says; without that, PyTorch's for CPUs, on Linux without a GPU of NVIDIA's. An index
    that does not answer would have pip try for minutes, so it is asked first.
    """
    if (chosen := os.environ.get(INDEX_VARIABLE)) is not None:
        return chosen
    if sys.platform != "linux" or shutil.which("nvidia-smi") or DRIVER.exists():
        return ""
    try:
        with urllib.request.urlopen(f"{CPU_INDEX}/torch/", timeout=ANSWERS_WITHIN_S):  # noqa: S310 -- a fixed address
            return CPU_INDEX
    except OSError as error:
        session.warn(
            f"{CPU_INDEX} does not answer ({error}): torch comes from where pip finds it, from PyPI with gigabytes of "
            f"CUDA; {INDEX_VARIABLE}=URL names a mirror without"
        )
        return ""


def installed_once(
    session: nox.Session, *arguments: str, constraints: Path = CONSTRAINTS, with_torch: bool = False
) -> None:
    """Install, torch before the rest, unless the same choices, pins and project file were installed here before."""
    chosen = repr(os.environ.get(INDEX_VARIABLE)) if with_torch else ""
    pins = [path.read_bytes() for path in (HERE / "pyproject.toml", constraints)]
    wanted = hashlib.sha256(b"\0".join([*pins, " ".join(arguments).encode(), chosen.encode()])).hexdigest()
    stamp = Path(session.virtualenv.location) / "installed.sha256"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if with_torch and (index := torch_index(session)):
        # Without what it needs, which comes from pip's own index with the rest; anew, since another build of the same
        # version would pass for installed.
        torch = ("--force-reinstall", "--no-deps", "--extra-index-url", index, "torch")
        session.install("--constraint", str(constraints), *torch)
    session.install("--constraint", str(constraints), *arguments)
    stamp.write_text(wanted)


def hfci_installed(session: nox.Session, constraints: Path = CONSTRAINTS) -> None:
    """Install hfci and what its tests need."""
    installed_once(session, "--editable", ".", *GROUPS(PROJECT, "test"), constraints=constraints, with_torch=True)


@nox.session(default=False)
def env(session: nox.Session) -> None:
    """Make the environment that the others share."""
    hfci_installed(session)


def shared(session: nox.Session, *command: str) -> None:
    """Run `python -m COMMAND` in the shared environment; after Ctrl-C it has five seconds to write its summary."""
    session.run(python(), "-m", *command, external=True, interrupt_timeout=5.0)


@nox.session(venv_backend="none", requires=["env"])
def generate(session: nox.Session) -> None:
    """Render the tests into generated/; `-- --check` only compares."""
    shared(session, "hfci", "generate", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def validate(session: nox.Session) -> None:
    """Validate the tests in generated/."""
    shared(session, "hfci", "validate", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def catalog(session: nox.Session) -> None:
    """Say what there is; `-- --against origin/main`: what an architecture has lost since."""
    shared(session, "hfci", "catalog", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def smoke(session: nox.Session) -> None:
    """Run the smoke tier: does every tiny model build, run and keep the basic invariants."""
    shared(session, "hfci", "run", "--tier", "smoke", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def functional(session: nox.Session) -> None:
    """Run the functional tier: every architecture, each head, builds and forwards what it declares."""
    shared(session, "hfci", "run", "--tier", "functional", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def deep(session: nox.Session) -> None:
    """Run the deep tier: does all of an architecture matter, can it be compiled and exported, do its changes hold."""
    shared(session, "hfci", "run", "--tier", "deep", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def plan(session: nox.Session) -> None:
    """Decide which shard runs what."""
    shared(session, "hfci", "plan", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def report(session: nox.Session) -> None:
    """Report on what is in results/: a table here, and every format in report/."""
    shared(session, "hfci", "report", "--out", "report", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def preflight(session: nox.Session) -> None:
    """Say whether a checkpoint will run, before an evaluation: `-- MODEL --until keys`."""
    shared(session, "hfci", "preflight", *session.posargs)


@nox.session(default=False)
@nox.parametrize("transformers", [nox.param(version, id=version) for version in VERSIONS])
def versions(session: nox.Session, transformers: str) -> None:
    """Run the smoke tier on one transformers, and say which model types it lacks of those of generated/."""
    constraints = Path(session.create_tmp()) / "constraints.txt"
    constraints.write_text(PIN.sub(transformers, CONSTRAINTS.read_text(encoding="utf-8")), encoding="utf-8")
    hfci_installed(session, constraints)
    hfci = ("python", "-m", "hfci")
    try:
        session.run(*hfci, "run", "--tier", "smoke", "--results", f"results/{transformers}", *session.posargs)
    finally:
        session.run(*hfci, "catalog", "--against", "generated/manifest.json")


@nox.session(venv_backend="none", requires=["env"])
def tests(session: nox.Session) -> None:
    """Run hfci's own tests."""
    shared(session, "pytest", "--numprocesses", "auto", "--dist", "worksteal", *session.posargs)


@nox.session(default=False)
@nox.parametrize("extra", [nox.param(extra, id=extra) for extra in PROJECT["project"]["optional-dependencies"]])
def integrations(session: nox.Session, extra: str) -> None:
    """Test preflight with the program that an extra brings; that no test ran, since it is missing, is a failure."""
    installed_once(session, "--editable", f".[{extra}]", *GROUPS(PROJECT, "integrations"), with_torch=True)
    session.run("python", "-m", "pytest", "tests/integrations", *session.posargs, interrupt_timeout=5.0)


@nox.session(venv_backend="none", requires=["env"])
def bench(session: nox.Session) -> None:
    """Print the ratios that hfci promises, each measured within one run."""
    session.run(python(), "tests/bench/ratios.py", *session.posargs, external=True)
    if not session.posargs:  # they are what the ratios can be asked for alone
        session.run(python(), "tests/bench/fingerprints.py", external=True)
        session.run(python(), "tests/bench/planning.py", external=True)
        session.run(python(), "tests/bench/preflight.py", external=True)
        session.run(python(), "tests/bench/pipelines.py", external=True)
        session.run(python(), "tests/bench/backends.py", external=True)


@nox.session(venv_backend="none", requires=["env"])
def mutants(session: nox.Session) -> None:
    """Put faults into transformers' modelling code, and say which checks see them."""
    shared(session, "tests.mutants", *session.posargs)


@nox.session(name="first-releases", venv_backend="none", requires=["env"])
def first_releases(session: nox.Session) -> None:
    """Write down which release of transformers was the first to have a model type, from its wheels."""
    shared(session, "tests.first_releases", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def assets(session: nox.Session) -> None:
    """Copy the dashboard's libraries from npm; `-- --check` only compares."""
    shared(session, "tests.assets", *session.posargs)


@nox.session(requires=["env"])
def lint(session: nox.Session) -> None:
    """Check style, types and workflows."""
    installed_once(session, *GROUPS(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", "--python-executable", python())
    workflows = sorted(str(path) for path in (HERE / ".github" / "workflows").glob("*.yml"))
    actions = sorted(str(path) for path in (HERE / ".github" / "actions").glob("*/action.yml"))
    schemas = {"github-workflows": workflows, "github-actions": actions, "dependabot": [".github/dependabot.yml"]}
    for schema, files in schemas.items():
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    session.run("actionlint", *workflows)
    session.run("zizmor", "--offline", "--quiet", ".github")
