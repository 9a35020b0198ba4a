"""Annotations of a workflow run on GitHub: lines of output that its runner takes as commands, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

from hfci.cases.measured import COUNTS
from hfci.results.causes import Cause, group
from hfci.results.comparison import Shift
from hfci.results.expiring import Expiring
from hfci.results.lost import Lost
from hfci.results.sections import at, command, how_flaky, measured, since, strikes
from hfci.results.summary import VANISHED, Changed, Flaky, Summary
from hfci.results.text import no_command, shorten

__all__ = ["annotate"]

# GitHub shows 10 errors, 10 warnings and 10 notices of a step, and 50 of a job ("Workflow commands", GitHub Docs).
MOST_OF_A_KIND = 10
LONGEST = 200

# Where a repository of the library keeps it.
SOURCES = "src"

# What `@actions/core` replaces in a command's data, and beyond that in its properties (packages/core/src/command.ts).
IN_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
IN_PROPERTIES = IN_DATA | str.maketrans({":": "%3A", ",": "%2C"})


class _Annotation(NamedTuple):
    title: str
    lines: tuple[str, ...]
    file: str = ""
    line: int | None = None


def annotate(summary: Summary, changed: Collection[str] = ()) -> list[str]:
    """Return a command a line: errors for what is red, warnings for what is no longer tested or soon fails.

    What became slower, heavier or flaky is a notice. Of each kind there are at most ten; where there are more, the last
    says how many. A cause is marked on its line of the library where that is in one of the `changed` files, by their
    paths in the repository: nobody who reads a change looks at others.
    """
    kinds: dict[str, Sequence[tuple[Callable[[Any], _Annotation], Sequence[Any]]]] = {
        "error": (
            (_newly, group(summary.regressions)),
            (_missing, [summary.missing] if summary.missing else []),
            (_cause, group(summary.others)),
            (_lost, [loss for loss in summary.lost if loss.accepted is None]),
        ),
        "warning": (
            (_unread, summary.unread),
            (_changed, summary.unavailable),
            (_expiring, summary.expiring),
        ),
        "notice": ((_shift, summary.moved), (_flaky, summary.flaky)),
    }
    return [
        line
        for kind, groups in kinds.items()
        for line in _commands(kind, [(make, thing) for make, things in groups for thing in things], changed)
    ]


def _commands(
    kind: str, entries: Sequence[tuple[Callable[[Any], _Annotation], Any]], changed: Collection[str]
) -> Iterator[str]:
    shown = entries if len(entries) <= MOST_OF_A_KIND else entries[: MOST_OF_A_KIND - 1]
    for make, thing in shown:
        annotation = make(thing)
        yield _command(kind, annotation, annotation.file if annotation.file in changed else "")
    if left := len(entries) - len(shown):
        yield _command(kind, _Annotation(f"{left:,} more like this", ("The summary has them, and the records all.",)))


def _command(kind: str, annotation: _Annotation, file: str = "") -> str:
    title = no_command(shorten(annotation.title, LONGEST)).translate(IN_PROPERTIES)
    where = f"file={no_command(file).translate(IN_PROPERTIES)},line={annotation.line}," if file else ""
    message = "\n".join(filter(None, map(no_command, annotation.lines))).translate(IN_DATA)
    return f"::{kind} {where}title={title}::{message}"


# What is said of each thing.


def _newly(cause: Cause) -> _Annotation:
    new = VANISHED if cause.example.outcome == VANISHED else f"newly {cause.example.outcome}"
    return _cause(cause, new)


def _cause(cause: Cause, outcome: str | None = None) -> _Annotation:
    example = cause.example
    stage = f" at {example.stage}" if example.stage else ""
    many = f"{cause.count:,} cases, " if cause.count > 1 else ""
    reproduce = f"reproduce: {command(example.reproduce)}" if example.reproduce else ""
    return _Annotation(
        f"{outcome or example.outcome}{stage}: {many}{strikes(cause)}",
        (shorten(example.error, 2 * LONGEST), example.place, since(cause), reproduce),
        f"{SOURCES}/{example.file}",
        example.line,
    )


def _missing(count: int) -> _Annotation:
    line = "Their records were announced and never written: a job was cut off, or its records are lost."
    return _Annotation(f"not-run: {count:,} case(s) without a record", (line,))


def _lost(loss: Lost) -> _Annotation:
    line = "Mend it, or accept it with its reason in the file of accepted losses."
    return _Annotation(f"lost: {loss.whose}: {shorten(loss.what, LONGEST)}", (line,))


def _unread(error: str) -> _Annotation:
    return _Annotation("known from earlier, and not read", (shorten(error, 2 * LONGEST),))


def _changed(changed: Changed) -> _Annotation:
    line = f"was {changed.before}, is {changed.after}: {shorten(changed.reason, LONGEST)}"
    return _Annotation(f"no longer tested: {changed.case}", (line,))


def _expiring(entry: Expiring) -> _Annotation:
    days = f"in {entry.days_left} day(s)" if entry.days_left >= 0 else f"{-entry.days_left} day(s) ago"
    line = f"expires {days}, on {entry.expires}; then its cases fail"
    return _Annotation(f"ledger entry {entry.name}", (line, shorten(entry.reason, LONGEST)))


_WHAT = {
    "duration_s": "slower",
    "peak_memory_bytes": "heavier",
    **{count: f"more {count}" for count in COUNTS},
}


def _shift(shift: Shift) -> _Annotation:
    what = _WHAT.get(shift.quantity, f"slower {shift.quantity}")
    dated = f", since run {at(shift.since, shift.commit)}" if shift.since else ""
    before, now = measured(shift)
    return _Annotation(
        f"{what}: {shift.case}", (f"{before} before, {now} now{dated}", shorten(shift.evidence, 2 * LONGEST))
    )


def _flaky(flaky: Flaky) -> _Annotation:
    return _Annotation(f"flaky: {flaky.case}", (how_flaky(flaky),))
