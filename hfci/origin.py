"""Which transformers: where the one that is imported here lies, its version, its commit. Nothing of it is imported."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hfci.errors import EnvironmentUnfit
from hfci.git import git

__all__ = ["Origin", "commit_of", "digest_of", "find_transformers", "registry_of", "version_of"]

# As the package itself says it: what is installed may have told its version long ago, and a checkout is not installed.
VERSION = re.compile(r"""^__version__\s*=\s*["']([^"']+)["']""", re.MULTILINE)


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One transformers.

    - `path`: the folder of the package; `version`: what it says of itself
    - `commit`: of the checkout that it is part of, None where it is installed
    - `digest`: of all its Python files; two are the same transformers if, and only if, this is equal
    """

    path: str
    version: str | None = None
    commit: str | None = None
    digest: str

    @classmethod
    def at(cls, folder: Path) -> Origin:
        """Return what lies in `folder` now; reads every Python file of it."""
        commit, digest = commit_of(folder, "__init__.py"), digest_of(folder.rglob("*.py"), folder)
        return cls(path=str(folder), version=version_of(folder), commit=commit, digest=digest)

    def __str__(self) -> str:
        """Return version, commit, the beginning of the digest and the place."""
        commit = f", commit {self.commit[:12]}" if self.commit else ""
        return f"transformers {self.version}{commit} ({self.path}, digest {self.digest[:12]})"


def find_transformers() -> Path:
    """Return the folder of what `import transformers` takes here; EnvironmentUnfit where there is none."""
    spec = importlib.util.find_spec("transformers")
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentUnfit(
            "transformers is not installed here, and its source is what is read: "
            "`pip install --no-deps transformers` will do, or name a checkout of it, with --source"
        )
    return Path(spec.submodule_search_locations[0]).resolve()


@functools.cache
def version_of(folder: Path) -> str | None:
    """Return the version that the package in `folder` says it is of; None where it does not say so in plain text."""
    try:
        match = VERSION.search((folder / "__init__.py").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return match[1] if match else None


@functools.cache
def registry_of(folder: Path) -> str:
    """Return the digest of the registries of the package in `folder`: which model types and classes there are."""
    auto = folder / "models" / "auto"
    return digest_of(auto.glob("*.py"), auto)


def commit_of(folder: Path, kept: str) -> str | None:
    """Return the commit of the repository that `kept`, a file or a folder in `folder`, is part of; None without one."""
    # A virtual environment in a repository is none of it: git must keep something there.
    if not git(folder, "ls-files", "--", kept):
        return None
    commit = git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    return commit.decode().strip() if commit else None


def digest_of(paths: Iterable[Path], folder: Path) -> str:
    """Return the digest of the files among `paths`, by their names in `folder` and what is in them."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        if path.is_file():
            name = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
            whole.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:32]
