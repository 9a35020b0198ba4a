"""The summary on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hfci.results.summary import Summary
from hfci.results.text import clean
from hfci.testing.outcomes import Outcome

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["make_table", "print_summary", "print_tables"]

SHOWN_FAILURES = 50
STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.NOT_RUN: "bold red",
    Outcome.KNOWN_FAILURE: "yellow",
}


def print_summary(summary: Summary, console: Console | None = None) -> None:
    """Print the tables, then the failures with a line each that can be pasted."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console(highlight=False)
    outcomes = make_table("outcome", "cases", numbers=True)
    for name, count in summary.outcomes.items():
        if count:
            outcomes.add_row(Text(name, STYLES.get(Outcome(name), "")), str(count))
    ladder = make_table("coverage", "model types", numbers=True)
    for rung, count in summary.ladder.items():
        ladder.add_row(rung, str(count))
    slowest = make_table("slowest", "seconds", numbers=True)
    for case, seconds in summary.slowest:
        slowest.add_row(Text(clean(case)), f"{seconds:.2f}")
    for table in (outcomes, ladder, slowest):
        if table.row_count:
            console.print(table)
    for reason, count in summary.known.items():
        console.print(Text(f"known failure ({count}): {clean(reason)}", "yellow"), soft_wrap=True)
    for reason, count in summary.reasons.items():
        console.print(Text(f"unavailable ({count}): {clean(reason)}"), soft_wrap=True)
    for failure in summary.failures[:SHOWN_FAILURES]:
        stage = f" at {failure.stage}" if failure.stage else ""
        console.print(Text(f"{failure.outcome}{stage}: {clean(failure.case)}", "red"), soft_wrap=True)
        console.print(Text(f"    {failure.error}"), soft_wrap=True)
        if failure.reproduce:
            console.print(Text(f"    {clean(failure.reproduce)}"), soft_wrap=True)
    if len(summary.failures) > SHOWN_FAILURES:
        console.print(f"… and {len(summary.failures) - SHOWN_FAILURES} more, all in the records")
    if summary.torn:
        console.print(f"{summary.torn} torn line(s): a run was cut off", style="red")
    if summary.superseded:
        console.print(f"{summary.superseded} earlier record(s) superseded by a later run of the same case")
    console.print(Text(summary.verdict, "bold green" if summary.is_green else "bold red"), soft_wrap=True)


def make_table(*columns: str, numbers: bool = False) -> Table:
    """Return an empty table; with `numbers`, its last column is aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        last = numbers and column == columns[-1]
        table.add_column(column, overflow="fold", justify="right" if last else "left")
    return table


def print_tables(*tables: Table | str) -> None:
    """Print tables, or what stands for one, to standard output; in a file or a pipe there is no edge to wrap at."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 250)
    for table in tables:
        console.print(table)
