"""Asking git, also in a repository that anybody may have made: it decides nothing but its content."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["git", "has_git"]

# No program that the configuration of a repository names is run.
SETTINGS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=", "--no-pager", "--literal-pathspecs")


def has_git() -> bool:
    """Tell whether git is installed."""
    return shutil.which("git") is not None


def git(folder: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    """Return what git says in `folder` when it reads `given`; None where it fails or is not installed."""
    program = shutil.which("git")
    if program is None:
        return None
    done = subprocess.run(  # noqa: S603 -- no shell: what is hostile is an argument
        [program, *SETTINGS, *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        check=False,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )
    return done.stdout if done.returncode == 0 else None
