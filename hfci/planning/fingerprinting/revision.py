"""What the files were at a git revision, without a checkout: those that differ from it are taken from git."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hfci.errors import EnvironmentUnfit, UsageError
from hfci.git import git, has_git
from hfci.planning.fingerprinting.sources import File, Folder

__all__ = ["at_revision", "find_commit"]

# A fork's checkout decides nothing but its content.
PLAIN = ("--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")

# The modes of what has no content: no file, and another repository.
EMPTY = ("000000", "160000")


def find_commit(folders: Iterable[Path], revision: str) -> tuple[Path, str]:
    """Return the repository and the commit that `revision` names in the first of the folders' repositories to know it.

    Raises UsageError where none does, EnvironmentUnfit where there is no git.
    """
    if not has_git():
        raise EnvironmentUnfit("there is no git here, and --since names a revision; install git")
    for folder in folders if revision and "\0" not in revision else ():
        top = git(folder, "rev-parse", "--show-toplevel")
        commit = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if top and commit:
            return Path(os.fsdecode(top.rstrip(b"\n"))).resolve(), commit.decode().strip()
    raise UsageError(
        f"{revision!r} is neither a folder of records nor a revision that git knows here; "
        "a shallow clone has no history: fetch it, as `actions/checkout` does with `fetch-depth: 0`"
    )


def at_revision(
    files: Mapping[str, File], folders: Iterable[Folder], single: Mapping[str, Path], repository: Path, commit: str
) -> dict[str, File]:
    """Return `files` as they were at `commit` of `repository`; what does not lie in it is as it is now.

    So is what git ignores there, such as tests rendered beside a checkout. UsageError where no folder lies in it.
    """
    unchanged = dict(files)
    inside = [folder for folder in folders if folder.path.is_relative_to(repository)]
    named = {path: label for label, path in single.items() if path.is_relative_to(repository)}
    paths = [str(folder.path) for folder in inside] + [str(path) for path in named]
    if not paths:
        about = ", ".join(f"{folder.label} is {folder.path}" for folder in folders)
        raise UsageError(
            f"{commit[:12]} is a commit of {repository}, where nothing lies that is tested ({about}); "
            "to test a checkout of transformers, name it: --source DIR"
        )

    def labels(name: bytes) -> Iterator[tuple[str, Path]]:
        path = repository / os.fsdecode(name)
        for label in (named.get(path), *(folder.label_of(path) for folder in inside)):
            if label is not None:
                yield label, path

    blobs: dict[str, tuple[Path, str]] = {}
    for blob, name in _changed(repository, commit, paths):
        for label, path in labels(name):
            unchanged.pop(label, None)
            if blob is not None:
                blobs[label] = (path, blob)
    for name in _untracked(repository, paths):
        for label, _ in labels(name):
            unchanged.pop(label, None)
    contents = _contents(repository, {blob for _, blob in blobs.values()})
    return unchanged | {label: File(path, content=contents[blob]) for label, (path, blob) in blobs.items()}


def _changed(repository: Path, commit: str, paths: list[str]) -> Iterator[tuple[str | None, bytes]]:
    """Yield what was at `commit` of each path that is another now: its blob, None where there was none."""
    fields = _required(repository, "diff", *PLAIN, commit, "--", *paths).split(b"\0")
    for about, name in zip(fields[0::2], fields[1::2], strict=False):
        mode, _, blob, _, _ = about.decode().lstrip(":").split(" ")
        yield (None if mode in EMPTY else blob), name


def _untracked(repository: Path, paths: list[str]) -> list[bytes]:
    return [
        name
        for name in _required(repository, "ls-files", "-z", "--others", "--exclude-standard", "--", *paths).split(b"\0")
        if name
    ]


def _contents(repository: Path, blobs: set[str]) -> dict[str, bytes]:
    """Return the content of each blob: asked for by its name alone, never by that of a file."""
    if not blobs:
        return {}
    names = sorted(blobs)
    output = _required(repository, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in names).encode())
    contents, place = {}, 0
    for blob in names:
        end = output.index(b"\n", place)
        _, kind, *rest = output[place:end].split(b" ")
        if not rest:
            raise EnvironmentUnfit(f"git lacks the content of {blob} ({kind.decode()}) in {repository}: fetch it whole")
        size = int(rest[0])
        contents[blob] = output[end + 1 : end + 1 + size]
        place = end + 1 + size + 1
    return contents


def _required(repository: Path, *arguments: str, given: bytes = b"") -> bytes:
    output = git(repository, *arguments, given=given)
    if output is None:
        raise EnvironmentUnfit(f"git {arguments[0]} failed in {repository}: is the history whole?")
    return output
