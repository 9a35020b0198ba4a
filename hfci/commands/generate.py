"""Render the test files of the model types whose tiny model builds and forwards."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import add_folder, add_imports, add_json, add_names, add_source, print_json
from hfci.errors import UsageError

if TYPE_CHECKING:
    from hfci.generation.rules import Problem

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "render the test files and their manifest"
EXAMPLE = "hfci generate bert 'qwen*' --out generated"

SHOWN = 20  # problems


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_names(parser)
    add_source(parser)
    add_imports(parser)
    add_folder(parser, "--out", "where to write", Path("generated"))
    add_folder(parser, "--guides", "render the guides of the tests in --out, e.g. into docs, and no tests")
    add_folder(parser, "--schemas", "write the JSON Schemas into the package's source, e.g. hfci, and no tests")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing; show what differs and exit with 1")
    mode.add_argument("--verify", action="store_true", help="build and forward every tiny model anew")
    mode.add_argument("--scratch", action="store_true", help="render every row, without trying its tiny model")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Render and write, or compare."""
    if arguments.guides is not None:
        return _guides(arguments)
    if arguments.schemas is not None:
        return _schemas(arguments)
    from hfci.catalog.environment import check_environment
    from hfci.checks.own import require_readable
    from hfci.testing.process_setup import prepare

    check_environment()
    require_readable()
    prepare("cpu")
    from hfci.generation import check, generate

    if arguments.check:
        return _show(check(arguments.names, arguments.out), arguments.out)
    done = generate(arguments.names, arguments.out, verify=arguments.verify, scratch=arguments.scratch)
    if arguments.json:
        problems = [problem._asdict() for problem in done.problems]
        print_json({"written": done.written, "removed": done.removed, "problems": problems})
    else:
        sys.stdout.write(f"{arguments.out}: {len(done.written)} written, {len(done.removed)} removed\n")
    if done.problems:
        _tell(done.problems)
    return 1 if done.problems else 0


def _tell(problems: Sequence[Problem]) -> None:
    """Name the rows without a test on standard error: each is red in every run."""
    lines = [f"{problem.file}: {problem.rule}: {problem.message}" for problem in problems[:SHOWN]]
    more = [f"… and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    head = f"hfci: {len(problems)} row(s) have no test, all others were written"
    sys.stderr.write("\n".join([head, *lines, *more]) + "\n")


def _guides(arguments: Namespace) -> int:
    """Render the guides, or compare them: from data alone, without torch."""
    from hfci.generation.guides import check_guides, write_guides

    if arguments.names or arguments.verify or arguments.scratch:
        raise UsageError("--guides renders all guides, from what is known: it takes no NAME, --verify or --scratch")
    if arguments.check:
        return _show(check_guides(arguments.guides, arguments.out), arguments.guides)
    written, removed = write_guides(arguments.guides, arguments.out)
    sys.stdout.write(f"{arguments.guides}: {len(written)} written, {len(removed)} removed\n")
    return 0


def _schemas(arguments: Namespace) -> int:
    """Write the schemas, or compare them."""
    from hfci.generation.schemas import check_schemas, write_schemas

    if arguments.names or arguments.verify or arguments.scratch:
        raise UsageError("--schemas writes all schemas: it takes no NAME, --verify or --scratch")
    if arguments.check:
        return _show(check_schemas(arguments.schemas), arguments.schemas)
    sys.stdout.write(f"{arguments.schemas}: {len(write_schemas(arguments.schemas))} written\n")
    return 0


def _show(differs: str, out: Path) -> int:
    sys.stdout.write(differs or f"{out} is what would be rendered\n")
    return 1 if differs else 0
