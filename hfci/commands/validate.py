"""Check the generated test files: header, promised tests, assertions, names, no duplicates."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from hfci.commands.options import add_folder, add_names

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "check the generated test files"
EXAMPLE = "hfci validate bert --generated generated"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_names(parser)
    add_folder(parser, "--generated", "the folder of generated tests", Path("generated"))


def run(arguments: Namespace) -> int:
    """Print the problems, a line each; 1 if there are any."""
    from hfci.catalog.environment import check_environment
    from hfci.testing.preparation import prepare

    check_environment()
    prepare("cpu", 1)
    from hfci.generation import validate

    problems = validate(arguments.names, arguments.generated)
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(f"{arguments.generated}: {len(problems)} problem(s)\n")
    return 1 if problems else 0
