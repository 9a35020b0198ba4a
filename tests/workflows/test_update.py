"""update.yml: what a new release is, what the pull request says, and that it is opened from the patch alone."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .projects import ASSERT, project
from .support import OWNER, ROOT, git

SCRIPT = ROOT / ".github" / "actions" / "update" / "update.py"
PINNED = "# pins\ntorch==2.13.0\ntransformers==5.23.0\n"


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that says nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Serve a package index from `tmp_path`; return the address of its one file."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/index.json"
        server.shutdown()


def release(folder: Path, version: str) -> None:
    (folder / "index.json").write_text(json.dumps({"info": {"version": version}}))


@pytest.mark.parametrize(
    ("version", "follows"),
    [
        ("5.24.0", True),
        ("5.23.1", True),
        ("6.0", True),
        ("5.100.0", True),
        ("5.23.0.post1", True),
        ("5.23.0", False),
        ("5.9.9", False),
        ("5.24.0rc1", False),
        ("5.24.0.dev0", False),
        ("5.24.0\nversion=evil", False),
        ("5.24.0; touch pwned", False),
        ("--index-url=x", False),
        ("", False),
    ],
)
def test_only_a_newer_release_is_pinned(tmp_path: Path, index: str, version: str, follows: bool) -> None:
    release(tmp_path, version)
    constraints, output = tmp_path / "constraints.txt", tmp_path / "output"
    constraints.write_text(PINNED)
    env = {"HFCI_INDEX": index, "GITHUB_OUTPUT": str(output)}
    subprocess.run([sys.executable, SCRIPT, "pin", constraints], env=env, check=True, capture_output=True)
    assert constraints.read_text() == (PINNED.replace("5.23.0", version) if follows else PINNED)
    assert (output.read_text() if output.exists() else "") == (f"version={version}\n" if follows else "")


def test_nothing_happens_without_a_new_release(tmp_path: Path, index: str) -> None:
    release(tmp_path, "5.23.0")
    emulator = project(tmp_path, {"one": ASSERT}, files={"constraints.txt": PINNED})
    told = emulator.run("update.yml", event="schedule", environment={"HFCI_INDEX": index})
    assert told.results == {"regenerate": "success", "pull request": "skipped"}, told.log
    assert told.artifacts == ()


def manifest(version: str, *names: str) -> str:
    return json.dumps({"transformers": version, "model_types": [{"model_type": name} for name in names]})


def body(folder: Path, before: str, after: str, summary: dict[str, object]) -> str:
    for name, text in (("before", before), ("after", after), ("summary", json.dumps(summary))):
        (folder / name).write_text(text)
    paths = [folder / name for name in ("before", "after", "summary", "out/body.md")]
    subprocess.run([sys.executable, SCRIPT, "body", *paths], check=True)
    return (folder / "out" / "body.md").read_text()


def test_the_body_says_what_came_what_went_and_what_broke(tmp_path: Path) -> None:
    failure = {"case": "bert/BertModel/x[device=cpu]", "outcome": "failed", "error": "ValueError: no", "reason": None}
    summary = {"planned": 9, "executed": 8, "failures": [failure], "failures_left_out": 0}
    text = body(tmp_path, manifest("5.23.0", "bert", "old"), manifest("5.24.0", "bert", "brand-new"), summary)
    shown = html.unescape(re.sub("</?code>", "", text))
    assert "transformers 5.23.0 → 5.24.0: 2 model types, 8 of 9 smoke cases executed." in shown
    assert "### Added model types\n\n- brand-new\n" in shown
    assert "### Removed model types\n\n- old\n" in shown
    assert "### New failures\n\n- bert/BertModel/x[device=cpu] failed: ValueError: no\n" in shown


def test_a_body_has_a_limit_and_its_names_are_text(tmp_path: Path) -> None:
    hostile = "</code><img src=x> @everyone [x](https://x.example)\n## New"
    failure = {"case": hostile * 9, "outcome": "failed", "error": None, "reason": hostile}
    summary = {"planned": 9, "executed": 8, "failures": [failure] * 1000, "failures_left_out": 234}
    text = body(tmp_path, manifest("5.23.0"), manifest("5.24.0", hostile), summary)
    assert len(text) < 65536
    assert not [sign for sign in ("<img", "@everyone", "](https", "\n## New") if sign in text]
    assert re.search(r"- and \d+ more", text)


def test_the_pull_request_is_made_of_the_patch_and_of_nothing_else(tmp_path: Path) -> None:
    emulator = project(tmp_path, {"one": ASSERT}, files={"constraints.txt": PINNED, "docs/README.md": "old\n"})
    folder = emulator.repositories[OWNER]
    # What the job before made: it wanted to change a workflow, too.
    (folder / "constraints.txt").write_text(PINNED.replace("5.23.0", "5.24.0"))
    (folder / "docs" / "README.md").write_text("new\n")
    (folder / ".github" / "workflows" / "ci.yml").write_text("on: push\n")
    patch = git(folder, "diff", "--binary") + "\n"
    git(folder, "checkout", "--quiet", ".")
    artifact = emulator.folder / "run" / "artifacts" / "update-1"
    artifact.mkdir(parents=True)
    (artifact / "update.patch").write_text(patch)
    (artifact / "body.md").write_text("what came of it\n")
    gh = emulator.shims() / "gh"
    gh.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$RUNNER_TEMP/gh"\ncat "$RUNNER_TEMP/update/body.md"\n')
    gh.chmod(0o755)
    outputs = {"version": "5.24.0"}
    kept = {"name": "regenerate", "id": "regenerate", "result": "success", "steps": [], "outputs": outputs}
    told = emulator.run("update.yml", event="schedule", attempt=2, keep={"regenerate": kept})
    job = told["pull request"]
    assert job.result == "success", job.log
    assert "what came of it" in job.log
    changed = git(folder, "diff", "--name-only", "main", "transformers-5.24.0").splitlines()
    assert changed == ["constraints.txt", "docs/README.md"]
    assert git(folder, "log", "-1", "--format=%s by %an", "transformers-5.24.0") == (
        "Follow transformers 5.24.0 by github-actions[bot]"
    )
    (asked,) = told.work.rglob("temp/gh")
    assert asked.read_text().split("\n")[:5] == ["pr", "create", "--head", "transformers-5.24.0", "--title"]
