"""What somebody asks for, in a comment on a pull request or by hand: what to run, at which commit, or why not.

The comment is hostile text: it is one command of words that each have a plain form, or it is refused; no word of it is
ever looked at in another way. Who may ask, GitHub says: whoever may push. What is tested is what they could see: where
anything was pushed to the repository of the pull request since the comment, nothing runs.

The standard library does, and nothing of the pull request is executed here.
"""
# ruff: noqa: T201 -- what is printed is the job's log

from __future__ import annotations

import os
import re
import sys
import urllib.error
import urllib.parse
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "comment"))
from comment import GitHub

TIERS = ("smoke", "functional", "deep")
MAY_PUSH = ("admin", "write")  # a maintainer's role counts as write here

# A model type, an architecture, a family, or a pattern of one: nothing that a shell or a command could take for more.
NAME = re.compile(r"(family:)?[A-Za-z0-9*?][A-Za-z0-9*?._-]{0,99}", re.ASCII)
LOGIN = re.compile(r"[A-Za-z0-9-]{1,39}(\[bot\])?", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
MOST_NAMES = 20
MOST_CHARACTERS = 1000
USAGE = "/hfci run NAME [NAME …] [--tier smoke|functional|deep], in one line and nothing else"


class Refused(Exception):
    """Why nothing runs, for whoever asked."""


def parse(text: str) -> tuple[list[str], str]:
    """Return the names and the tier that a comment asks for, an empty one where it says none; Refused for any other."""
    line = text.strip(" \r\n")
    words = [word for word in line.split(" ") if word] if len(line) <= MOST_CHARACTERS else []
    match words:
        case ["/hfci", "run", *names, "--tier", tier]:
            return checked(names, tier)
        case ["/hfci", "run", *names]:
            return checked(names, "")
    raise Refused(f"a comment is: {USAGE}")


def checked(names: list[str], tier: str) -> tuple[list[str], str]:
    """Return both; Refused where one is none."""
    if tier not in ("", *TIERS):
        raise Refused(f"there is no such tier: {USAGE}")
    if not 1 <= len(names) <= MOST_NAMES:
        raise Refused(f"from one to {MOST_NAMES} names: {USAGE}")
    if not all(NAME.fullmatch(name) for name in names):
        raise Refused(f"a name is a model type, an architecture, family:NAME or a pattern such as qwen*: {USAGE}")
    return names, tier


def may_push(github: GitHub, login: str) -> bool:
    """Ask GitHub whether somebody may push to the repository; who is no collaborator may not."""
    if not LOGIN.fullmatch(login):
        return False
    try:
        told = github.ask(f"collaborators/{urllib.parse.quote(login, safe='')}/permission")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise
    return told["permission"] in MAY_PUSH


def head_of(pull: Mapping[str, Any], created: str) -> tuple[str, str]:
    """Return the newest commit of a pull request and its repository; Refused where it may be newer than the comment.

    When a commit was pushed, nothing says that its author could not write. When somebody pushed to the repository last,
    GitHub does; it says so in the same answer as the commit.
    """
    head = pull["head"]
    if pull["state"] != "open" or not head["repo"]:
        raise Refused("the pull request is closed, or its repository is gone")
    if datetime.fromisoformat(head["repo"]["pushed_at"]) >= datetime.fromisoformat(created):
        raise Refused("something was pushed since this was asked for: look at it, and ask again")
    if not COMMIT.fullmatch(head["sha"]):
        raise Refused("the pull request has no commit")
    return head["sha"], head["repo"]["full_name"]


def request(env: Mapping[str, str]) -> dict[str, str]:
    """Return the outputs of the step."""
    if not env["NUMBER"]:  # by hand: GitHub has asked already who may
        names, tier = checked(env["MODELS"].split(), env["TIER"])
        return {"models": " ".join(names), "tier": tier, "commit": env["COMMIT"], "foreign": "false"}
    api = env.get("GITHUB_API_URL", "https://api.github.com")
    github = GitHub(api, env["REPOSITORY"], env["GH_TOKEN"])
    if not may_push(github, env["AUTHOR"]):
        print("::notice::Only who may push to this repository can have something run. Nothing is run, nobody answered.")
        return {}
    number = str(int(env["NUMBER"]))
    try:
        names, tier = parse(env["BODY"])
        commit, repository = head_of(github.ask(f"pulls/{number}"), env["CREATED"])
    except Refused as refused:
        return {"pull": number, "refused": str(refused)}
    foreign = str(repository != env["REPOSITORY"]).lower()
    return {"models": " ".join(names), "tier": tier, "commit": commit, "foreign": foreign, "pull": number}


def main() -> int:
    """Ask, and write the outputs."""
    try:
        outputs = request(os.environ)
    except Refused as refused:
        print(f"::error::{refused}")
        return 1
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in outputs.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
