"""What is compared: a release of transformers, a checkout of it, one of its commits, or an environment that has one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from packaging.version import InvalidVersion, Version

from hfci.checkout import package_in
from hfci.errors import UsageError
from hfci.git import git, has_git

__all__ = ["INSTALLED", "Side", "SideKind", "find_commit", "full_name", "parse_release", "parse_side"]

# What names the transformers that this hfci imports.
INSTALLED = "installed"

_ELSE = (
    f", nor a folder with a checkout of transformers, nor a Python; DIR@REVISION names a commit, {INSTALLED!r} what is "
    "imported here"
)

# More than any release has; `packaging` itself takes numbers of any length.
_LONGEST = 60
_REVISION = re.compile(r"(?P<place>.+)@(?P<revision>[^@\s-][^@\s]*)")


class SideKind(StrEnum):
    """How a transformers is given."""

    INSTALLED = "installed"
    RELEASE = "release"
    CHECKOUT = "checkout"
    COMMIT = "commit"
    INTERPRETER = "interpreter"


@dataclass(frozen=True)
class Side:
    """One transformers: `text` is how it was given; a commit's `path` is its repository, found by `find_commit`."""

    text: str
    kind: SideKind
    release: Version | None = None
    path: Path | None = None
    commit: str | None = None

    def __str__(self) -> str:
        """Return what people call it."""
        if self.kind == SideKind.COMMIT:
            return f"{self.text.rpartition('@')[0] or self.path}@{(self.commit or '')[:12]}"
        return str(self.release) if self.release is not None else self.text


def full_name(side: Side) -> str:
    """Return what names a release, or a commit, on any command line."""
    return str(side.release) if side.release is not None else f"{side.path}@{side.commit}"


def parse_side(text: str) -> Side:
    """Return what `text` names: `5.23.0`, `DIR`, `DIR@REVISION`, the path of a Python or its environment, `installed`.

    A path is one with a slash, or one that is there; whatever else is no version raises UsageError.
    """
    if text == INSTALLED:
        return Side(text, SideKind.INSTALLED)
    if text.strip() and "\0" not in text and not text.startswith("-"):
        path = Path(text).expanduser()
        if (python := _python_in(path)) is not None:
            return Side(text, SideKind.INTERPRETER, path=python)
        if os.path.isdir(path):  # noqa: PTH112 -- it takes a name of any length
            package_in(path)
            return Side(text, SideKind.CHECKOUT, path=path.resolve())
        match = _REVISION.fullmatch(text)
        if match and os.path.isdir(Path(match["place"]).expanduser()):  # noqa: PTH112
            repository = Path(match["place"]).expanduser().resolve()
            return Side(text, SideKind.COMMIT, path=repository, commit=find_commit(repository, match["revision"]))
    return Side(text, SideKind.RELEASE, release=parse_release(text, _ELSE))


def parse_release(text: str, else_: str = "") -> Version:
    """Return the version of a release; UsageError for anything else, be it an option or an address.

    `else_` is what the message says of what else it may be.
    """
    try:
        version = Version(text) if len(text) <= _LONGEST and text.isascii() else None
    except InvalidVersion:
        version = None
    if version is None or version.local:
        raise UsageError(f"{text!r:.100} is no release such as 5.23.0{else_}")
    return version


def find_commit(repository: Path, revision: str) -> str:
    """Return the commit that `revision` names in `repository`; UsageError where it names none."""
    if not has_git():
        raise UsageError("there is no git here, and a revision is named; install git")
    named = None
    if revision and "\0" not in revision and not revision.startswith("-"):
        named = git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not named:
        raise UsageError(f"{repository} has no commit {revision!r:.100}; a shallow clone lacks most: fetch them")
    return named.decode().strip()


def _python_in(path: Path) -> Path | None:
    """Return the interpreter that `path` is, or that the virtual environment in it has; None where it is neither."""
    if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113 -- as above
        return path.absolute()
    is_environment = os.path.isfile(path / "pyvenv.cfg") and os.access(path / "bin" / "python", os.X_OK)  # noqa: PTH113
    return (path / "bin" / "python").absolute() if is_environment else None
