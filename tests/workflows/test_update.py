"""update.yml: what a new release is, what the pull request says, and that it is opened from the patch alone."""

from __future__ import annotations

import html
import itertools
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.warm import COLD

from .projects import ASSERT, INSTALLED, project
from .support import OWNER, ROOT, Emulator, Told, git, write

SCRIPT = ROOT / ".github" / "actions" / "update" / "update.py"
TEXT: dict[str, bool] = {"capture_output": True, "text": True}
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
        ("##[set-output name=version;]9.9.9", False),
        ("", False),
    ],
)
def test_only_a_newer_release_is_pinned(tmp_path: Path, index: str, version: str, follows: bool) -> None:
    release(tmp_path, version)
    constraints, output = tmp_path / "constraints.txt", tmp_path / "output"
    constraints.write_text(PINNED)
    env = {"HFCI_INDEX": index, "GITHUB_OUTPUT": str(output)}
    done = subprocess.run([COLD, SCRIPT, "pin", constraints], env=env, check=True, **TEXT)
    assert "##[" not in done.stdout  # the runner would obey it
    assert constraints.read_text() == (PINNED.replace("5.23.0", version) if follows else PINNED)
    assert (output.read_text() if output.exists() else "") == (f"version={version}\nbefore=5.23.0\n" if follows else "")


def test_nothing_happens_without_a_new_release(tmp_path: Path, index: str) -> None:
    release(tmp_path, "5.23.0")
    emulator = project(tmp_path, {"one": ASSERT}, files={"constraints.txt": PINNED})
    told = emulator.run("update.yml", event="schedule", vars={"HFCI_INDEX": index})
    assert told.results == {"regenerate": "success", "pull request": "skipped"}, told.log
    assert told.artifacts == ()


GREEN = {"planned": 9, "executed": 8, "failures": [], "failures_left_out": 0}
LOST = "Lost, and not accepted: ci is red until each is mended or accepted"


def loss(*values: str | None) -> dict[str, Any]:
    return dict(zip(("model_type", "architecture", "kind", "name", "accepted"), values, strict=True))


def findings(summary: dict[str, Any], bad: list[dict[str, Any]], **comparison: Any) -> dict[str, str]:
    """Return the files that say what came of a release."""
    compared = {"version": "5.24.0", "against": "5.23.0", "lacks": [], "adds": [], "losses": [], "problems": []}
    content = {"generated": {"problems": bad}, "comparison": {**compared, **comparison}, "coverage-summary": summary}
    return {f"{name}.json": json.dumps(one) for name, one in content.items()}


def write_body(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Have body.md written in `folder`, of these files."""
    write(folder, files)
    return subprocess.run([COLD, SCRIPT, "body", folder, folder / "body.md"], check=False, **TEXT)


def body(folder: Path, summary: dict[str, Any], bad: list[dict[str, Any]], **comparison: Any) -> str:
    done = write_body(folder, findings(summary, bad, **comparison))
    assert done.returncode == 0, done.stderr
    return (folder / "body.md").read_text()


def test_the_body_says_what_came_what_went_what_is_lost_and_what_broke(tmp_path: Path) -> None:
    failure = {"case": "bert/BertModel/x[device=cpu]", "outcome": "failed", "error": "ValueError: no", "reason": None}
    summary = {"planned": 9, "executed": 8, "failures": [failure], "failures_left_out": 0}
    text = body(
        tmp_path,
        summary,
        [{"file": "foo", "line": 0, "rule": "render", "message": "'x' is undefined"}],
        lacks=["old"],
        adds=["brand-new"],
        losses=[
            loss("old", None, "model type", None, None),
            loss("bert", "BertModel", "output", "cache", None),
            loss("gptj", "GPTJModel", "family", "a to b", "read it"),
        ],
        problems=["accepted.toml: it must go"],
    )
    shown = html.unescape(re.sub("</?code>", "", text))
    assert "transformers 5.23.0 → 5.24.0: 8 of 9 smoke cases executed, 2 losses to accept or to mend." in shown
    assert "### Added model types\n\n- brand-new\n" in shown
    assert "### Removed model types\n\n- old\n" in shown
    assert f"### {LOST}\n\n- old model type\n- bert BertModel output cache\n" in shown
    assert "### Lost, and accepted\n\n- gptj GPTJModel family a to b: read it\n" in shown
    assert "### Acceptances that are wrong\n\n- accepted.toml: it must go\n" in shown
    assert "### Without a test\n\n- foo render: 'x' is undefined\n" in shown
    assert "### New failures\n\n- bert/BertModel/x[device=cpu] failed: ValueError: no\n" in shown


def test_the_body_says_what_computes_otherwise_and_since_when(tmp_path: Path) -> None:
    each = {"name": "BertModel", "kind": "numerics changed", "interface": ["argument x is gone"], "sources": ["k"]}
    each["fields"] = [{"name": "logits", "moved": 0.5, "what": "", "allowed": 1e-5}]
    stops = {"name": "<b>", "kind": "fails now", "stage": "load", "error": "@team #1", "interface": [], "sources": []}
    changes = {
        "sources": {"k": {"file": "models/bert/modeling_bert.py", "name": "BertLayer.forward", "diff": "+x"}},
        "model_types": [{"model_type": "bert", "architectures": [each, {**stops, "fields": []}]}],
    }
    found = {"case": "bert/BertModel/x", "good": "5.23.0", "bad": "5.23.1", "sources": [{"file": "a.py", "name": "f"}]}
    causes = {"bisected": [found, {"case": "y", "error": "is not good"}], "left": ["z"]}
    files = findings(GREEN, [])
    done = write_body(tmp_path, {**files, "changes.json": json.dumps(changes), "causes.json": json.dumps(causes)})
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "body.md").read_text()
    shown = html.unescape(re.sub("</?code>", "", text))
    assert "bert/BertModel/x: since 5.23.1, after 5.23.0: a.py f\n- y: is not good\n- and 1 more" in shown
    assert "- bert BertModel: logits 0.5 (models/bert/modeling_bert.py BertLayer.forward)\n" in shown
    assert "- bert <b>: load @team #1\n" in shown
    assert "- bert BertModel: argument x is gone\n" in shown
    assert "<b>" not in text
    assert "@team" not in text
    for name in ("changes.json", "causes.json"):
        done = write_body(tmp_path, {**files, name: "{}"})
        assert done.returncode == 1
        assert "lists no" in done.stderr
        (tmp_path / name).unlink()


def test_a_body_has_a_limit_and_its_names_are_text(tmp_path: Path) -> None:
    hostile = "</code><img src=x> @everyone [x](https://x.example)\n## New\u202e"
    failure = {"case": hostile * 9, "outcome": "failed", "error": None, "reason": hostile}
    summary = {"planned": 9, "executed": 8, "failures": [failure] * 1000, "failures_left_out": 234}
    text = body(
        tmp_path,
        summary,
        [{"file": hostile, "line": 0, "rule": hostile, "message": hostile}] * 1000,
        version=hostile,
        lacks=[hostile] * 1000,
        adds=[hostile] * 1000,
        losses=[loss(*[hostile] * 4, accepted) for accepted in (None, hostile)] * 1000,
        problems=[hostile] * 1000,
    )
    assert len(text) < 65536
    assert not [sign for sign in ("<img", "@everyone", "](https", "\n## New", "\u202e") if sign in text]
    assert len(re.findall(r"- and \d+ more", text)) == 7


def test_the_pull_request_is_made_of_the_patch_and_of_nothing_else(tmp_path: Path) -> None:
    emulator = project(tmp_path, {"one": ASSERT}, files={"constraints.txt": PINNED, "docs/README.md": "old\n"})
    folder = emulator.repositories[OWNER]
    # What the job before made: it wanted to change a workflow, too.
    (folder / "constraints.txt").write_text(PINNED.replace("5.23.0", "5.24.0"))
    (folder / "docs" / "README.md").write_text("new\n")
    (folder / ".github" / "workflows" / "ci.yml").write_text("on: push\n")
    patch = git(folder, "diff", "--binary") + "\n"
    git(folder, "checkout", "--quiet", ".")
    hostile = "<img src=x> @everyone\n## New"
    made = {"update.patch": patch, "body.md": hostile, **findings(GREEN, [], adds=[hostile])}
    write(emulator.folder / "run" / "artifacts" / "update-1", made)
    github = Pulls(emulator)
    outputs = {"version": "5.24.0", "do": "create", "tip": "", "pull": "", "artifact": "update-1"}
    kept = {"name": "regenerate", "id": "regenerate", "result": "success", "steps": [], "outputs": outputs}
    told = emulator.run("update.yml", event="schedule", attempt=2, keep={"regenerate": kept})
    job = told["pull request"]
    assert job.result == "success", job.log
    changed = git(folder, "diff", "--name-only", "main", "transformers-5.24.0").splitlines()
    assert changed == ["constraints.txt", "docs/README.md"]
    assert git(folder, "log", "-1", "--format=%s by %an", "transformers-5.24.0") == (
        "Follow transformers 5.24.0 by github-actions[bot]"
    )
    (text,) = github.bodies.values()
    assert "8 of 9 smoke cases executed" in text
    assert not [sign for sign in ("<img", "@everyone", "\n## New") if sign in text]
    assert github.started == ["ci.yml --ref transformers-5.24.0"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("generated.json", "[]", "is no JSON object"),
        ("generated.json", "[" * 100_000, "is no JSON"),
        ("generated.json", '{"problems": ["x"]}', "has problems that are none"),
        ("generated.json", '{"problems": {}}', "lists no problems"),
        ("comparison.json", "{}", "lists no losses"),
        ("coverage-summary.json", '{"failures": [], "failures_left_out": "x"}', "says no count of failures_left_out"),
        ("coverage-summary.json", "x" * 20_000_001, "has more than"),
        ("coverage-summary.json", None, "is not there"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_hfci_does_not_write_of_a_release_is_not_told(
    tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    files = {**findings(GREEN, []), **({} if text is None else {name: text})}
    done = write_body(tmp_path, {one: known for one, known in files.items() if text is not None or one != name})
    assert (done.returncode, (tmp_path / "body.md").exists()) == (1, False)
    assert name in done.stderr
    assert said in done.stderr


def test_a_link_in_the_place_of_what_is_told_of_a_release_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, findings(GREEN, []))
    (tmp_path / "generated.json").rename(tmp_path / "elsewhere")
    (tmp_path / "generated.json").symlink_to("elsewhere")
    assert "generated.json cannot be opened" in write_body(tmp_path, {}).stderr


# The pull requests of a repository, as `gh` shows and makes them; the token may be none but one that is granted that.
GH = """#!{python}
import base64, json, os, pathlib, sys
place = pathlib.Path("{folder}")
pulls = json.loads((place / "pulls.json").read_text())
granted = os.environ["GH_TOKEN"].removeprefix("ghs_")
may = json.loads(base64.urlsafe_b64decode(granted + "=="))
match sys.argv[1:]:
    case ["pr", "list", "--repo", _, "--head", branch, "--state", "all", "--json", "number,state"]:
        print(json.dumps([dict(number=int(n), state=p["state"]) for n, p in pulls.items() if p["head"] == branch]))
        sys.exit(may.get("pull-requests") not in ("read", "write"))
    case ["pr", "create", "--head", branch, "--title", _, "--body-file", file] if may["pull-requests"] == "write":
        if any(p["head"] == branch and p["state"] == "OPEN" for p in pulls.values()):
            sys.exit(f"a pull request for branch {branch} already exists")
        pulls[str(len(pulls) + 1)] = dict(head=branch, state="OPEN", body=pathlib.Path(file).read_text())
    case ["pr", "edit", number, "--body-file", file] if may["pull-requests"] == "write":
        pulls[number]["body"] = pathlib.Path(file).read_text()
    case ["workflow", "run", *what] if may["actions"] == "write":
        with (place / "started").open("a") as started:
            print(*what, file=started)
    case other:
        sys.exit(f"gh: {other}")
(place / "pulls.json").write_text(json.dumps(pulls))
"""


class Pulls:
    """The pull requests of the emulated repository."""

    def __init__(self, emulator: Emulator) -> None:
        self.folder = emulator.folder / "github"
        self.folder.mkdir()
        self.write({})
        gh = emulator.shims() / "gh"
        gh.write_text(GH.replace("{python}", COLD).replace("{folder}", str(self.folder)))
        gh.chmod(0o755)

    def read(self) -> dict[str, Any]:
        return json.loads((self.folder / "pulls.json").read_text())

    def write(self, pulls: dict[str, Any]) -> None:
        (self.folder / "pulls.json").write_text(json.dumps(pulls))

    @property
    def bodies(self) -> dict[str, str]:
        return {number: pull["body"] for number, pull in self.read().items()}

    @property
    def started(self) -> list[str]:
        started = self.folder / "started"
        return started.read_text().splitlines() if started.exists() else []


# What hfci renders and finds, other tests say: here it writes what a night's commit is called, and a summary.
SUMMARY = '{"planned": 1, "executed": 1, "failures": [], "failures_left_out": 0}'
GENERATED = '{"problems": [{"file": "foo", "line": 0, "rule": "render", "message": "a bad row"}]}'
COMPARISON = (
    '{"version": "5.24.0", "against": "5.23.0", "lacks": [], "adds": [], "problems": [], "losses": '
    '[{"model_type": "bert", "architecture": "BertModel", "kind": "output", "name": "cache", "accepted": null}]}'
)
HFCI = """#!/bin/sh
case "$1 $2" in
  "generate --verify")
    git log -1 --format=%s > generated/of; sed -i s/{old}/5.24.0/ generated/manifest.json; echo '{generated}'; exit 1;;
  "catalog --against") test "$3" = "$RUNNER_TEMP/before.json" || exit 2; echo '{comparison}'; exit 1;;
  "report results") echo '{summary}' > "$RUNNER_TEMP/update/coverage-summary.json";;
esac
"""


@pytest.fixture
def days(tmp_path: Path, index: str) -> tuple[Emulator, Pulls, Callable[[], Told]]:
    """A repository that a release has come for, its pull requests, and what runs update.yml for one more day."""
    release(tmp_path, "5.24.0")
    emulator = project(tmp_path, {"one": ASSERT}, files={"constraints.txt": PINNED, "docs/README.md": "old\n"})
    github = Pulls(emulator)
    script = emulator.shims().parent / "environment" / "hfci"
    told = {"old": INSTALLED, "summary": SUMMARY, "generated": GENERATED, "comparison": COMPARISON}
    script.write_text(re.sub(r"{(\w+)}", lambda found: told[found[1]], HFCI))
    count = itertools.count(1)
    return emulator, github, lambda: emulator.run(
        "update.yml", name=f"day-{next(count)}", event="schedule", vars={"HFCI_INDEX": index}
    )  # fmt: skip


BRANCH = "transformers-5.24.0"


def test_an_open_pull_request_is_made_anew_only_when_something_has_changed(
    days: tuple[Emulator, Pulls, Callable[[], Told]],
) -> None:
    emulator, github, day = days
    folder = emulator.repositories[OWNER]
    told = day()
    assert told.result == "success", told.log
    assert "a pull request is opened" in told["regenerate"].summary
    assert list(github.bodies) == ["1"]
    # Rows without a test and what is lost end no job: the pull request says it.
    shown = html.unescape(re.sub("</?code>", "", github.bodies["1"]))
    assert f"### {LOST}\n\n- bert BertModel output cache\n" in shown
    assert "### Without a test\n\n- foo render: a bad row\n" in shown
    first = git(folder, "rev-parse", BRANCH)
    assert git(folder, "show", f"{BRANCH}:constraints.txt") == PINNED.replace("5.23.0", "5.24.0").strip()
    # Of all else what is pinned is installed: what breaks then is the release's.
    (constraint, *asked) = told.resolved[0].files["asked.txt"]
    assert constraint.endswith("/workspace/constraints.txt")
    assert asked == ["transformers==5.24.0"]

    told = day()
    assert told.results == {"regenerate": "success", "pull request": "skipped"}
    assert "#1 was made from this very commit, and is left alone" in told["regenerate"].summary

    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a day later")
    told = day()
    assert told.result == "success", told.log
    assert "pull request #1 is made anew" in told["regenerate"].summary
    assert list(github.bodies) == ["1"]
    assert git(folder, "rev-parse", BRANCH) != first
    assert git(folder, "show", f"{BRANCH}:generated/of") == "a day later"
    assert github.started == [f"ci.yml --ref {BRANCH}"] * 2


def test_the_commit_of_a_maintainer_is_not_undone(days: tuple[Emulator, Pulls, Callable[[], Told]]) -> None:
    emulator, _, day = days
    folder = emulator.repositories[OWNER]
    assert day().result == "success"
    git(folder, "switch", "--quiet", BRANCH)
    (folder / "mended").write_text("by a person\n")
    git(folder, "add", "mended")
    git(folder, "commit", "--quiet", "--message", "Mend a recipe")
    tip = git(folder, "rev-parse", "HEAD")
    git(folder, "switch", "--quiet", "main")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a day later")
    told = day()
    assert told.results == {"regenerate": "success", "pull request": "skipped"}, told.log
    assert "has commits of somebody else: its pull request is left alone" in told["regenerate"].summary
    assert git(folder, "rev-parse", BRANCH) == tip
    # Nor where it was put into the bot's own commit.
    git(folder, "switch", "--quiet", BRANCH)
    git(folder, "reset", "--quiet", "--soft", "HEAD~2")
    author = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>"
    git(folder, "commit", "--quiet", "--author", author, "--message", "Follow transformers 5.24.0")
    git(folder, "switch", "--quiet", "main")
    assert "commits of somebody else" in day()["regenerate"].summary
    # Nor where another workflow made it.
    git(folder, "switch", "--quiet", BRANCH)
    bot = dict(zip(("user.name", "user.email"), author.rstrip(">").split(" <"), strict=True))
    settings = [part for name, value in bot.items() for part in ("-c", f"{name}={value}")]
    git(folder, *settings, "commit", "--quiet", "--amend", "--reset-author", "--message", "Mend the style")
    git(folder, "switch", "--quiet", "main")
    assert "commits of somebody else" in day()["regenerate"].summary


def test_what_was_pushed_after_the_look_is_not_undone(days: tuple[Emulator, Pulls, Callable[[], Told]]) -> None:
    emulator, _, day = days
    folder = emulator.repositories[OWNER]
    assert day().result == "success"
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a day later")
    # While the tests are rendered, somebody pushes.
    script = emulator.shims().parent / "environment" / "hfci"
    push = f'git -C "{folder}" branch --force {BRANCH} main\n'
    script.write_text(script.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{push}"))
    told = day()
    assert told["pull request"].result == "failure"
    assert "stale info" in told["pull request"].log
    assert git(folder, "rev-parse", BRANCH) == git(folder, "rev-parse", "main")


def test_a_closed_pull_request_is_not_opened_again(days: tuple[Emulator, Pulls, Callable[[], Told]]) -> None:
    _, github, day = days
    assert day().result == "success"
    github.write({"1": {**github.read()["1"], "state": "CLOSED"}})
    told = day()
    assert told.results == {"regenerate": "success", "pull request": "skipped"}
    assert "pull request #1 for it was closed, and is left alone" in told["regenerate"].summary
