"""List what the installed transformers offers: a row for every model type."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from hfci.commands.options import add_json, add_names, print_json

if TYPE_CHECKING:
    from hfci.catalog import Catalog

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "what exists: model types, architectures, families, tasks"
EXAMPLE = "hfci catalog bert --json"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_names(parser)
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Read the rows, print them."""
    from hfci.catalog.environment import check_environment
    from hfci.testing.preparation import prepare

    check_environment()
    prepare("cpu", 1)
    from hfci.catalog import read_catalog
    from hfci.generation.progress import track
    from hfci.generation.select import select

    names = select(arguments.names)
    catalog = read_catalog(names, lambda rows: track(rows, total=len(names), label="reading the catalog"))
    if arguments.json:
        print_json(catalog.to_json())
    else:
        _print_table(catalog)
    broken = [row for row in catalog.model_types if row.error]
    return 1 if broken else 0


def _print_table(catalog: Catalog) -> None:
    from rich.console import Console

    from hfci.results.terminal import make_table

    table = make_table("model type", "base architecture", "families", "architectures", "needs", "remark")
    for row in catalog.model_types:
        table.add_row(
            row.model_type,
            row.base.name if row.base else "",
            ", ".join(row.families),
            str(len(row.architectures)),
            ", ".join(row.requires),
            row.error or row.reason or "",
        )
    # In a file or a pipe there is no edge to wrap at.
    wide = None if sys.stdout.isatty() else 250
    Console(highlight=False, markup=False, width=wide).print(table)
