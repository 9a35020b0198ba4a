"""run.yml: who may have what run, at which commit, by a hostile comment; the API of GitHub is a small server here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.warm import COLD

from .api import serving
from .projects import GPU, OF_REPOSITORY, SMOKE, by_hand, project
from .support import OWNER, ROOT, Emulator, Told, git, write

SCRIPT = ROOT / ".github" / "actions" / "request" / "request.py"
WRITTEN = "2026-11-28T08:00:10Z"
BEFORE, AFTER = "2026-11-28T08:00:09Z", "2026-11-28T08:00:10Z"
ROLES = {"owner": "admin", "friend": "write", "reader": "read", "triager": "read"}


@dataclass
class GitHub:
    """What GitHub knows: one pull request, who may do what, and comments."""

    sha: str = "1" * 40
    repository: str | None = "stranger/hfci"
    pushed: str = BEFORE
    state: str = "open"
    comments: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, address: str, granted: dict[str, str], body: Any) -> tuple[int, Any]:
        """Answer one request as GitHub does."""
        path = urlsplit(address).path.removeprefix(f"/repos/{OWNER}/")
        self.asked.append(path)
        match method, path.split("/"):
            case "GET", ["collaborators", login, "permission"]:
                return (200, {"permission": ROLES[login]}) if login in ROLES else (404, {})
            case "GET", ["pulls", "5"] if granted.get("pull-requests") in ("read", "write"):
                repo = {"full_name": self.repository, "pushed_at": self.pushed} if self.repository else None
                return 200, {"state": self.state, "head": {"sha": self.sha, "repo": repo}}
            case "GET", ["issues", "5", "comments"]:
                return 200, []
            case "POST", ["issues", "5", "comments"] if granted == {"pull-requests": "write"}:
                self.comments.append(body["body"])
                return 201, {}
        return 403, {"message": "Resource not accessible by integration"}


@pytest.fixture
def github() -> Iterator[tuple[GitHub, str]]:
    server = GitHub()
    with serving(server.answer) as api:
        yield server, api


def ask(folder: Path, api: str, body: str, author: str = "owner", **more: str) -> dict[str, str]:
    """Run the script on a comment, and return its outputs."""
    out = folder / "output"
    out.write_text("")
    env = {"BODY": body, "AUTHOR": author, "CREATED": WRITTEN, "NUMBER": "5", "MODELS": "", "TIER": "", "COMMIT": ""}
    known = {"GITHUB_API_URL": api, "REPOSITORY": OWNER, "GH_TOKEN": READS, "GITHUB_OUTPUT": str(out)}
    subprocess.run([COLD, SCRIPT], env={**os.environ, **env, **known, **more}, cwd=folder, check=True)
    return dict(line.split("=", 1) for line in out.read_text().splitlines())


READS = "ghs_eyJwdWxsLXJlcXVlc3RzIjogInJlYWQifQ"  # {"pull-requests": "read"}


@pytest.mark.parametrize(
    ("body", "models", "tier"),
    [
        ("/hfci run llama", "llama", ""),
        ("/hfci run llama qwen* --tier functional\r\n", "llama qwen*", "functional"),
        ("/hfci  run family:vision BertForMaskedLM xlm-roberta kosmos-2.5 --tier smoke",
         "family:vision BertForMaskedLM xlm-roberta kosmos-2.5", "smoke"),
    ],
)  # fmt: skip
def test_a_command(tmp_path: Path, github: tuple[GitHub, str], body: str, models: str, tier: str) -> None:
    told = ask(tmp_path, github[1], body)
    assert told == {"models": models, "tier": tier, "commit": "1" * 40, "foreign": "true", "pull": "5"}


HOSTILE = (
    "",
    "/hfci",
    "/hfci run",
    "/hfci run --tier smoke",
    "/hfci run llama --tier",
    "/hfci run llama --tier all",
    "/hfci run llama --tier smoke --tier deep",
    "/hfci run llama --tier=smoke",
    "/hfci run --out=pwned",
    "/hfci run -- llama",
    "/hfci run llama $(touch pwned)",
    "/hfci run llama;touch pwned",
    "/hfci run `touch pwned`",
    "/hfci run llama && touch pwned",
    "/hfci run llama | touch pwned",
    "/hfci run llama > pwned",
    "/hfci run llama\ncommit=2222222222222222222222222222222222222222",
    "/hfci run llama\n\n/hfci run bert",
    "/hfci run llama\rcommit=2",
    "/hfci run llama\u2028bert",
    "/hfci run llama\u00a0bert",
    "/hfci run ll\u0430ma",
    "/hfci run llama\x00",
    "/hfci run ../../etc/passwd",
    "/hfci run /etc/passwd",
    "/hfci run ${{ github.token }}",
    "/hfci run 'llama'",
    "/hfci run [a-z]*",
    "/hfci run {llama,bert}",
    "/hfci run ~",
    "/hfci run models<<EOF",
    "/HFCI run llama",
    "please /hfci run llama",
    "/hfci run " + "a" * 101,
    "/hfci run " + "a " * 21,
    "/hfci run " + "a" * 70_000,
)


@pytest.mark.parametrize("body", [body for body in HOSTILE if "\x00" not in body])
def test_any_other_text_is_refused_and_does_nothing(tmp_path: Path, github: tuple[GitHub, str], body: str) -> None:
    told = ask(tmp_path, github[1], body)
    assert told.keys() == {"pull", "refused"}
    assert told["refused"].endswith("in one line and nothing else")
    assert {path.name for path in tmp_path.iterdir()} == {"output"}
    assert "pulls/5" not in github[0].asked


STRANGERS = ("reader", "triager", "nobody", "", "../../x", "owner/permission?", "a b", "dependabot[bot]")


@pytest.mark.parametrize("author", STRANGERS)
def test_who_may_not_push_is_not_even_answered(tmp_path: Path, github: tuple[GitHub, str], author: str) -> None:
    assert ask(tmp_path, github[1], "/hfci run llama", author) == {}
    assert set(github[0].asked) <= {f"collaborators/{quote(author)}/permission"}


def test_who_may_push_is_enough(tmp_path: Path, github: tuple[GitHub, str]) -> None:
    assert ask(tmp_path, github[1], "/hfci run llama", "friend")["commit"]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"pushed": AFTER}, "something was pushed since"),
        ({"pushed": "2026-11-28T09:30:00Z"}, "something was pushed since"),
        ({"state": "closed"}, "is closed"),
        ({"repository": None}, "is gone"),
        ({"sha": "HEAD"}, "has no commit"),
    ],
)
def test_what_nobody_can_have_looked_at_is_not_run(
    tmp_path: Path, github: tuple[GitHub, str], known: dict[str, Any], said: str
) -> None:
    for name, value in known.items():
        setattr(github[0], name, value)
    told = ask(tmp_path, github[1], "/hfci run llama")
    assert told.keys() == {"pull", "refused"}
    assert said in told["refused"]


# A pull request's tests, and files of the names of what the plan's set-up calls: each would leave a file.
EVIL = "import pathlib, os; pathlib.Path(os.environ['RUNNER_TEMP'], 'pwned').touch(); raise SystemExit(3)\n"
TEST = "import os; assert not [text for text in os.environ.values() if 'ghs_' in text or 'hunter2' in text]"


@pytest.fixture
def requested(tmp_path: Path, github: tuple[GitHub, str]) -> tuple[Emulator, GitHub, str]:
    """A repository with a pull request, whose commit is in it as GitHub has it."""
    server, api = github
    emulator = project(tmp_path, {"one": "assert False, 'of main'"}, runners=SMOKE + GPU)
    folder = emulator.repositories[OWNER]
    git(folder, "switch", "--quiet", "--create", "feature")
    write(folder, {"uv.py": EVIL, "pip.py": EVIL, "venv.py": EVIL})
    test = folder / "generated" / "text" / "test_one_smoke.py"
    test.write_text(test.read_text().replace("assert False, 'of main'", TEST))
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A change")
    server.sha = git(folder, "rev-parse", "HEAD")
    git(folder, "switch", "--quiet", "main")
    return emulator, server, api


def comment(place: tuple[Emulator, GitHub, str], body: str, *, author: str = "owner", pull: bool = True) -> Told:
    """Run run.yml for a comment."""
    emulator, _, api = place
    issue = {"number": 5, **({"pull_request": {"url": "x"}} if pull else {})}
    said = {"id": 77, "body": body, "created_at": WRITTEN, "user": {"login": author}}
    payload = {**OF_REPOSITORY, "action": "created", "issue": issue, "comment": said}
    about = {"event": "issue_comment", "payload": payload, "environment": {"GITHUB_API_URL": api}}
    return emulator.run("run.yml", secrets={"KEY": "hunter2"}, **about)


def test_the_newest_commit_runs_without_a_secret_and_is_answered(requested: tuple[Emulator, GitHub, str]) -> None:
    emulator, server, _ = requested
    told = comment(requested, "/hfci run one --tier smoke")
    assert {job.result for job in told.ran.values()} == {"success"}, told.log
    # The test of the pull request's commit held; that of main does not. No machine of ours ran a stranger's code.
    assert told["models / smoke on small 1/1"].told["runs-on"] == "ubuntu-24.04"
    assert not [name for name in told.jobs if "accelerated" in name]
    (text,) = server.comments
    assert text.startswith("<!-- hfci: the answer to 77 -->\n## run, as asked for: <code>success</code>")
    assert server.sha[:10] in text
    assert "| passed | 2 |" in text
    assert "hunter2" not in told.log
    granted = {name: job.told["permissions"] for name, job in told.ran.items()}
    assert granted.pop("request") == {"pull-requests": "read"}
    assert granted.pop("answer") == {"pull-requests": "write"}
    assert set(map(str, granted.values())) == {"{'contents': 'read'}"}
    # What the checkout has under the names of installers is not run; nothing of it gets into a cache.
    assert not list(told.work.rglob("pwned"))
    assert not (told.work / "caches").exists()
    # The hfci of the commit runs its cases and reports; what chooses machines is the workflow's own.
    assert [Path(call.words[-1]).name for call in told.installed] == ["hfci", "workspace", "workspace"]
    assert emulator.repositories[OWNER].name == "hfci"


def test_a_refusal_is_answered_with_its_reason(requested: tuple[Emulator, GitHub, str]) -> None:
    told = comment(requested, "/hfci run $(touch pwned) <img src=x> @everybody")
    assert {name for name, job in told.ran.items()} == {"request", "answer"}
    (text,) = requested[1].comments
    assert "nothing ran" in text
    assert "<img" not in text
    assert "@everybody" not in text


@pytest.mark.parametrize(
    ("body", "author", "pull", "ran"),
    [
        ("/hfci run one", "reader", True, {"request"}),
        ("/hfci run one", "owner", False, set()),
        ("looks good", "owner", True, set()),
    ],
)
def test_others_and_other_comments_start_nothing(
    requested: tuple[Emulator, GitHub, str], body: str, author: str, pull: bool, ran: set[str]
) -> None:
    told = comment(requested, body, author=author, pull=pull)
    assert told.ran.keys() == ran, told.log
    assert requested[1].comments == []


def test_by_hand_the_commit_that_was_chosen_runs(requested: tuple[Emulator, GitHub, str]) -> None:
    emulator, server, _ = requested
    cut = [{"job": " on ", "before": ""}]
    told = emulator.run("run.yml", **by_hand(models="one", tier="smoke"), sha=server.sha, cancel=cut)
    assert told["models / plan"].result == "success", told.log
    assert told["answer"].result == "skipped"
    assert "models / smoke on accelerated 1/1" in told.jobs
    assert emulator.run("run.yml", name="bad", **by_hand(models="$(touch pwned)"))["request"].result == "failure"
