"""What update.yml asks of a new release of transformers.

`update.py pin constraints.txt` pins the newest release, if it is newer than the pinned one, and says which to
GITHUB_OUTPUT; `update.py state VERSION` says there what is to become of its pull request; `update.py body FOLDER OUT`
writes the body of the pull request, from what `hfci generate`, `hfci catalog --against` and `hfci report` say of the
release, and `hfci compare` and `hfci bisect` where they came to an end. That is data, and may be hostile: a release's
code ran where it was written. Of it only counts and names are taken, and every name is escaped.

The standard library does: a job that may write installs nothing.
"""
# ruff: noqa: S310, S603, T201 -- the address is PyPI's, git and gh are the runner's; what is printed is the log

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "comment"))
from comment import Unfit, code, count, read

INDEX = "https://pypi.org/pypi/transformers/json"
PIN = re.compile(r"(?<=^transformers==)\S+", re.MULTILINE)
RELEASE = re.compile(r"\d+(\.\d+){1,3}(\.post\d+)?")  # no release candidate

BOT = "41898282+github-actions[bot]@users.noreply.github.com"

# The token is asked for by git, and stands in no argument and in no file.
HELPER = '!credentials() { echo username=x-access-token; echo "password=$GH_TOKEN"; }; credentials'
GIT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "credential.helper",
    "GIT_CONFIG_VALUE_0": HELPER,
}

MOST = 5_500  # characters of a list, of which there are eleven; a body has at most 65,536

# What says what of a release, in the folder.
TOLD = ("generated.json", "comparison.json", "coverage-summary.json")
# And what may say more.
MORE = ("changes.json", "causes.json")


def pin(constraints: Path) -> None:
    """Pin the newest release; `version=` and `before=` in GITHUB_OUTPUT stay empty where nothing is newer."""
    with urllib.request.urlopen(os.environ.get("HFCI_INDEX") or INDEX, timeout=60) as answer:
        newest = str(json.load(answer)["info"]["version"])
    text = constraints.read_text(encoding="utf-8")
    (pinned,) = PIN.findall(text)
    if not RELEASE.fullmatch(newest):  # nor is it shown: the runner obeys commands in what is printed
        print(f"transformers {pinned} is pinned, and the newest is no release: nothing to do")
        return
    if numbers(newest) <= numbers(pinned):
        print(f"transformers {pinned} is pinned, {newest} is the newest: nothing to do")
        return
    constraints.write_text(PIN.sub(newest, text), encoding="utf-8")
    output(version=newest, before=pinned)
    print(f"transformers {newest} follows {pinned}")


def state(version: str) -> None:
    """Write to GITHUB_OUTPUT `do=`, create or refresh, with `tip=` and `pull=`; say what, or why nothing."""
    branch = f"transformers-{version}"
    address = os.environ["ADDRESS"]
    tip = run("git", "ls-remote", address, f"refs/heads/{branch}").partition("\t")[0]
    asked = ("--head", branch, "--state", "all", "--json", "number,state")
    known = json.loads(run("gh", "pr", "list", "--repo", os.environ["GITHUB_REPOSITORY"], *asked))
    pulls = {pull["number"]: pull["state"] for pull in known}
    opened = next((number for number, now in pulls.items() if now == "OPEN"), None)
    if opened is None and pulls:
        tell(f"pull request #{max(pulls)} for it was closed, and is left alone")
    elif not tip:
        output(do="create", tip="", pull="")
        tell("a pull request is opened")
    elif not ours(address, tip, version):
        tell(f"the branch {branch} has commits of somebody else: its pull request is left alone")
    elif opened is None:
        output(do="create", tip=tip, pull="")
        tell(f"the branch {branch} has no pull request yet: one is opened")
    elif parent(tip) == os.environ["GITHUB_SHA"]:
        tell(f"pull request #{opened} was made from this very commit, and is left alone")
    else:
        output(do="refresh", tip=tip, pull=str(opened))
        tell(f"pull request #{opened} is made anew from this commit")


def ours(address: str, tip: str, version: str) -> bool:
    """Tell whether the branch's last commit is this workflow's: it makes one, upon one of the main branch.

    Other workflows commit by the same name, hence the subject.
    """
    run("git", "fetch", "--quiet", "--depth", "2", address, tip)
    return run("git", "log", "-1", "--format=%ae %ce %s", tip) == f"{BOT} {BOT} Follow transformers {version}"


def parent(commit: str) -> str:
    """Return the commit before."""
    return run("git", "rev-parse", f"{commit}^")


def run(*command: str) -> str:
    """Return what a program says; CalledProcessError where it fails, its own error in the log."""
    done = subprocess.run(command, env={**os.environ, **GIT}, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def output(**values: str) -> None:
    """Append to GITHUB_OUTPUT; no value has a line's end."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())


def tell(text: str) -> None:
    """Say it in the log and in the summary."""
    print(text)
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
        file.write(f"transformers {os.environ['VERSION']}: {text}.\n")


def numbers(version: str) -> list[int]:
    """Return the numbers of a release, in order."""
    return [int(part) for part in re.findall(r"\d+", version)]


def body(generated: Any, comparison: Any, summary: Any, changes: Any = None, causes: Any = None) -> str:
    """Return the body of the pull request: what came and went, what is lost, what has no test, what is newly red.

    And what architectures compute and take otherwise, and since which release what is red is so, where that is known.

    Raises Unfit for what hfci does not write.
    """
    failures = _rows(summary, "failures")
    told = len(failures) + count(summary, "failures_left_out")
    lost = _rows(comparison, "losses")
    taken = [loss for loss in lost if not loss.get("accepted")]
    parts = [
        f"transformers {_text(comparison, 'against')} → {_text(comparison, 'version')}: "
        f"{count(summary, 'executed')} of {count(summary, 'planned')} smoke cases executed, "
        f"{len(taken)} losses to accept or to mend.",
        _list("Added model types", [code(str(name)) for name in _all(comparison, "adds")]),
        _list("Removed model types", [code(str(name)) for name in _all(comparison, "lacks")]),
        _list("Lost, and not accepted: ci is red until each is mended or accepted", [_loss(loss) for loss in taken]),
        _list(
            "Lost, and accepted",
            [f"{_loss(loss)}: {_text(loss, 'accepted')}" for loss in lost if loss.get("accepted")],
        ),
        _list("Acceptances that are wrong", [code(str(problem)) for problem in _all(comparison, "problems")]),
        _list("Without a test", [_problem(problem) for problem in _rows(generated, "problems")]),
        _list("New failures", [_failure(failure) for failure in failures], told),
        *(_causes(causes) if causes is not None else ()),
        *(_changes(changes) if changes is not None else ()),
        "The pinned version was green: each failure is a defect of the release, or of a recipe or a family of ours.",
    ]
    return "\n\n".join(parts) + "\n"


def _causes(causes: Any) -> list[str]:
    """Say of each failure since which release it is one, and in which function that differs there."""
    lines = []
    for row in _rows(causes, "bisected"):
        places = [_text(source, "file", "name") for source in row.get("sources") or () if isinstance(source, dict)]
        since = f"since {_text(row, 'bad')}, after {_text(row, 'good')}" if "bad" in row else _text(row, "error")
        lines.append(f"{_text(row, 'case')}: {since}" + (f": {'; '.join(places[:3])}" if places else ""))
    left = _all(causes, "left")
    return [_list("Since when, and where", lines, len(lines) + len(left))]


def _changes(changes: Any) -> list[str]:
    """Say which architectures compute otherwise, stop, or take and give otherwise, with their first source."""
    sources = changes.get("sources") if isinstance(changes, dict) else None
    if not isinstance(sources, dict):
        raise Unfit("lists no sources")
    found: dict[str, list[str]] = {"fails now": [], "numerics changed": [], "interface": []}
    for row in _rows(changes, "model_types"):
        for each in _rows(row, "architectures"):
            whose = " ".join(filter(None, (_text(row, "model_type"), _text(each, "name"))))
            kind = each.get("kind")
            if kind in ("fails now", "numerics changed"):
                places = [sources[key] for key in _all(each, "sources") if isinstance(sources.get(str(key)), dict)]
                why = _text(each, "stage", "error") or "; ".join(_text(one, "name", "moved") for one in _fields(each))
                where = "; ".join(_text(source, "file", "name") for source in places[:2])
                found[str(kind)].append(f"{whose}: {why}" + (f" ({where})" if where else ""))
            interface = _all(each, "interface")
            if interface and kind not in ("added", "removed"):
                found["interface"].append(f"{whose}: {'; '.join(code(str(line)) for line in interface[:3])}")
    titles = {
        "fails now": "Architectures that stop now",
        "numerics changed": "Other numbers of the same weights",
        "interface": "Taken, given, served or asked otherwise",
    }
    return [_list(titles[kind], lines) for kind, lines in found.items()]


def _fields(each: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return _rows(each, "fields")[:2]


def _all(data: Any, name: str) -> list[Any]:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, list):
        raise Unfit(f"lists no {name}")
    return value


def _rows(data: Any, name: str) -> list[Mapping[str, Any]]:
    rows = _all(data, name)
    if not all(isinstance(row, dict) for row in rows):
        raise Unfit(f"has {name} that are none")
    return rows


def _text(row: Mapping[str, Any], *names: str) -> str:
    return " ".join(code(str(row[name])) for name in names if row.get(name) is not None)


def _failure(failure: Mapping[str, Any]) -> str:
    why = _text(failure, "error") or _text(failure, "reason")
    return _text(failure, "case", "outcome") + (f": {why}" if why else "")


def _loss(loss: Mapping[str, Any]) -> str:
    return _text(loss, "model_type", "architecture", "kind", "name")


def _problem(problem: Mapping[str, Any]) -> str:
    return f"{_text(problem, 'file', 'rule')}: {_text(problem, 'message')}"


def _list(title: str, lines: list[str], total: int | None = None) -> str:
    shown: list[str] = []
    for line in lines:
        if sum(map(len, shown)) + len(line) > MOST:
            break
        shown.append(f"- {line}")
    left = (len(lines) if total is None else total) - len(shown)
    more = [f"- and {left} more"] if left else []
    return "\n".join([f"### {title}", "", *(shown or ["none"]), *more])


def write_body(folder: Path, out: Path) -> int:
    """Write the body; return 1, and say which file is at fault, where one is not what hfci writes."""
    known: list[Any] = []
    for name in TOLD:
        try:
            if (data := read(folder / name)) is None:
                raise Unfit("is not there")
        except Unfit as error:
            print(f"update: {name} {error}", file=sys.stderr)
            return 1
        known.append(data)
    for name in MORE:
        try:
            known.append(read(folder / name))
        except Unfit as error:
            print(f"update: {name} {error}", file=sys.stderr)
            return 1
    try:
        text = body(*known)
    except Unfit as error:
        print(f"update: of {', '.join((*TOLD, *MORE))} one {error}", file=sys.stderr)
        return 1
    out.write_text(text, encoding="utf-8")
    return 0


def main(arguments: list[str]) -> int:
    """Do what is asked."""
    match arguments:
        case ["pin", constraints]:
            pin(Path(constraints))
        case ["state", version]:
            state(version)
        case ["body", folder, out]:
            return write_body(Path(folder), Path(out))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
