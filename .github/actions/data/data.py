"""The data branch: `data.py fetch` and `data.py commit`; what is asked for stands in the environment, see action.yml.

On the branch each kind of run has a folder: history.db, requirements.json, popularity.json, quarantine.json,
index.html, wall.html, records/. To commit replaces one such folder, after a look at every file of it: what came from
another job is data, and may be hostile. Records grant reuse: those that were not there before are of this run, and say
its commit, which is one of the default branch. The branch has one commit, made anew each time: the database is the
history, git need not be.

The standard library and git do: a job that may write installs nothing.
"""
# ruff: noqa: S603, T201 -- git is the runner's; what is printed is the job's log

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MEGABYTE = 1_000_000
MOST_FILES = 10_000
MOST_BYTES = 1_000 * MEGABYTE
DEEPEST = 4  # records/RUN/ARTIFACT/FILE

# The token is asked for by git, and stands in no argument and in no file.
HELPER = '!credentials() { echo username=x-access-token; echo "password=$GH_TOKEN"; }; credentials'
GIT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "credential.helper",
    "GIT_CONFIG_VALUE_0": HELPER,
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "github-actions[bot]"),
    **dict.fromkeys(
        ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "41898282+github-actions[bot]@users.noreply.github.com"
    ),
}


class Refused(Exception):
    """What the job says as its error."""


def git(*arguments: str, folder: Path | None = None) -> str:
    """Run git, and return what it says; Refused where it fails."""
    command = ["git", *(["-C", str(folder)] if folder else []), *arguments]
    done = subprocess.run(command, env={**os.environ, **GIT}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def clone(address: str, branch: str, folder: Path) -> str:
    """Have the branch in `folder`, empty where there is no such branch; return its commit, or an empty text.

    That a branch is not there, the server has to say: where it cannot be asked, this is Refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = git("ls-remote", address, f"refs/heads/{branch}").split()
    git("init", "--quiet", "--initial-branch", branch, str(folder))
    if not told:
        return ""
    git("fetch", "--quiet", "--depth", "1", address, told[0], folder=folder)
    git("checkout", "--quiet", "-B", branch, "FETCH_HEAD", folder=folder)
    return told[0]


def tree_of(folder: Path, commit: str, kind: str) -> str:
    """Return what the kind's folder is in that commit; an empty text where there is none."""
    return (
        git("rev-parse", "--verify", f"{commit}:{kind}", folder=folder) if commit and (folder / kind).is_dir() else ""
    )


# What may be kept: each a kind of file, and how it begins or what it says.


def is_database(path: Path) -> bool:
    """Tell whether it is a database of SQLite."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def is_document(path: Path) -> bool:
    """Tell whether it is a JSON object that says its schema."""
    return bool(document(path.read_bytes()))


def is_page(path: Path) -> bool:
    """Tell whether it is a page."""
    with path.open("rb") as file:
        return file.read(1000).lstrip().lower().startswith(b"<!doctype html>")


def is_records(path: Path) -> bool:
    """Tell whether its first line is the header of records: a JSON object that says its schema."""
    return bool(header_of(path))


def header_of(path: Path) -> dict[str, Any]:
    """Return the header of records; nothing where there is none."""
    with path.open("rb") as file:
        return document(file.readline(MEGABYTE))


def document(text: bytes) -> dict[str, Any]:
    """Return the JSON object with a schema that `text` is; nothing where it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) and type(data.get("schema")) is int else {}


FILES: dict[str, tuple[int, Callable[[Path], bool]]] = {
    "history.db": (95 * MEGABYTE, is_database),
    "requirements.json": (95 * MEGABYTE, is_document),
    "popularity.json": (MEGABYTE, is_document),
    "quarantine.json": (MEGABYTE, is_document),
    "index.html": (95 * MEGABYTE, is_page),
    "wall.html": (MEGABYTE, is_page),
}
RECORDS = (95 * MEGABYTE, is_records)


def check(folder: Path) -> None:
    """Look at every file of `folder`; Refused for what is not kept, is too large, or is not what its name says."""
    files, size = 0, 0
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise Refused(f"{inside} is neither a file nor a folder")
        if not all(NAME.fullmatch(part) for part in inside.parts) or len(inside.parts) > DEEPEST:
            raise Refused(f"{str(inside)!r} is no name of a file that is kept")
        if path.is_dir():
            continue
        of_records = inside.parts[0] == "records" and path.suffix == ".jsonl"
        if not of_records and str(inside) not in FILES:
            raise Refused(f"{inside} is not among what is kept: {', '.join(FILES)}, records/")
        most, fits = RECORDS if of_records else FILES[str(inside)]
        files, size = files + 1, size + path.stat().st_size
        if path.stat().st_size > most or size > MOST_BYTES or files > MOST_FILES:
            raise Refused(f"{inside}: this is more than is kept")
        if not fits(path):
            raise Refused(f"{inside} is not what its name says")
    if not files:
        raise Refused("there is nothing to keep")


def check_claims(made: Path, before: Path, run: str, commit: str) -> None:
    """Look at the records below `made` that are not in `before`; Refused for what is not of this run and its commit."""
    for path in sorted(made.glob("records/**/*.jsonl")):
        inside = path.relative_to(made)
        known = before / inside
        if known.is_file() and known.read_bytes() == path.read_bytes():
            continue
        if inside.parts[1] != run:
            raise Refused(f"{inside}: this is run {run}, and what it keeps is in records/{run}")
        if (claimed := header_of(path).get("commit")) != commit:
            raise Refused(
                f"{inside} says that it is of commit {claimed!r:.60}, and this run is of {commit}: by such records a "
                "later run would leave out what nobody has tried; to keep the rest of the run alone, say `green: false`"
            )


def fetch(address: str, branch: str, kind: str, folder: Path) -> None:
    """Have the branch in `folder`, and write `tree=` to GITHUB_OUTPUT."""
    commit = clone(address, branch, folder)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.write(f"tree={tree_of(folder, commit, kind)}\n")
    if not commit:
        print(f"::notice::There is no branch {branch} yet: nothing is known from earlier. keep.yml begins it.")


def commit(address: str, branch: str, kind: str, folder: Path, tree: str) -> None:
    """Make `folder` the kind's folder on the branch, and push that."""
    check(folder)
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        before = clone(address, branch, data)
        if tree_of(data, before, kind) != tree:
            raise Refused(f"another run kept something in {kind}/ meanwhile: run all jobs again")
        check_claims(folder, data / kind, os.environ["GITHUB_RUN_ID"], os.environ["GITHUB_SHA"])
        shutil.rmtree(data / kind, ignore_errors=True)
        shutil.copytree(folder, data / kind)
        git("add", "--all", "--force", folder=data)
        run = os.environ["GITHUB_RUN_ID"]
        again = ["--amend", "--reset-author"] if before else []
        git("commit", "--quiet", *again, "--message", f"Keep {kind} of run {run}", folder=data)
        # Only over what was fetched: whoever pushed since is not undone.
        lease = f"--force-with-lease=refs/heads/{branch}:{before}"
        git("push", "--quiet", lease, address, f"HEAD:refs/heads/{branch}", folder=data)


def main(arguments: list[str]) -> int:
    """Do what is asked."""
    env = os.environ
    address, branch, kind, folder = env["ADDRESS"], env["BRANCH"], env["KIND"], Path(env["FOLDER"])
    try:
        if not NAME.fullmatch(kind) or kind == ".git":
            raise Refused(f"{kind!r} is no name of a folder")
        git("check-ref-format", "--branch", branch)
        match arguments:
            case ["fetch"]:
                fetch(address, branch, kind, folder)
            case ["commit"]:
                commit(address, branch, kind, folder, env["TREE"])
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except Refused as error:
        # The runner obeys a command wherever it stands in what is printed, and names of files are a stranger's.
        print(f"data: {error}".replace("##[", "## ["), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
