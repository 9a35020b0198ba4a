"""Comment on the pull request of a run: `comment.py coverage-summary.json`.

The file is hostile: whoever opened the pull request ran the code that wrote it. Of it only counts and names are
taken, each of its type and of bounded length, and every name is escaped. Which pull request it is, the event says, not
the file. A run of ci has one comment, which each brings up to date; a request that somebody wrote has an answer. The
standard library does: a job that may write installs nothing.
"""
# ruff: noqa: S310, T201 -- the address is GitHub's own, as the runner says it; what is printed is the job's log

from __future__ import annotations

import json
import os
import re
import stat
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = "<!-- hfci: the comment of ci -->"
ANSWER = "<!-- hfci: the answer to {} -->"
BOT = "github-actions[bot]"

MOST_BYTES = 20_000_000
MOST_FAILURES = 30
MOST_CHARACTERS = 50_000  # a comment has at most 65,536
LONGEST = 200
MOST_NAMES = 8
SECTIONS = 4  # that a comment may have, each as long as it has to share

OUTCOMES = (
    *("passed", "failed", "known-failure", "unavailable", "not-applicable", "reused", "not-run", "assumed"),
    "quarantined",
)
# The only links that a file may ask for: to a line of transformers. And what may have a meaning in Markdown or HTML.
SOURCE = re.compile(
    r"https://github\.com/huggingface/transformers/blob/[\w.]{1,60}/src/transformers/(?:\w{1,100}/){0,10}\w{1,100}\.py#L\d{1,9}",
    re.ASCII,
)
MEANINGFUL = re.compile(r"[^\w ,=/]|_")


class Unfit(Exception):
    """The file is not what ci writes."""


def code(text: str) -> str:
    """Return `text` as code in which no character means anything: no link, no mention, no HTML, one line."""
    shown = "".join(c for c in text[: 10 * LONGEST] if c.isprintable())
    shown = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
    return f"<code>{MEANINGFUL.sub(lambda found: f'&#{ord(found[0])};', shown)}</code>"


def read(path: Path) -> dict[str, Any] | None:
    """Return what the file holds; None if there is none. Raises Unfit for all but a JSON object of bounded size."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unfit(f"cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unfit("is no file")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Unfit(f"has more than {MOST_BYTES} bytes")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unfit("is no JSON") from error
    if not isinstance(data, dict):
        raise Unfit("is no JSON object")
    return data


def count(data: Any, name: str) -> int:
    """Return a count of `data`; Unfit if it is none."""
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**9:
        raise Unfit(f"says no count of {name}")
    return value


@dataclass(frozen=True)
class Run:
    """What GitHub says of a run; `request` is the ID of the comment that asked for it, empty for one of ci."""

    conclusion: str
    sha: str
    url: str
    request: str = ""

    @property
    def mark(self) -> str:
        """By what its comment is known."""
        return ANSWER.format(int(self.request)) if self.request else MARK


def head(run: Run) -> list[str]:
    """Return the first lines of every comment: whether it is green, as GitHub says, and of which commit."""
    title = "run, as asked for" if run.request else "ci"
    return [run.mark, f"## {title}: {code(run.conclusion)}", "", f"Commit {code(run.sha[:10])}.", ""]


def link(url: str, text: str = "the run") -> str:
    """Return a link to the run."""
    return f"[{text}]({url})" if re.fullmatch(r"https://[\w.-]+(/[\w.-]+)*(#artifacts)?", url) else text


def short(run: Run, why: str) -> str:
    """Return the comment of a run of which nothing else can be said."""
    return "\n".join([*head(run), f"{link(run.url)} {why}.", ""])


def refusal(run: Run, why: str) -> str:
    """Return the answer to a request for which nothing ran."""
    return "\n".join([run.mark, "## run, as asked for: nothing ran", "", f"{code(why)}", ""])


def page(data: dict[str, Any], run: Run) -> str:
    """Return the comment. Raises Unfit."""
    known = data.get("outcomes")
    if not isinstance(known, dict) or "passed" not in known:
        raise Unfit("lists no outcomes")
    # Another hfci may know fewer: the branch that was tested brings its own.
    outcomes = {name: count(known, name) for name in OUTCOMES if name in known}
    # Whether it is green, the file does not say: it only says how many.
    lines = [*head(run), "| outcome | cases |\n| --- | ---: |"]
    lines += [f"| {name} | {number} |" for name, number in outcomes.items() if number]
    failures = data.get("failures")
    if not isinstance(failures, list):
        raise Unfit("lists no failures")
    total = len(failures) + count(data, "failures_left_out")
    if "causes" in data:
        lines += causes(data)
    elif total:
        lines += ["", f"{total} red:", "", *bounded(map(_failure, failures[:MOST_FAILURES]), total)]
    lines += ["", *took(data)]
    artifacts = link(f"{run.url}#artifacts", "its artifacts")
    told = (
        f"Counted by {link(run.url)}; its summary has reasons and commands, {artifacts} the dashboard and all records."
    )
    return "\n".join([*lines, told, ""])


def bounded(items: Iterable[str], total: int, most: int = MOST_CHARACTERS) -> list[str]:
    """Return the first of `total` items, of at most so many characters, as a list, and how many more there are."""
    shown: list[str] = []
    for item in items:
        if sum(map(len, shown)) + len(item) > most:
            break
        shown.append(f"- {item}")
    return [*shown, f"- and {total - len(shown)} more"] if total > len(shown) else shown


# What is told of a run, by cause.


def causes(data: dict[str, Any]) -> list[str]:
    """Return what newly broke, what is red besides, what is fixed and what differs, each with its head."""
    listed = {name: _rows(data, name) for name in ("causes", "fixed", "differences")}
    new = [cause for cause in listed["causes"] if cause.get("new") is True]
    old = [cause for cause in listed["causes"] if cause.get("new") is not True]
    left = count(data, "causes_left_out")
    sections = (
        ("Newly broken", _cause, new, 0 if old else left),
        ("Red", _cause, old, left if old else 0),
        ("Fixed", _fixed, listed["fixed"], count(data, "fixed_left_out")),
        ("Different from the baseline", _difference, listed["differences"], 0),
    )
    lines = []
    for head, told, rows, more in sections:
        if rows or more:
            lines += [
                "",
                f"### {head}",
                "",
                *bounded(map(told, rows[:MOST_FAILURES]), len(rows) + more, MOST_CHARACTERS // SECTIONS),
            ]
    return lines


def took(data: dict[str, Any]) -> list[str]:
    """Return time and cost, what a budget left out, and how many cases are in quarantine, where it is said."""
    said = []
    if "spent" in data:
        jobs, minutes = count(data["spent"], "jobs"), count(data["spent"], "machine_minutes")
        seconds = data["spent"].get("longest_s")
        if not isinstance(seconds, (int, float)) or not 0 <= seconds < 10**9:
            raise Unfit("says no seconds of its longest job")
        said.append(f"{jobs} jobs took {minutes} machine minutes, the longest of them {seconds / 60:.1f} min.")
    if "left_out" in data and (cases := count(data["left_out"], "cases")):
        said.append(
            f"{cases} cases of {count(data['left_out'], 'model_types')} model types were left out for want of time."
        )
    if "quarantine" in data and (cases := count(data, "quarantine")):
        said.append(f"{cases} cases are in quarantine, since they are flaky.")
    return [" ".join(said), ""] if said else []


def _rows(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = data.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unfit(f"lists no {name}")
    return rows


def _text(row: dict[str, Any], name: str) -> str:
    text = row.get(name)
    return text if isinstance(text, str) else ""


def _cause(cause: dict[str, Any]) -> str:
    names = [name for name in cause.get("model_types") or () if isinstance(name, str)][:MOST_NAMES]
    place, address = _text(cause, "place"), _text(cause, "address")
    where = f"[{code(place)}]({address})" if SOURCE.fullmatch(address) else code(place)
    parts = [
        f"{count(cause, 'cases')} cases: {code(_text(cause, 'error'))}",
        f"in {where}" if place else "",
        f"strikes {code(', '.join(names))}" if names else "",
        code(_text(cause, "since")) if _text(cause, "since") else "",
        code(_text(cause, "reproduce")) if _text(cause, "reproduce") else "",
    ]
    return "<br>".join(filter(None, parts))


def _fixed(fixed: dict[str, Any]) -> str:
    return f"{count(fixed, 'cases')} cases, {code(_text(fixed, 'example'))}: {code(_text(fixed, 'error'))}"


def _difference(one: dict[str, Any]) -> str:
    return f"{code(_text(one, 'what'))}: {code(_text(one, 'before'))} → {code(_text(one, 'now'))}"


def _failure(failure: Any) -> str:
    texts = [failure.get(name) if isinstance(failure, dict) else None for name in ("case", "outcome", "error")]
    case, outcome, error = (text if isinstance(text, str) else "" for text in texts)
    if outcome not in OUTCOMES:
        raise Unfit("has a failure without an outcome")
    return f"{code(case)} {outcome}" + (f": {code(error)}" if error else "")


class GitHub:
    """The REST API of one repository."""

    def __init__(self, api: str, repository: str, token: str) -> None:
        """Prepare; nothing is asked yet."""
        self.root = f"{api}/repos/{repository}"
        self.token = token

    def ask(self, path: str, body: Any = None, *, method: str = "GET", **query: str) -> Any:
        """Return the answer's JSON; `path` is below the repository."""
        request = urllib.request.Request(
            f"{self.root}/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else ""),
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def pull_request(self, owner: str, branch: str, repository: str, sha: str) -> int | None:
        """Return the open pull request whose newest commit was tested; None if there is none (any more)."""
        for pull in self.ask("pulls", state="open", head=f"{owner}:{branch}", per_page="100"):
            head = pull["head"]
            if head["sha"] == sha and (head["repo"] or {}).get("full_name") == repository:
                return int(pull["number"])
        return None

    def comment(self, pull: int, mark: str, text: str) -> None:
        """Write the comment, over the one with this mark that is there."""
        page = 1
        while found := self.ask(f"issues/{pull}/comments", per_page="100", page=str(page)):
            for comment in found:
                if comment["user"]["login"] == BOT and comment["body"].startswith(mark):
                    self.ask(f"issues/comments/{int(comment['id'])}", {"body": text}, method="PATCH")
                    return
            page += 1
        self.ask(f"issues/{pull}/comments", {"body": text}, method="POST")


def text_of(run: Run, path: Path) -> str:
    """Return the comment of a run that may have left a summary."""
    try:
        data = read(path)
        return page(data, run) if data is not None else short(run, "ended without a report")
    except Unfit as error:
        # An older comment may say success: it must not stand.
        print(f"::warning::the coverage summary {error}: the comment says only how the run ended")
        return short(run, f"left a coverage summary that {error}: it is not shown")


def main() -> int:
    """Read, render, comment."""
    env = os.environ
    run = Run(env["CONCLUSION"], env["HEAD_SHA"], env["RUN_URL"], env["REQUEST"])
    text = refusal(run, env["REFUSED"]) if env["REFUSED"] else text_of(run, Path(sys.argv[1]))
    github = GitHub(env.get("GITHUB_API_URL", "https://api.github.com"), env["REPOSITORY"], env["GH_TOKEN"])
    of_ci = (env["HEAD_OWNER"], env["HEAD_BRANCH"], env["HEAD_REPOSITORY"], env["HEAD_SHA"])
    pull = int(env["PULL"]) if env["PULL"] else github.pull_request(*of_ci)
    if pull is None:
        print("no comment: no open pull request has this commit as its newest")
        return 0
    github.comment(pull, run.mark, text)
    print(f"commented on pull request {pull}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
