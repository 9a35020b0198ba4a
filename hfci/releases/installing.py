"""Which packages another transformers needs beside those that are installed here, and putting them into a folder.

uv does both where it is installed, else pip. Only wheels are taken: to install runs no code of theirs. Which versions
are needed is what the packages themselves say in their metadata; what is installed here and satisfies it is shared.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from hfci.checkout import without_secrets
from hfci.errors import EnvironmentUnfit
from hfci.results.text import shorten

__all__ = [
    "are_met",
    "install",
    "installed_here",
    "installer_variables",
    "needed",
    "pip_command",
    "requirements_of",
    "shared_by",
]

# What transformers checks when it is imported, and the versions that it wants: of a checkout, its metadata.
CHECKED = ("dependency_versions_check.py", "pkgs_to_check_at_runtime")
VERSIONS = ("dependency_versions_table.py", "deps")


def installed_here() -> dict[str, str]:
    """Return the version of each package that is installed here, by its canonical name."""
    return {
        canonicalize_name(name): found.version
        for found in importlib.metadata.distributions()
        if (name := found.metadata["Name"])
    }


def are_met(requirements: Iterable[str]) -> bool:
    """Tell whether what is installed here is what `requirements` want."""
    here = installed_here()
    wanted = (Requirement(line) for line in requirements)
    return all(
        each.specifier.contains(here.get(canonicalize_name(each.name), "0"), prereleases=True) for each in wanted
    )


def needed(requirements: Iterable[str], what: str) -> dict[str, str]:
    """Return the packages, with versions, that `requirements` want and that are not installed here as they want them.

    As few as the resolver finds. Raises EnvironmentUnfit with its reason where there is no such set: a release that
    does not exist, or wants another Python; `what` is told to be unfit.
    """
    wanted, here = tuple(requirements), installed_here()
    resolve = _with_uv if _uv() else _with_pip
    found = resolve(wanted, here, what)
    return {name: version for name, version in found.items() if here.get(name) != version}


def install(packages: Mapping[str, str], folder: Path, what: str) -> None:
    """Put exactly these packages into `folder`, without what they need; EnvironmentUnfit where that fails."""
    pins = [f"{name}=={version}" for name, version in packages.items()]
    command = (
        [*_uv(), "pip", "install", "--quiet", "--python", sys.executable, "--only-binary", ":all:"]
        if _uv()
        else [*_pip(), "install", "--quiet", "--only-binary", ":all:"]
    )
    _run([*command, "--no-deps", "--target", str(folder), *pins], folder.parent, what)


def requirements_of(package: Path) -> tuple[str, ...]:
    """Return what the transformers in the folder `package` wants to be installed, as it says itself; nothing is run."""
    checked, versions = (_literal(package / file, name) for file, name in (CHECKED, VERSIONS))
    names = checked if isinstance(checked, list) else []
    table = versions if isinstance(versions, dict) else {}
    lines = (table.get(name) for name in names if name != "python")
    return tuple(line for line in lines if isinstance(line, str) and _is_plain(line))


def shared_by(folder: Path, requirements: Iterable[str]) -> dict[str, str]:
    """Return the packages of this environment, with versions, on which `requirements` and what is in `folder` rely."""
    own = {
        canonicalize_name(each.metadata["Name"]): each for each in importlib.metadata.distributions(path=[str(folder)])
    }
    here = installed_here()
    due = [*requirements, *(f"{name}=={each.version}" for name, each in own.items())]
    seen: dict[str, str | None] = {}
    while due:
        requirement = Requirement(due.pop())
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen[name] = None if name in own else here.get(name)
        found = own.get(name) or (importlib.metadata.distribution(name) if name in here else None)
        due += (found.requires or ()) if found is not None else ()
    return {name: version for name, version in sorted(seen.items()) if version is not None}


def _with_uv(wanted: tuple[str, ...], here: Mapping[str, str], what: str) -> dict[str, str]:
    """Resolve with uv, to which the versions in a file that it is to write are those that it prefers."""
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        asked, resolved = Path(folder) / "asked.in", Path(folder) / "resolved.txt"
        asked.write_text("".join(f"{line}\n" for line in wanted), encoding="utf-8")
        resolved.write_text("".join(f"{name}=={version}\n" for name, version in here.items()), encoding="utf-8")
        options = ("--quiet", "--no-header", "--no-annotate", "--python", sys.executable)
        _run([*_uv(), "pip", "compile", *options, str(asked), "--output-file", str(resolved)], Path(folder), what)
        lines = resolved.read_text(encoding="utf-8").splitlines()
    pins = (Requirement(line) for line in lines if line.strip() and not line.lstrip().startswith(("#", "-")))
    return {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins}


def _with_pip(wanted: tuple[str, ...], _: Mapping[str, str], what: str) -> dict[str, str]:
    """Resolve with pip, which keeps what is installed where it can, and reports what it would install."""
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        report = Path(folder) / "report.json"
        options = ("--quiet", "--dry-run", "--only-binary", ":all:", "--report", str(report))
        _run([*_pip(), "install", *options, "--", *wanted], Path(folder), what)
        told = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {canonicalize_name(each["metadata"]["name"]): each["metadata"]["version"] for each in told}


def _run(command: list[str], folder: Path, what: str) -> None:
    """Run it in `folder`, where no project configures it; EnvironmentUnfit with its last words where it fails."""
    done = subprocess.run(  # noqa: S603 -- no shell, and what is named was read as versions
        command, cwd=folder, env=installer_variables(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = re.sub(r"[^\x20-\x7e]+", " ", done.stderr or done.stdout)
        raise EnvironmentUnfit(f"{what} cannot be installed here: {shorten(said, 600)}")


def installer_variables() -> dict[str, str]:
    """Return the variables for an installer: those of a package index with a password of its own stay."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    return {**without_secrets(os.environ), **kept}


def _uv() -> list[str]:
    if (program := shutil.which("uv")) is not None:
        return [program]
    return [sys.executable, "-P", "-m", "uv"] if importlib.util.find_spec("uv") is not None else []


def pip_command() -> list[str]:
    """Return how pip is called here; nothing where it is not installed."""
    if importlib.util.find_spec("pip") is None:
        return []
    return [sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", "--no-input"]


def _pip() -> list[str]:
    if not (command := pip_command()):
        raise EnvironmentUnfit("another transformers has to be installed, and neither uv nor pip is here: install uv")
    return command


def _literal(path: Path, name: str) -> object:
    """Return what a module assigns to `name`, if it is a literal; None where it does not, or cannot be read."""
    try:
        body = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    for node in body:
        if isinstance(node, ast.Assign) and any(
            isinstance(each, ast.Name) and each.id == name for each in node.targets
        ):
            try:
                return ast.literal_eval(node.value)
            except ValueError:
                return None
    return None


def _is_plain(line: str) -> bool:
    """Tell whether a line is a requirement by name and versions: no option, no address."""
    try:
        return Requirement(line).url is None
    except InvalidRequirement:
        return False
