"""Print the summary of one or several runs from their records."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from hfci.commands.options import add_json, print_json
from hfci.errors import NothingToDo

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "the summary of what ran"
EXAMPLE = "hfci report results/ --summary summary.md"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    results = Path("results")
    parser.add_argument(
        "results",
        nargs="*",
        type=Path,
        default=[results],
        help=f"files or folders of records (default: {results})",
    )
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write the summary as Markdown")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Read, summarize, show; 0 only if it is green."""
    from hfci.results import read_results, summarize
    from hfci.results.markdown import render_summary
    from hfci.results.terminal import print_summary

    summary = summarize(read_results(arguments.results))
    if arguments.summary is not None:
        arguments.summary.write_text(render_summary(summary), encoding="utf-8")
    if arguments.json:
        print_json(summary.to_json())
    else:
        print_summary(summary)
    return 0 if summary.is_green else 1 if summary.is_red else NothingToDo.exit_code
