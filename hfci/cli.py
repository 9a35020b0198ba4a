"""The command line: a table of commands, and one place where an error or a signal becomes an exit code."""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from hfci import __version__, imports
from hfci.checkout import enter, overlooked
from hfci.commands.surviving import survive
from hfci.configuration import load_configuration
from hfci.errors import HfciError
from hfci.interruption import EXIT_INTERRUPTED, interruptible
from hfci.output import unfailing_output

__all__ = ["COMMANDS", "main", "make_parser"]

COMMANDS = (
    "catalog",
    "generate",
    "validate",
    "tiny",
    "plan",
    "run",
    "check",
    "report",
    "history",
    "ledger",
    "golden",
    "compare",
    "bisect",
    "compatibility",
    "environments",
    "changes",
    "preflight",
    "doctor",
)

# Those that import the modules of all models that are named: one that never comes back must not keep the others.
IMPORTING = ("catalog", "generate", "validate")

# Those that read sources, and need neither torch nor what registers models.
READING = ("plan",)

EXIT_CODES = (
    "exit codes: 0 done; 1 tests failed or a regression was found; 2 wrong use or configuration; "
    "3 nothing to do; 4 the environment cannot do it; 130 interrupted"
)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="hfci",
        description="Continuous integration for every Hugging Face architecture.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"hfci {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"hfci.commands.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=f"{module.__doc__}",
            epilog=f"example: {module.EXAMPLE}",
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, imports_models=name in IMPORTING, reads_only=name in READING)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; without `argv`, the one that this process was started for."""
    with unfailing_output(), interruptible():
        arguments = make_parser().parse_args(argv)
        try:
            code = _enter(arguments, sys.argv[1:] if argv is None else argv)
            if code is None and argv is None and arguments.imports_models:
                code = survive()
            if code is None:
                code = int(arguments.run(arguments))
                if argv is None:
                    gc.freeze()  # what there is ends with the process, which would look through all of it thrice more
        except HfciError as error:
            print(f"hfci: {error}", file=sys.stderr)  # noqa: T201
            return error.exit_code
        except KeyboardInterrupt:
            print("hfci: interrupted", file=sys.stderr)  # noqa: T201
            return EXIT_INTERRUPTED
        return code


def _enter(arguments: argparse.Namespace, argv: Sequence[str]) -> int | None:
    """Go on with the transformers and the imports that are named, where a command can; None where this process has."""
    code = None
    if "source" in arguments:
        if arguments.source is not None:
            code = enter(arguments.source, argv)
        elif warning := overlooked(Path.cwd()):
            print(f"hfci: {warning}", file=sys.stderr)  # noqa: T201
    return _enter_imports(arguments, argv) if code is None else code


def _enter_imports(arguments: argparse.Namespace, argv: Sequence[str]) -> int | None:
    if "imports" not in arguments:
        return None
    asked = imports.asked_for(arguments.imports, trusted=arguments.trust_remote_code, folder=Path.cwd())
    if warning := imports.unhonoured(load_configuration(Path.cwd())):
        print(f"hfci: {warning}", file=sys.stderr)  # noqa: T201
    return None if asked is None else imports.enter(asked, argv, tries=not arguments.reads_only)
