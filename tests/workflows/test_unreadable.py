"""What a data branch has that cannot be read: a pull request's run says so and goes on, and takes nothing of it."""

from __future__ import annotations

import html
import json
import re
import sqlite3
from pathlib import Path

import pytest

from hfci.results.history.database import APPLICATION_ID

from .projects import ASSERT, ONLY_MODELS, SMOKE, data_branch, project, pull_request
from .support import OWNER, Emulator, Told, git, write

RECORDS = "main/records/1/a-records-0-1/records-0-1.jsonl"
HOSTILE = "<img src=x>`$(touch pwned)`"
RECORD = {"case": "one/OneSmoke/forward_is_finite[device=cpu]", "model_type": "one", "architecture": "OneSmoke"}


def newer_history(path: Path) -> bytes:
    """Return a history as an hfci of another day might write it."""
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("PRAGMA user_version = 99")
        database.execute("create table runs (x)")
    return path.read_bytes()


CORRUPT = {
    "main/requirements.json": '{"schema": 1, "runners": {"small":',
    "main/popularity.json": "no JSON",
    RECORDS: json.dumps({"schema": 3, "run": "r"}) + "\nno record\n",
}
NEWER = {
    "main/requirements.json": json.dumps({"schema": 99, "runners": []}),
    "main/popularity.json": json.dumps({"schema": 99}),
    RECORDS: json.dumps({"schema": HOSTILE, "run": "r"}) + "\n" + json.dumps(RECORD) + "\n",
}


def with_data(folder: Path, files: dict[str, str], history: bytes) -> tuple[Emulator, Told]:
    """Run a pull request of a repository with such a data branch."""
    emulator = project(folder, {"one": ASSERT}, runners=SMOKE)
    data_branch(emulator, files)
    branch = folder / "data"
    git(emulator.repositories[OWNER], "worktree", "add", "--quiet", str(branch), "hfci-data")
    (branch / "main" / "history.db").write_bytes(history)
    git(branch, "add", "--all", "--force")
    git(branch, "commit", "--quiet", "--message", "history")
    return emulator, emulator.run("ci.yml", **pull_request())


def plain(page: str) -> str:
    """Return the text of Markdown in which hfci has escaped every name."""
    return html.unescape(re.sub(r"</?code>|<wbr>", "", page))


@pytest.mark.parametrize("files", [CORRUPT, NEWER], ids=["corrupt", "newer"])
def test_what_is_known_from_earlier_and_cannot_be_read(tmp_path: Path, files: dict[str, str]) -> None:
    history = b"SQLite format 3\0" + b"no database" * 999 if files is CORRUPT else newer_history(tmp_path / "newer.db")
    emulator, told = with_data(tmp_path, files, history)
    assert {job.result for job in told.ran.values()} == {"success"}, told.log
    planned, reported = plain(told["models / plan"].summary), plain(told["models / report"].summary)
    for name in ("requirements.json", "popularity.json", "records-0-1.jsonl"):
        assert name in planned
    assert "Known from earlier, and not read" in reported
    for name in ("history.db", "popularity.json"):
        assert name in reported
    assert ("a history of schema 99" in reported) == (files is NEWER)
    assert "::warning" in told["models / report"].log
    assert HOSTILE not in told["models / plan"].summary
    # Nothing is granted, and nothing is lost.
    assert told["models / plan"].outputs["reused"] == "0"
    page = json.loads((told.artifact("coverage-summary") / "coverage-summary.json").read_text())
    assert (page["executed"], page["outcomes"]["reused"], page["green"]) == (2, 0, True)
    folder = emulator.repositories[OWNER]
    for name, text in files.items():
        assert git(folder, "show", f"hfci-data:{name}") == text.strip()
    assert (tmp_path / "data" / "main" / "history.db").read_bytes() == history
    assert git(folder, "rev-list", "--count", "hfci-data") == "2"
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("text", ["no JSON\n", '{"schema": 99}\n'], ids=["corrupt", "newer"])
def test_of_the_runs_own_records_every_one_is_read_or_the_run_is_red(tmp_path: Path, text: str) -> None:
    emulator = project(tmp_path, {"one": ASSERT}, runners=SMOKE)
    no_shard = [*ONLY_MODELS, {"job": "smoke on", "before": ""}, {"job": "report", "before": ""}]
    first = emulator.run("ci.yml", **pull_request(), cancel=no_shard)
    write(tmp_path / "run" / "artifacts" / "coverage-summary-records-0-1", {"records-other.jsonl": text})
    keep = {name: job.told for name, job in first.jobs.items() if name not in ("models / report", "gate")}
    told = emulator.run("ci.yml", **pull_request(), attempt=2, keep=keep)
    assert told["models / report"].result == told["gate"].result == "failure"
    # Not for what did not run, which would be 1.
    assert "exit code 2" in told["models / report"].step("hfci report").log[-1]
    assert "records-other.jsonl" in told["models / report"].log
