"""The summary on a terminal."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hfci.cases.outcome import RED, Outcome
from hfci.results.causes import Cause, group
from hfci.results.sections import RED_MARK, Section, command, sections, since, strikes
from hfci.results.summary import VANISHED, Summary
from hfci.results.text import first_line, no_command

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["make_table", "print_summary", "print_tables"]

SHOWN_CAUSES = 50
SHOWN_ROWS = 10
SHOWN_REASONS = 200
IN_PAGES = ("Failing cases",)  # too long for a terminal, which has their causes
STYLES = {
    Outcome.PASSED.value: "green",
    Outcome.KNOWN_FAILURE.value: "yellow",
    **dict.fromkeys((*RED, VANISHED), "bold red"),
}


def print_summary(summary: Summary, console: Console | None = None) -> None:
    """Print what newly broke first, each with a line that can be pasted; then the rest, and the verdict at the end.

    A runner of GitHub finds no command in it, whatever tests have said.
    """
    from rich.console import Console
    from rich.text import Text

    console = console or Console(highlight=False)

    def say(line: str, style: str = "", indent: str = "") -> None:
        console.print(Text(indent + no_command(line), style), soft_wrap=True)

    failures = {"Regressions": summary.regressions, "Failures": summary.others, "Other failures": summary.others}
    for section in sections(summary):
        if section.title in failures:
            _print_causes(section.title, group(failures[section.title]), say)
        elif section.title in LINES:
            for line in LINES[section.title](section, summary):
                say(line)
        elif section.title not in IN_PAGES and (
            section.title != "Shards" or section.total > 1
        ):  # one job has nothing to balance
            _print_table(section, console, say)
    say(summary.verdict, "bold green" if summary.is_green else "bold red")


Say = Callable[..., None]
Lines = Callable[[Section, Summary], Iterator[str]]


def _print_causes(title: str, causes: Sequence[Cause], say: Say) -> None:
    say(title, "bold")
    for cause in causes[:SHOWN_CAUSES]:
        example = cause.example
        stage = f" at {example.stage}" if example.stage else ""
        many = f"{cause.count:,} cases, " if cause.count > 1 else ""
        say(f"{', '.join(cause.outcomes)}{stage}: {many}{strikes(cause)}", "red")
        dated = since(cause)
        place = " ".join(filter(None, (example.place, example.address)))
        for line in (
            first_line(example.error),
            place,
            dated,
            command(example.reproduce),
        ):
            if line:
                say(line, indent="    ")
    if len(causes) > SHOWN_CAUSES:
        say(f"… and {len(causes) - SHOWN_CAUSES:,} more, all in the records")
    say("")


def _print_table(section: Section, console: Console, say: Say) -> None:
    from rich.text import Text

    say(". ".join(filter(None, (section.title, section.note))))
    if not section.rows:
        return
    table = make_table(*(column.name for column in section.columns))
    for column, shown in zip(section.columns, table.columns, strict=True):
        shown.justify = "right" if column.is_number else "left"
    for row in section.rows[:SHOWN_ROWS]:
        cells = (no_command(cell, broken=True) for cell in row)
        table.add_row(*(Text(cell, STYLES.get(cell, "red" if cell.startswith(RED_MARK) else "")) for cell in cells))
    console.print(table)
    if section.total > SHOWN_ROWS:
        say(f"… and {section.total - SHOWN_ROWS:,} more")
    say("")


# What is told in lines: each reason whole, the facts of each run.


def _counted(what: str, counts: Callable[[Summary], Mapping[str, int]]) -> Lines:
    def lines(_: Section, summary: Summary) -> Iterator[str]:
        shown = itertools.islice(counts(summary).items(), SHOWN_REASONS)
        return (f"{what} ({count:,}): {reason}" for reason, count in shown)

    return lines


def _runs(section: Section, _: Summary) -> Iterator[str]:
    names = [column.name for column in section.columns[1:]]
    for of, *facts in section.rows[:SHOWN_ROWS]:
        yield f"{of}: {', '.join(f'{name} {fact}' for name, fact in zip(names, facts, strict=True) if fact)}"


def _records(section: Section, _: Summary) -> Iterator[str]:
    return (f"{count} record(s) {what}" for what, count in section.rows)


LINES: dict[str, Lines] = {
    "Known failures": _counted("known failure", lambda summary: summary.known),
    "Unavailable": _counted("unavailable", lambda summary: summary.reasons),
    "Runs": _runs,
    "Records": _records,
}


def make_table(*columns: str, numbers: bool = False) -> Table:
    """Return an empty table; with `numbers`, its last column is aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        last = numbers and column == columns[-1]
        table.add_column(column, overflow="fold", justify="right" if last else "left")
    return table


def print_tables(*tables: Table | str) -> None:
    """Print tables, or what stands for one, to standard output; in a file or a pipe there is no edge to wrap at."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 250)
    for before, table in zip((None, *tables), tables, strict=False):
        if before is not None and not (isinstance(before, str) and isinstance(table, str)):
            sys.stdout.write("\n")
        with console.capture() as printed:
            console.print(table)
        sys.stdout.writelines(line.rstrip() + "\n" for line in printed.get().splitlines())
