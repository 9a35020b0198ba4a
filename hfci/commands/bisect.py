"""Find the first release, or commit, on which a case fails, or an architecture computes other numbers."""

from __future__ import annotations

import math
import shlex
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import add_json, print_json

if TYPE_CHECKING:
    from hfci.releases.bisection import Bisection, Tried
    from hfci.releases.sides import Side
    from hfci.releases.source_diff import SourceDiff
    from hfci.releases.suspects import Suspect

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "the first release, or commit, on which a case fails"
EXAMPLE = "hfci bisect 'bert/BertModel/forward_is_finite[device=cpu]' --good 5.20.0 --bad 5.24.0"

# So many sources are shown here.
_SHOWN = 6


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "case", metavar="CASE", help="MODEL_TYPE/ARCHITECTURE/CHECK, as a report says it; without CHECK, its numbers"
    )
    parser.add_argument("--good", required=True, metavar="X", help="a release, or a commit of --source, that is good")
    parser.add_argument("--bad", required=True, metavar="Y", help="one that is bad")
    parser.add_argument(
        "--source", type=Path, metavar="DIR", help="a checkout of transformers, whose commits are tried"
    )
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Verify both ends, bisect, and show the first bad one with what differs there of what the case executes."""
    from hfci.releases.bisection import bisect
    from hfci.releases.candidates import commits_between, releases_between
    from hfci.releases.environments import Store
    from hfci.releases.sides import parse_release
    from hfci.releases.suspects import of_case, of_numbers, parse_suspect, suspected_sources

    suspect = parse_suspect(arguments.case)
    if arguments.source is not None:
        candidates = commits_between(arguments.source.resolve(), arguments.good, arguments.bad)
    else:
        candidates = releases_between(parse_release(arguments.good), parse_release(arguments.bad))
    store = Store()
    most = math.ceil(math.log2(max(2, len(candidates)))) + 2
    _say(f"{len(candidates)} from {candidates[0]} to {candidates[-1]}: at most {most} runs")
    test = of_case(store, suspect) if suspect.variant is not None else of_numbers(store, suspect, candidates[0])
    found = bisect(candidates, test, _tell)
    sources = suspected_sources(store, suspect, found.good, found.bad)
    if arguments.json:
        print_json(_as_data(suspect, found, sources))
    else:
        _show(suspect, found, sources)
    return 0


def _tell(one: Tried[Side]) -> None:
    from hfci.results.text import clean

    _say(clean(f"{one.candidate}: {one.verdict}{one.why and f' ({one.why})'}"))


def _say(text: str) -> None:
    sys.stderr.write(f"hfci: {text}\n")
    sys.stderr.flush()


def _commands(suspect: Suspect, found: Bisection[Side]) -> list[str]:
    """Return what reproduces it on the last good one and on the first bad one."""
    from hfci.releases.sides import SideKind

    if suspect.variant is None:
        return [shlex.join(["hfci", "compare", _named(found.good), _named(found.bad), str(suspect.architecture)])]
    name = suspect.architecture if suspect.tier != "smoke" and suspect.architecture else suspect.model_type
    command = ["hfci", "run", name, "--check", str(suspect.variant)]
    command += ["--tier", suspect.tier] if suspect.tier not in (None, "smoke") else []
    lines = []
    for side in (found.good, found.bad):
        if side.kind == SideKind.RELEASE:
            lines.append(f"pip install transformers=={side.release} && {shlex.join(command)}")
        else:
            checkout = shlex.join(["git", "-C", str(side.path), "checkout", str(side.commit)])
            lines.append(f"{checkout} && {shlex.join([*command, '--source', str(side.path)])}")
    return lines


def _named(side: Side) -> str:
    return str(side.release) if side.release is not None else f"{side.path}@{side.commit}"


def _show(suspect: Suspect, found: Bisection[Side], sources: tuple[SourceDiff, ...]) -> None:
    from hfci.results.text import clean

    last = next(one for one in reversed(found.tried) if one.candidate == found.bad)
    lines = [f"{suspect.case}: first bad is {found.bad}, after {found.good}; {found.runs} runs"]
    lines += [clean(last.why)] if last.why else []
    if found.between:
        lines.append(
            f"Between them cannot be tested: {', '.join(map(str, found.between))}; it may have been one of these."
        )
    if not sources:
        lines.append("Of what it executes, nothing differs between these two: another package may be why.")
    for source in sources[:_SHOWN]:
        lines += [
            "",
            clean(f"{source.file}: {source.name}"),
            *(f"  {_plain(line)}" for line in source.diff.splitlines()),
        ]
    if len(sources) > _SHOWN:
        more = ", ".join(f"{source.file}: {source.name}" for source in sources[_SHOWN:])
        lines += ["", clean(f"{len(sources) - _SHOWN} more differ: {more}")]
    lines += ["", *_commands(suspect, found)]
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _plain(line: str) -> str:
    """Return a line of a source as it is, without what would do something to a terminal."""
    return "".join(character for character in line if character.isprintable() or character == "\t")


def _as_data(suspect: Suspect, found: Bisection[Side], sources: tuple[SourceDiff, ...]) -> dict[str, object]:
    import msgspec

    return {
        "schema": 1,
        "case": suspect.case,
        "tier": suspect.tier,
        "good": _named(found.good),
        "bad": _named(found.bad),
        "between": [_named(side) for side in found.between],
        "runs": found.runs,
        "tried": [
            {"candidate": _named(one.candidate), "verdict": one.verdict.value, "why": one.why} for one in found.tried
        ],
        "sources": msgspec.to_builtins(sources),
        "commands": _commands(suspect, found),
    }
