"""What update.yml asks of a new release of transformers.

`update.py pin constraints.txt` pins the newest release, if it is newer than the pinned one, and says which to
GITHUB_OUTPUT; `update.py body BEFORE AFTER SUMMARY OUT` writes the body of the pull request, from the two manifests and
what was tried.
"""
# ruff: noqa: S310, T201 -- the address is PyPI's; what is printed is the job's log

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
from pathlib import Path
from typing import Any

INDEX = "https://pypi.org/pypi/transformers/json"
PIN = re.compile(r"(?<=^transformers==)\S+", re.MULTILINE)
RELEASE = re.compile(r"\d+(\.\d+){1,3}(\.post\d+)?")  # no release candidate

MOST = 20_000  # characters of a list; a body has at most 65,536
MEANINGFUL = re.compile(r"[^\w ,=/]|_")


def pin(constraints: Path) -> None:
    """Pin the newest release, and write `version=` to GITHUB_OUTPUT; it stays empty where nothing is newer."""
    with urllib.request.urlopen(os.environ.get("HFCI_INDEX", INDEX), timeout=60) as answer:
        newest = str(json.load(answer)["info"]["version"])
    text = constraints.read_text(encoding="utf-8")
    (pinned,) = PIN.findall(text)
    if not RELEASE.fullmatch(newest) or numbers(newest) <= numbers(pinned):
        print(f"transformers {pinned} is pinned, {newest!r} is the newest: nothing to do")
        return
    constraints.write_text(PIN.sub(newest, text), encoding="utf-8")
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.write(f"version={newest}\n")
    print(f"transformers {newest} follows {pinned}")


def numbers(version: str) -> list[int]:
    """Return the numbers of a release, in order."""
    return [int(part) for part in re.findall(r"\d+", version)]


def body(before: Any, after: Any, summary: Any) -> str:
    """Return the body of the pull request: model types that came and went, and what is red that was not."""
    old, new = ({row["model_type"] for row in manifest["model_types"]} for manifest in (before, after))
    failures = summary["failures"]
    told = len(failures) + summary["failures_left_out"]
    parts = [
        f"transformers {code(before['transformers'])} → {code(after['transformers'])}: {len(new)} model types, "
        f"{summary['executed']} of {summary['planned']} smoke cases executed.",
        _list("Added model types", [code(name) for name in sorted(new - old)]),
        _list("Removed model types", [code(name) for name in sorted(old - new)]),
        _list("New failures", [_failure(failure) for failure in failures], told),
        "The pinned version was green: each failure is a defect of the release, or of a recipe or a family of ours.",
    ]
    return "\n\n".join(parts) + "\n"


def code(text: str) -> str:
    """Return `text` as code in which no character means anything."""
    shown = "".join(c for c in str(text)[:300] if c.isprintable())
    return f"<code>{MEANINGFUL.sub(lambda found: f'&#{ord(found[0])};', shown)}</code>"


def _failure(failure: dict[str, Any]) -> str:
    why = failure["error"] or failure["reason"]
    return f"{code(failure['case'])} {code(failure['outcome'])}" + (f": {code(why)}" if why else "")


def _list(title: str, lines: list[str], total: int | None = None) -> str:
    shown: list[str] = []
    for line in lines:
        if sum(map(len, shown)) + len(line) > MOST:
            break
        shown.append(f"- {line}")
    left = (len(lines) if total is None else total) - len(shown)
    more = [f"- and {left} more"] if left else []
    return "\n".join([f"### {title}", "", *(shown or ["none"]), *more])


def main(arguments: list[str]) -> int:
    """Do what is asked."""
    match arguments:
        case ["pin", constraints]:
            pin(Path(constraints))
        case ["body", before, after, summary, out]:
            read = [json.loads(Path(path).read_text(encoding="utf-8")) for path in (before, after, summary)]
            Path(out).parent.mkdir(parents=True, exist_ok=True)
            Path(out).write_text(body(*read), encoding="utf-8")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
