"""The data branch: what is kept on it, and what another job may try to have kept."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.warm import COLD

from .support import ROOT, git, repository

SCRIPT = ROOT / ".github" / "actions" / "data" / "data.py"
BRANCH = "hfci-data"
COMMIT = "c" * 40
COMMAND = "##[set-output name=tree;]x"  # which the runner obeys wherever it is printed


def header(commit: str | None = COMMIT, run: str = "r") -> str:
    return json.dumps({"schema": 3, "run": run, "commit": commit}) + "\n"


HEADER = header()
GOOD = {
    "history.db": "SQLite format 3\0and so on",
    "requirements.json": '{"schema": 1, "runners": {}}',
    "popularity.json": '{"schema": 1}',
    "quarantine.json": '{"schema": 1}',
    "index.html": "\n<!DOCTYPE html><title>x</title>",
    "wall.html": "<!DOCTYPE html>",
    "records/1000/a-records-0-1/records-0-1.jsonl": HEADER,
}


class Branch:
    """A repository with a main branch, and its data branch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        repository(folder / "origin", {"README.md": "x"})

    def do(self, what: str, path: Path, kind: str = "main", **more: str) -> subprocess.CompletedProcess[str]:
        """Run data.py."""
        output = self.folder / "output"
        output.write_text("")
        about = {"BRANCH": BRANCH, "KIND": kind, "FOLDER": str(path), "TREE": "", "GITHUB_OUTPUT": str(output)}
        address = {"ADDRESS": f"file://{self.folder / 'origin'}", "GITHUB_RUN_ID": "1000", "GITHUB_SHA": COMMIT}
        env = {**os.environ, **about, **address, **more}
        return subprocess.run([COLD, SCRIPT, what], env=env, capture_output=True, text=True, check=False)

    def fetch(self, name: str, kind: str = "main") -> str:
        """Fetch into a folder of that name; return the tree."""
        done = self.do("fetch", self.folder / name, kind)
        assert done.returncode == 0, done.stderr
        return (self.folder / "output").read_text().strip().removeprefix("tree=")

    def commit(self, files: dict[str, str], kind: str = "main", tree: str = "", **more: str) -> str:
        """Have these files kept; return what is said of it."""
        made = self.folder / f"made-{len(list(self.folder.iterdir()))}"
        for name, text in files.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_text(text)
        return self.do("commit", made, kind, TREE=tree, **more).stderr

    @property
    def names(self) -> list[str]:
        return git(self.folder / "origin", "ls-tree", "-r", "--name-only", BRANCH).splitlines()


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    return Branch(tmp_path)


def test_it_is_begun_and_each_kind_has_its_folder(branch: Branch) -> None:
    assert branch.fetch("before") == ""
    assert branch.commit(GOOD) == ""
    assert branch.commit({"history.db": GOOD["history.db"]}, "newest") == ""
    assert branch.names == sorted([*(f"main/{name}" for name in GOOD), "newest/history.db"])
    tree = branch.fetch("after")
    assert (branch.folder / "after" / "main" / "index.html").read_text() == GOOD["index.html"]
    assert branch.commit({"index.html": "<!doctype html>new"}, tree=tree) == ""
    assert branch.names == ["main/index.html", "newest/history.db"]
    assert git(branch.folder / "origin", "rev-list", "--count", BRANCH) == "1"
    assert git(branch.folder / "origin", "log", "-1", "--format=%an: %s", BRANCH) == (
        "github-actions[bot]: Keep main of run 1000"
    )


def test_what_somebody_else_kept_meanwhile_is_not_undone(branch: Branch) -> None:
    tree = branch.fetch("one")
    assert branch.commit(GOOD) == ""
    assert "another run kept something in main/ meanwhile" in branch.commit(
        {"index.html": GOOD["index.html"]}, tree=tree
    )
    assert len(branch.names) == len(GOOD)


def test_a_server_that_does_not_answer_is_no_branch_that_is_not_there(branch: Branch) -> None:
    done = branch.do("fetch", branch.folder / "x", ADDRESS=f"file://{branch.folder}/nowhere")
    assert done.returncode == 1
    assert "git ls-remote" in done.stderr


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "there is nothing to keep"),
        ({".github/workflows/evil.yml": "on: push"}, "no name of a file that is kept"),
        ({".gitattributes": "x"}, "no name of a file that is kept"),
        ({"evil.sh": "x"}, "is not among what is kept"),
        ({"records/1/a/b/c.jsonl": HEADER}, "no name of a file that is kept"),
        ({"records/1/evil.py": HEADER}, "is not among what is kept"),
        ({"records/1/$(touch pwned).jsonl": HEADER}, "no name of a file that is kept"),
        ({f"records/1/{COMMAND}.jsonl": HEADER}, "no name of a file that is kept"),
        ({"records/1/a.jsonl": "{}\n"}, "is not what its name says"),
        ({"records/1/a.jsonl": "[" * 100_000}, "is not what its name says"),
        ({"history.db": "no database"}, "is not what its name says"),
        ({"requirements.json": '{"schema": true}'}, "is not what its name says"),
        ({"requirements.json": "[]"}, "is not what its name says"),
        ({"index.html": "GIF89a"}, "is not what its name says"),
        ({"popularity.json": '{"schema": 1, "x": "' + "x" * 1_000_000 + '"}'}, "this is more than is kept"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_what_is_not_kept(branch: Branch, files: dict[str, str], said: str) -> None:
    (branch.folder / "made-3").mkdir()
    told = branch.commit(files)
    assert said in told
    assert "##[" not in told
    assert git(branch.folder / "origin", "branch", "--list", BRANCH) == ""


@pytest.mark.parametrize("claimed", ["d" * 40, COMMIT[:7], "", None, COMMAND])
def test_a_record_of_another_commit_is_not_kept(branch: Branch, claimed: str | None) -> None:
    assert branch.commit(GOOD) == ""
    forged = {**GOOD, "records/1000/a-records-1-1/records-1-1.jsonl": header(claimed)}
    said = branch.commit(forged, tree=branch.fetch("before"))
    assert f"records-1-1.jsonl says that it is of commit {claimed!r}, and this run is of {COMMIT}" in said.replace(
        "## [", "##["
    )
    assert "say `green: false`" in said
    assert "##[" not in said
    assert branch.names == sorted(f"main/{name}" for name in GOOD)


def test_a_run_adds_to_what_others_kept_and_changes_nothing_of_it(branch: Branch) -> None:
    assert branch.commit(GOOD) == ""
    tree = branch.fetch("before")
    new = {**GOOD, "records/1001/a-records-0-1/records-0-1.jsonl": header("e" * 40, "s")}
    later = {"GITHUB_RUN_ID": "1001", "GITHUB_SHA": "e" * 40}
    (path,) = (name for name in GOOD if name.startswith("records/"))
    changed = {**new, path: header(COMMIT, "another")}
    said = branch.commit(changed, tree=tree, **later)
    assert f"{path}: this is run 1001, and what it keeps is in records/1001" in said
    assert branch.commit(new, tree=tree, **later) == ""
    assert branch.names == sorted(f"main/{name}" for name in new)


def test_a_link_is_not_kept(branch: Branch) -> None:
    made = branch.folder / "made"
    made.mkdir()
    (made / "index.html").symlink_to("/etc/passwd")
    assert "is neither a file nor a folder" in branch.do("commit", made).stderr


@pytest.mark.parametrize("kind", ["..", "../x", "a/b", ".git", "-x", "", "x" * 200, "a\nb"])
def test_the_folder_of_a_kind_leads_nowhere(branch: Branch, kind: str) -> None:
    assert "is no name of a folder" in branch.do("fetch", branch.folder / "x", kind).stderr


@pytest.mark.parametrize("name", ["--upload-pack=touch pwned", "a..b", "refs heads", "", "a\nb"])
def test_the_name_of_a_branch_is_one(branch: Branch, name: str) -> None:
    assert branch.do("fetch", branch.folder / "x", BRANCH=name).returncode == 1
    assert not list(branch.folder.rglob("*pwned*"))
