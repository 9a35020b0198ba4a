"""Find the first release, or commit, on which a case fails, or an architecture computes other numbers."""

from __future__ import annotations

import json
import math
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import add_json, print_json
from hfci.errors import UsageError
from hfci.writing import replacing

if TYPE_CHECKING:
    from hfci.releases.bisection import Bisection, Tried
    from hfci.releases.environments import Store
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
        "case",
        nargs="?",
        metavar="CASE",
        help="MODEL_TYPE/ARCHITECTURE/CHECK, as a report says it; without CHECK, its numbers",
    )
    parser.add_argument(
        "--records",
        type=Path,
        metavar="DIR",
        help="instead of CASE, one case of each cause for which something failed there",
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="DIR", help="of --records, only cases that passed in these records"
    )
    parser.add_argument(
        "--budget",
        metavar="TIME",
        help="of --records, begin none after so long, such as 20m; those left are named",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write what was found as JSON")
    parser.add_argument(
        "--good", metavar="X", help="a release, or a commit of --source, that is good (default: that of --baseline)"
    )
    parser.add_argument("--bad", metavar="Y", help="one that is bad (default: that of --records)")
    parser.add_argument(
        "--source", type=Path, metavar="DIR", help="a checkout of transformers, whose commits are tried"
    )
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Bisect one case, or several, and show of each the first bad one with what differs of what the case executes."""
    from hfci.errors import HfciError
    from hfci.planning.budget import parse_duration
    from hfci.releases.environments import Store
    from hfci.releases.suspects import failing_cases, parse_suspect, release_of

    if (arguments.case is None) == (arguments.records is None):
        raise UsageError("name a CASE, or --records with cases that failed")
    good = arguments.good or (release_of(arguments.baseline) if arguments.baseline is not None else None)
    bad = arguments.bad or (release_of(arguments.records) if arguments.records is not None else None)
    if good is None or bad is None:
        raise UsageError(f"--{'good' if good is None else 'bad'} is not said, and no records say it")
    if arguments.records is None and (arguments.baseline or arguments.budget):
        raise UsageError("--baseline and --budget are of --records")
    budget = parse_duration(arguments.budget) if arguments.budget is not None else None
    named = [arguments.case] if arguments.case else failing_cases(arguments.records, arguments.baseline)
    began = time.monotonic()
    candidates, store = _candidates(good, bad, arguments.source), Store()
    done: list[dict[str, object]] = []
    left: list[str] = []
    for case in named:
        if budget is not None and time.monotonic() - began > budget:
            left.append(case)
            continue
        suspect = parse_suspect(case)
        try:
            found, sources = _bisect(suspect, candidates, store)
        except HfciError as error:
            if arguments.records is None:
                raise
            done.append({"case": case, "error": str(error)})
            _say(f"{case}: {error}")
            continue
        done.append(_as_data(suspect, found, sources))
        if not arguments.json:
            _show(suspect, found, sources)
    data: dict[str, object] = {"schema": 1, "bisected": done, "left": left}
    if left:
        _say(f"no time was left for {len(left)}: {', '.join(left[:5])}")
    if arguments.out is not None:
        with replacing(arguments.out) as file:
            file.write(json.dumps(data, indent=1).encode() + b"\n")
    if arguments.json:
        print_json(data if arguments.records is not None else {"schema": 1, **done[0]})
    return 0


def _candidates(good: str, bad: str, source: Path | None) -> tuple[Side, ...]:
    from hfci.releases.candidates import commits_between, releases_between
    from hfci.releases.sides import parse_release

    if source is not None:
        return commits_between(source.resolve(), good, bad)
    commits = "; of a checkout's commits, name the checkout with --source"
    return releases_between(parse_release(good, commits), parse_release(bad, commits))


def _bisect(
    suspect: Suspect, candidates: tuple[Side, ...], store: Store
) -> tuple[Bisection[Side], tuple[SourceDiff, ...]]:
    """Verify both ends, bisect, and return what was found with what differs there of what the case executes."""
    from hfci.releases.bisection import bisect
    from hfci.releases.suspects import of_case, of_numbers, suspected_sources

    most = math.ceil(math.log2(max(2, len(candidates)))) + 2
    _say(f"{suspect.case}: {len(candidates)} from {candidates[0]} to {candidates[-1]}: at most {most} runs")
    test = of_case(store, suspect) if suspect.variant is not None else of_numbers(store, suspect, candidates[0])
    found = bisect(candidates, test, _tell)
    return found, suspected_sources(store, suspect, found.good, found.bad)


def _tell(one: Tried[Side]) -> None:
    from hfci.results.text import clean

    _say(clean(f"{one.candidate}: {one.verdict}{one.why and f' ({one.why})'}"))


def _say(text: str) -> None:
    sys.stderr.write(f"hfci: {text}\n")
    sys.stderr.flush()


def _show(suspect: Suspect, found: Bisection[Side], sources: tuple[SourceDiff, ...]) -> None:
    from hfci.releases.suspects import reproducing
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
    lines += ["", *reproducing(suspect, found.good, found.bad)]
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _plain(line: str) -> str:
    """Return a line of a source as it is, without what would do something to a terminal."""
    return "".join(character for character in line if character.isprintable() or character == "\t")


def _as_data(suspect: Suspect, found: Bisection[Side], sources: tuple[SourceDiff, ...]) -> dict[str, object]:
    import msgspec

    from hfci.releases.sides import full_name
    from hfci.releases.suspects import reproducing

    return {
        "case": suspect.case,
        "tier": suspect.tier,
        "good": full_name(found.good),
        "bad": full_name(found.bad),
        "between": [full_name(side) for side in found.between],
        "runs": found.runs,
        "tried": [
            {"candidate": full_name(one.candidate), "verdict": one.verdict.value, "why": one.why} for one in found.tried
        ],
        "sources": msgspec.to_builtins(sources),
        "commands": reproducing(suspect, found.good, found.bad),
    }
