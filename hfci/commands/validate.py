"""Check the generated test files: header, the checks asked, assertions, names, no duplicates; and mend them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import add_folder, add_imports, add_json, print_json
from hfci.errors import UsageError

if TYPE_CHECKING:
    from hfci.generation import Consistency

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "check the generated test files, and mend them"
EXAMPLE = "hfci validate generated --fix"

GENERATED = Path("generated")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="DIR|NAME",
        help="a folder of generated tests; or model types, patterns, family:NAME, architectures in --generated",
    )
    add_folder(parser, "--generated", "the folder of generated tests", GENERATED)
    add_imports(parser)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--consistency", action="store_true", help="compare files, templates and families; show balance")
    mode.add_argument("--fix", action="store_true", help="render anew what has drifted, and print what changed")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print the problems, a line each; 1 if there are any left."""
    from hfci.catalog.environment import check_environment
    from hfci.testing.process_setup import prepare

    folder, names = _split(arguments)
    if arguments.fix and names:
        raise UsageError(f"--fix mends a whole folder; leave out {' '.join(names)}")
    check_environment()
    prepare("cpu")
    from hfci.generation import consistency, fix, validate

    if arguments.fix:
        fixed, problems = fix(folder)
        if arguments.json:
            print_json({"fixed": [{"file": mended.file, "why": [str(why) for why in mended.why]} for mended in fixed]})
            return 1 if problems else 0
        for mended in fixed:
            sys.stdout.write(f"{mended.file}: rendered anew\n" + "".join(f"    {why}\n" for why in mended.why))
        sys.stdout.write(f"{folder}: {len(fixed)} file(s) mended\n")
    elif arguments.consistency:
        outcome = consistency(names, folder)
        problems = list(outcome.problems)
        if arguments.json:
            print_json(outcome.to_json())
            return 1 if problems else 0
        _print_balance(outcome)
    else:
        problems = validate(names, folder)
        if arguments.json:
            print_json({"problems": [problem._asdict() for problem in problems]})
            return 1 if problems else 0
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(f"{folder}: {len(problems)} problem(s)\n")
    return 1 if problems else 0


def _split(arguments: Namespace) -> tuple[Path, list[str]]:
    """Return the folder and the names: an argument that is a folder, or is written as a path, is the folder."""
    folders = [name for name in arguments.names if Path(name).is_dir() or "/" in name]
    if len(folders) > 1 or (folders and arguments.generated != GENERATED):
        raise UsageError(f"one folder at a time, not {', '.join([*folders, str(arguments.generated)])}")
    names = [name for name in arguments.names if name not in folders]
    return Path(folders[0]) if folders else arguments.generated, names


def _print_balance(outcome: Consistency) -> None:
    from hfci.results.terminal import make_table, print_tables

    table = make_table("family", "model types", "architectures", "covered", "files", "tests a file", "checks")
    for line in outcome.families:
        fewest, most = line.tests_a_file
        checks = ", ".join(f"{name} {count}" for name, count in line.checks.items())
        numbers = (line.model_types, line.architectures, line.covered, line.files)
        table.add_row(line.family, *map(str, numbers), f"{fewest} to {most}", checks)
    print_tables(table)
