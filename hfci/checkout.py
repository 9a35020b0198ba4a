"""A checkout of transformers instead of the installed one: hfci begins anew in a process that imports it.

A checkout's code is arbitrary code, a stranger's perhaps. That process has no token in its environment. It is no
sandbox: what it may read on this machine, files with tokens among it, that code may read too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hfci.errors import EnvironmentUnfit, UsageError
from hfci.origin import find_transformers

__all__ = ["SETTINGS", "begin_anew", "enter", "is_secret", "overlooked", "package_in", "without_secrets"]

# Set in the process that was begun for a checkout: its folder of packages.
ENTERED = "HFCI_SOURCE"

# By name: HF_TOKEN, GITHUB_TOKEN, AWS_SECRET_ACCESS_KEY, OPENAI_API_KEY, PGPASSWORD, GOOGLE_APPLICATION_CREDENTIALS,
# SSH_AUTH_SOCK; not TOKENIZERS_PARALLELISM.
SECRET = re.compile(
    r"TOKEN(?!IZ)|SECRET|PASSW|CREDENTIAL|COOKIE|API_?KEY|(?:^|_)(?:KEY|KEYS|AUTH|PAT|PASS|PWD)(?:_|$)", re.IGNORECASE
)
# PWD is a folder.
HARMLESS = ("PWD", "OLDPWD")

# huggingface_hub reads a token from a file too, unless it is told not to send it.
SETTINGS = {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}


def is_secret(name: str) -> bool:
    """Tell whether a variable of the environment holds a secret, by its name."""
    return name not in HARMLESS and name not in SETTINGS and SECRET.search(name) is not None


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that hold no secret."""
    return {name: value for name, value in environment.items() if not is_secret(name)}


def package_in(checkout: Path) -> Path:
    """Return the folder of the package in a checkout of transformers, or in its `src`; UsageError where it is none."""
    for parent in (checkout / "src", checkout):
        package = parent / "transformers"
        if (package / "modeling_utils.py").is_file() and (package / "models").is_dir():
            return package.resolve()
    raise UsageError(f"{checkout} is no checkout of transformers: there is no src/transformers/modeling_utils.py in it")


def overlooked(folder: Path) -> str:
    """Return what to say where `folder` is a checkout of transformers, and another one is imported; else nothing."""
    try:
        package, actual = package_in(folder), find_transformers()
    except (UsageError, EnvironmentUnfit):
        return ""
    return "" if actual == package else f"this is about {actual}, not about the checkout here: for that, add --source ."


def enter(checkout: Path, arguments: Sequence[str]) -> int | None:
    """Go on in a process that imports the transformers of `checkout`; None where this one does already.

    `arguments` are those of the command line. Does not return where the system can put another program in this one's
    place; elsewhere it returns the exit code. Raises UsageError where there is no such checkout, EnvironmentUnfit where
    something else is imported nevertheless.
    """
    package = package_in(checkout)
    parent = str(package.parent)
    if os.environ.get(ENTERED) == parent:
        _require(package)
        return None
    paths = [parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **without_secrets(os.environ),
        **SETTINGS,
        ENTERED: parent,
        "PYTHONPATH": os.pathsep.join(paths),
    }
    return begin_anew(environment, arguments)


def begin_anew(environment: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Go on in a process with this `environment`; it does not return where it need not, else with the exit code."""
    command = [sys.executable, "-m", "hfci", *arguments]
    if os.name == "posix":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, command, environment)  # noqa: S606 -- hfci itself, without a shell
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603


def _require(package: Path) -> None:
    actual = find_transformers()
    if actual != package:
        raise EnvironmentUnfit(
            f"{package} was asked for, and `import transformers` takes {actual}: a folder `transformers` in the "
            "current one comes first, so call hfci from elsewhere"
        )
