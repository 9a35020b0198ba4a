"""comment.yml: one comment, by trusted code, from a hostile file; the API of GitHub is a small server here."""

from __future__ import annotations

import html
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.warm import COLD

from .api import serving
from .projects import project
from .support import OWNER, ROOT, Emulator, Told

SCRIPT = ROOT / ".github" / "actions" / "comment" / "comment.py"
SHA = "1" * 40
OUTCOMES = dict.fromkeys(
    (
        "passed",
        "failed",
        "known-failure",
        "unavailable",
        "not-applicable",
        "reused",
        "not-run",
        "assumed",
        "quarantined",
    ),
    0,
)


@dataclass
class Server:
    """What GitHub knows: pull requests, and comments by their ID."""

    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def answer(self, method: str, address: str, granted: dict[str, str], body: Any) -> tuple[int, Any]:
        """Answer one request as GitHub does."""
        url = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if granted.get("pull-requests") != "write":
            self.refused.append(address)
            return 403, {"message": "Resource not accessible by integration"}
        path = url.path.removeprefix(f"/repos/{OWNER}/")
        if (method, path) == ("GET", "pulls"):
            return 200, [pull for pull in self.pulls if pull["head"]["label"] == query["head"]]
        if (method, path) == ("GET", "issues/5/comments"):
            return 200, list(self.comments.values()) if query["page"] == "1" else []
        if (method, path) == ("POST", "issues/5/comments"):
            number = len(self.comments) + 1
            self.comments[number] = {"id": number, "user": {"login": "github-actions[bot]"}, **body}
            return 201, self.comments[number]
        if method == "PATCH" and path.startswith("issues/comments/"):
            self.comments[int(path.rpartition("/")[2])].update(body)
            return 200, {}
        return 404, {"message": f"Not Found: {method} {path}"}


@dataclass
class Place:
    """Where comment.yml runs."""

    emulator: Emulator
    server: Server
    api: str
    count: int = 0

    def comment(
        self, files: dict[str, str] | None, *, conclusion: str = "failure", branch: str = "feature", **more: Any
    ) -> Told:
        """Run comment.yml after a run of ci which uploaded these files, or nothing."""
        self.count += 1
        earlier = self.emulator.folder / f"earlier-{self.count}"
        for name, text in (files or {}).items():
            (earlier / "coverage-summary" / name).parent.mkdir(parents=True, exist_ok=True)
            (earlier / "coverage-summary" / name).write_text(text)
        earlier.mkdir(exist_ok=True)
        run = {
            "id": 4000,
            "event": "pull_request",
            "conclusion": conclusion,
            "head_branch": branch,
            "head_sha": SHA,
            "html_url": f"https://github.com/{OWNER}/actions/runs/4000",
            "head_repository": {"full_name": "stranger/hfci", "owner": {"login": "stranger"}},
            **more,
        }
        about = {"event": "workflow_run", "payload": {"workflow_run": run}, "environment": {"GITHUB_API_URL": self.api}}
        return self.emulator.run("comment.yml", name=f"run-{self.count}", earlier={"4000": str(earlier)}, **about)

    @property
    def bodies(self) -> list[str]:
        """The texts of all comments."""
        return [comment["body"] for comment in self.server.comments.values()]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Start GitHub, with one pull request from a fork."""
    head = {"label": "stranger:feature", "sha": SHA, "repo": {"full_name": "stranger/hfci"}}
    server = Server(pulls=[{"number": 5, "head": head}])

    with serving(server.answer) as api:
        yield Place(project(tmp_path, {}), server, api)


def summary(**more: Any) -> dict[str, str]:
    failure = {
        "case": "bert/BertModel/forward_is_finite[device=cpu]",
        "outcome": "failed",
        "error": "AssertionError: no",
    }
    data = {"outcomes": {**OUTCOMES, "passed": 7, "failed": 1}, "failures": [failure], "failures_left_out": 0, **more}
    return {"coverage-summary.json": json.dumps(data)}


def test_one_comment_that_each_run_brings_up_to_date(place: Place) -> None:
    told = place.comment(summary())
    assert told.result == "success", told.log
    (body,) = place.bodies
    assert "| passed | 7 |\n| failed | 1 |" in body
    assert "forward&#95;is&#95;finite" in body
    assert "[the run](https://github.com/example/hfci/actions/runs/4000)" in body
    place.comment(summary(failures=[], outcomes={**OUTCOMES, "passed": 8}), conclusion="success")
    (body,) = place.bodies
    assert "<code>success</code>" in body
    assert "failed" not in body


@pytest.mark.parametrize("files", [summary(), {"coverage-summary.json": "{}"}, None], ids=["read", "unfit", "none"])
def test_every_comment_names_its_commit(place: Place, files: dict[str, str] | None) -> None:
    place.comment(files)
    assert [f"Commit <code>{SHA[:10]}</code>." in body for body in place.bodies] == [True]


def test_it_counts_what_is_assumed_and_needs_no_outcome_that_another_hfci_does_not_know(place: Place) -> None:
    place.comment(summary(outcomes={**OUTCOMES, "passed": 7, "assumed": 3}))
    assert "| assumed | 3 |" in place.bodies[0]
    fewer = {name: number for name, number in OUTCOMES.items() if name != "reused"}
    place.comment(summary(outcomes={**fewer, "passed": 7}))
    assert "| passed | 7 |" in place.bodies[0]


def test_the_comment_of_a_person_is_left_alone(place: Place) -> None:
    copied = {"id": 1, "user": {"login": "stranger"}, "body": "<!-- hfci: the comment of ci -->"}
    place.server.comments[1] = dict(copied)
    place.comment(summary())
    assert place.server.comments[1] == copied
    assert len(place.bodies) == 2


def test_a_run_without_a_report(place: Place) -> None:
    assert place.comment(None).result == "success"
    assert "ended without a report" in place.bodies[0]


def test_a_newer_commit_or_another_repository_gets_no_comment(place: Place) -> None:
    assert place.comment(summary(), head_sha="2" * 40).result == "success"
    other = {"full_name": "stranger/other", "owner": {"login": "stranger"}}
    assert place.comment(summary(), head_repository=other).result == "success"
    assert place.bodies == []


def test_what_is_no_pull_request_has_no_comment(place: Place) -> None:
    assert place.comment(summary(), event="push").results == {"comment": "skipped"}


def test_the_names_of_cases_and_branches_are_text(place: Place) -> None:
    hostile = "</code><img src=x> @everyone #1 [x](https://x.example) `|`\n## Green\u202e\u2066\n::set-output name=a::b"
    hostile += " $(touch pwned)"
    failure = {"case": hostile, "outcome": "failed", "error": hostile * 50}
    place.server.pulls[0]["head"]["label"] = f"stranger:{hostile}"
    told = place.comment(summary(failures=[failure] * 1000, failures_left_out=5, verdict=hostile), branch=hostile)
    (body,) = place.bodies
    assert len(body) < 65536
    assert not [
        sign
        for sign in ("<img", "@everyone", "](https://x", "`", "\n## Green", "#1 ", "\u202e", "\u2066")
        if sign in body
    ]
    assert "and 975 more" in body
    assert "1005 red" in body
    assert not [path for path in told.work.rglob("*") if path.name == "pwned"]
    assert all(step.outputs.keys() <= {"download-path"} for step in told["comment"].steps)


CAUSE = {
    "cause": "9ed194d887ae5302",
    "new": True,
    "cases": 30,
    "model_types": ["bert", "gpt2"],
    "model_types_left_out": 28,
    "families": {"text_encoder": 30},
    "error": "failed at forward: RuntimeError: no",
    "place": "transformers/masking_utils.py:210 in create_causal_mask",
    "address": "https://github.com/huggingface/transformers/blob/v5.24.0/src/transformers/masking_utils.py#L210",
    "since": "new; the change touches all of them",
    "example": "bert/BertModel/forward_is_finite[device=cpu]",
    "reproduce": "hfci run bert",
}


def by_cause(**more: Any) -> dict[str, str]:
    known = {
        "causes": [CAUSE, {**CAUSE, "new": False, "cases": 2}],
        "causes_left_out": 3,
        "fixed": [{"cause": None, "cases": 4, "error": "ValueError: gone", "example": "vit/ViTModel/x"}],
        "fixed_left_out": 0,
        "differences": [{"what": "torch", "before": "2.12.0", "now": "2.13.0"}],
        "spent": {"jobs": 12, "longest_s": 312.5, "machine_minutes": 34},
        "left_out": {"cases": 900, "model_types": 40},
        "quarantine": 2,
    }
    return summary(**{**known, **more})


def test_it_tells_what_broke_and_what_is_fixed_by_cause_and_what_it_took(place: Place) -> None:
    told = place.comment(by_cause())
    assert told.result == "success", told.log
    body = html.unescape(place.bodies[0])
    _, broken, red, fixed, rest = body.split("### ")
    assert broken.startswith("Newly broken\n\n- 30 cases: <code>failed at forward: RuntimeError: no</code>")
    assert f"[<code>{CAUSE['place']}</code>]({CAUSE['address']})" in broken
    assert "strikes <code>bert, gpt2</code><br><code>new; the change touches all of them</code>" in broken
    assert red.startswith("Red\n\n- 2 cases")
    assert "- and 3 more" in red
    assert "- 4 cases, <code>vit/ViTModel/x</code>: <code>ValueError: gone</code>" in fixed
    assert "<code>torch</code>: <code>2.12.0</code> → <code>2.13.0</code>" in rest
    assert "12 jobs took 34 machine minutes, the longest of them 5.2 min." in rest
    assert "900 cases of 40 model types were left out for want of time. 2 cases are in quarantine" in rest
    assert f"[its artifacts](https://github.com/{OWNER}/actions/runs/4000#artifacts)" in rest


def test_what_causes_say_is_text_and_links_to_nothing_but_transformers(place: Place) -> None:
    hostile = "</code><img src=x> @everyone #1 [x](https://x.example) `|`\n## Green\u202e"
    cause = {**dict.fromkeys(CAUSE, hostile), "cases": 1, "new": True, "model_types": [hostile] * 50}
    other = {**CAUSE, "address": "https://github.com/evil/transformers/blob/v5/src/transformers/a.py#L1"}
    rows = {"causes": [cause, other] * 500, "fixed": [cause] * 500, "differences": [cause] * 500}
    assert place.comment(by_cause(**rows)).result == "success"
    (body,) = place.bodies
    assert len(body) < 65536
    assert not [
        sign
        for sign in ("<img", "@everyone", "](https://x", "`", "\n## Green", "#1 ", "\u202e", "evil")
        if sign in body
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"causes": 5},
        {"causes": ["x"]},
        {"causes": [{"cases": "x"}]},
        {"fixed": None},
        {"differences": {}},
        {"spent": {"jobs": 1, "machine_minutes": 2, "longest_s": "long"}},
        {"spent": []},
        {"quarantine": True},
    ],
)
def test_causes_that_are_none_are_not_shown(place: Place, more: dict[str, Any]) -> None:
    assert place.comment(by_cause(**more)).result == "success"
    assert "it is not shown" in place.bodies[0]


def test_a_comment_is_no_longer_than_github_takes(place: Place) -> None:
    failure = {"case": chr(0x1F600) * 500, "outcome": "not-run", "error": "]" * 500}
    assert place.comment(summary(failures=[failure] * 40)).result == "success"
    (body,) = place.bodies
    assert 40_000 < len(body) < 65_536


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps({"outcomes": {**OUTCOMES, "passed": "many"}, "failures": [], "failures_left_out": 0}),
        json.dumps({"outcomes": {**OUTCOMES, "passed": -1}, "failures": [], "failures_left_out": 0}),
        json.dumps({"outcomes": {**OUTCOMES, "passed": True}, "failures": [], "failures_left_out": 0}),
        json.dumps({"outcomes": OUTCOMES, "failures": {"a": 1}, "failures_left_out": 0}),
        json.dumps({"outcomes": OUTCOMES, "failures": [{"case": "x", "outcome": "<b>"}], "failures_left_out": 0}),
        json.dumps({"outcomes": OUTCOMES, "failures": ["x"], "failures_left_out": 0}),
        "x" * 20_000_001,
    ],
    ids=lambda text: text[:20] or "empty",
)
def test_a_file_that_ci_does_not_write_leaves_no_older_success_standing(place: Place, text: str) -> None:
    place.comment(summary(failures=[], outcomes={**OUTCOMES, "passed": 8}), conclusion="success")
    told = place.comment({"coverage-summary.json": text})
    assert told.results == {"comment": "success"}, told.log
    (note,) = [note for step in told["comment"].steps for note in step.annotations]
    assert note["level"] == "warning"
    (body,) = place.bodies
    assert "## ci: <code>failure</code>" in body
    assert "left a coverage summary that" in body
    assert "| passed" not in body


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "coverage-summary.json"
    (tmp_path / "elsewhere").write_text(summary()["coverage-summary.json"])
    {"folder": path.mkdir, "link": lambda: path.symlink_to("elsewhere"), "pipe": lambda: os.mkfifo(path)}[kind]()
    code = "import runpy, sys; found = runpy.run_path(sys.argv[1]); found['read'](found['Path'](sys.argv[2]))"
    command = [COLD, "-c", code, SCRIPT, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Unfit: " in done.stderr.splitlines()[-1]


def test_the_token_may_do_no_more_than_comment(place: Place) -> None:
    told = place.comment(summary())
    assert told["comment"].told["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert "ghs_" not in told.log
    assert place.server.refused == []
