"""The manifest that another is held against: a file, or what a git revision had."""

from __future__ import annotations

from pathlib import Path

from hfci.cases.manifest import MANIFEST, Manifest, load_manifest, parse_manifest
from hfci.errors import UsageError
from hfci.git import git

__all__ = ["earlier_manifest"]


def earlier_manifest(named: str, generated: Path) -> Manifest:
    """Return the manifest in the file `named`; or, where there is none, that of a git revision of that name.

    A revision's is the one of `generated` in the commit at which this checkout has left it (their merge base): what was
    added there since is no loss here. Raises UsageError where `named` is neither, or the manifest cannot be read.
    """
    path = Path(named)
    if path.exists() or "\0" in named or named.startswith("-"):
        return load_manifest(path, earlier=True)
    commit = git(generated, "merge-base", named, "HEAD") if generated.is_dir() else None
    if not commit:
        raise UsageError(
            f"{named!r} is neither a manifest nor a revision of {generated}'s git repository with a history in common; "
            "a shallow clone has none: fetch it, as `actions/checkout` does with `fetch-depth: 0`"
        )
    name = f"{commit.decode().strip()}:./{MANIFEST}"
    content = git(generated, "show", name)
    if content is None:
        raise UsageError(f"commit {name.partition(':')[0][:12]}, where {named} was left, has no {generated / MANIFEST}")
    return parse_manifest(content, f"{named}:{generated / MANIFEST}", earlier=True)
