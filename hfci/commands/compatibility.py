"""Merge the records of several runs into a map: which model type works on which transformers, torch and Python."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import add_json, print_json
from hfci.errors import UsageError

if TYPE_CHECKING:
    from hfci.releases.compatibility import Compatibility

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "which model type works on which versions"
EXAMPLE = "hfci compatibility results-5.17/ results-5.24/ --html compatibility.html"


# Of the combinations that did not run so many are named here.
_SHOWN = 2


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("records", nargs="*", type=Path, metavar="RECORDS", help="files, or folders with files below")
    parser.add_argument(
        "--expected", type=Path, metavar="FILE", help="combinations that were to run, as --matrix prints"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all of it as JSON")
    parser.add_argument(
        "--matrix", action="store_true", help="print which combinations there are to run, by the index, as JSON"
    )
    parser.add_argument("--github", action="store_true", help="of --matrix, write it as an output of the step too")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Merge and show, or print the matrix."""
    if arguments.matrix:
        return _matrix(arguments)
    if arguments.github:
        raise UsageError("--github is of --matrix")
    if not arguments.records:
        raise UsageError("name the records of the runs, files or folders")
    import msgspec

    from hfci.releases.compatibility import compatibility_of, read_expected
    from hfci.releases.compatibility_page import write_page
    from hfci.results import read_results
    from hfci.testing.folders import usual_manifest
    from hfci.writing import write_json

    expected = read_expected(arguments.expected) if arguments.expected is not None else ()
    manifest = usual_manifest()  # what there is on the pinned release, be it run nowhere
    known = () if manifest is None else [row.model_type for row in manifest.model_types]
    found = compatibility_of(read_results(arguments.records), expected, known)
    if arguments.out is not None:
        write_json(arguments.out, found)
    if arguments.html is not None:
        write_page(arguments.html, found)
    if arguments.json:
        print_json(msgspec.to_builtins(found))
    else:
        _print(found)
    return 0


def _matrix(arguments: Namespace) -> int:
    import msgspec

    from hfci import workflow
    from hfci.planning.github import append, format_outputs
    from hfci.releases.matrix import combinations
    from hfci.writing import write_json

    if arguments.records or arguments.expected or arguments.html:
        raise UsageError("--matrix takes --out, --github and nothing else")
    output = workflow.output_file() if arguments.github else None
    if arguments.github and output is None:
        raise UsageError("--github is for a step of GitHub Actions: GITHUB_OUTPUT is not set here")
    found = combinations()
    if arguments.out is not None:
        write_json(arguments.out, found)
    if output is not None:
        append(output, format_outputs({"combinations": msgspec.json.encode(found).decode()}))
    print_json(msgspec.to_builtins(found))
    return 0


def _print(found: Compatibility) -> None:
    from rich.text import Text

    from hfci.releases.compatibility import State
    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import clean, shorten

    table = make_table("transformers", "torch", "Python", *State)
    for place in found.ran:
        one, counts = found.combinations[place], found.counts(place)
        cells = (one.transformers, one.torch, one.python, *(f"{counts.get(state, 0):,}" for state in State))
        table.add_row(*(Text(clean(cell)) for cell in cells))
    bad = make_table("model type", "since", "works from", "until", "first bad", "reason")
    for row in found.model_types:
        if row.first_bad is not None:
            first = found.combinations[row.first_bad.combination]
            cells = (row.model_type, row.since or "", row.works_from or "", row.works_until or "", first.transformers)
            bad.add_row(*(Text(clean(cell)) for cell in cells), Text(shorten(row.first_bad.reason, 100)))
    others = []
    for reason, those in found.not_run.items():
        named = "; ".join(map(str, those[:_SHOWN])) + (f"; {len(those) - _SHOWN} more" if len(those) > _SHOWN else "")
        others.append(clean(f"{len(those)} not run{reason and f' ({reason})'}: {named}"))
    print_tables(table, *others, bad if bad.row_count else "nothing failed")
