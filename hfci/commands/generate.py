"""Render the test files of the model types whose tiny model builds and forwards."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from hfci.commands.options import add_folder, add_names

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "render the test files and their manifest"
EXAMPLE = "hfci generate bert 'qwen*' --out generated"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_names(parser)
    add_folder(parser, "--out", "where to write", Path("generated"))
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing; show what differs and exit with 1")
    mode.add_argument("--verify", action="store_true", help="build and forward every tiny model anew")
    mode.add_argument("--scratch", action="store_true", help="render every row, without trying its tiny model")


def run(arguments: Namespace) -> int:
    """Render and write, or compare."""
    from hfci.catalog.environment import check_environment
    from hfci.testing.preparation import prepare

    check_environment()
    prepare("cpu", 1)
    from hfci.generation import check, generate

    if arguments.check:
        differs = check(arguments.names, arguments.out)
        sys.stdout.write(differs or f"{arguments.out} is what would be rendered\n")
        return 1 if differs else 0
    done = generate(arguments.names, arguments.out, verify=arguments.verify, scratch=arguments.scratch)
    sys.stdout.write(f"{arguments.out}: {len(done.written)} written, {len(done.removed)} removed\n")
    return 0
