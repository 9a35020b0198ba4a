"""List the known failures, check that each is still one, or print one as an issue for transformers."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from hfci.commands.options import add_json, print_json
from hfci.errors import UsageError, nearest

if TYPE_CHECKING:
    from hfci.cases.ledger import Entry, Ledger

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "the known failures: which, why, until when"
EXAMPLE = "hfci ledger check"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "check", "report"),
        default="list",
        help="list the entries (default), check them and run their reproducers, or print one as an issue",
    )
    parser.add_argument("entry", nargs="?", metavar="NAME", help="the entry to report")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Read the ledger, hfci's own and the repository's; list or check it."""
    from hfci.cases.ledger import read_ledger

    if (arguments.entry is None) == (arguments.action == "report"):
        raise UsageError("`hfci ledger report NAME` takes the name of one entry, the other actions take none")
    ledger = read_ledger()
    if arguments.action == "report":
        return _report(ledger, arguments.entry, arguments.json)
    return (_check if arguments.action == "check" else _list)(ledger, arguments.json)


def _list(ledger: Ledger, as_json: bool) -> int:
    today = date.today()
    if as_json:
        print_json({"schema": 1, "entries": [_as_data(entry, today) for entry in ledger]})
        return 0
    from rich.text import Text

    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import clean

    table = make_table("entry", "model types", "checks", "stage", "transformers", "expires", "days left", "reason")
    for entry in ledger:
        cells = (
            entry.name,
            ", ".join((*entry.model_types, *entry.architectures)) or "all",
            ", ".join(entry.checks) or "all",
            entry.stage,
            str(entry.transformers),
            str(entry.expires),
            str((entry.expires - today).days),
            entry.reason,
        )
        table.add_row(*(Text(clean(text)) for text in cells))
    print_tables(table if len(ledger) else "the ledger is empty")
    return 0


def _check(ledger: Ledger, as_json: bool) -> int:
    """Print the problems, a line each; 1 if there are any."""
    from hfci.catalog.environment import check_environment
    from hfci.testing.process_setup import available_cores, prepare

    check_environment()
    prepare("cpu")
    from hfci.catalog import model_type_names, read_row, registries, transformers_version
    from hfci.generation.progress import track
    from hfci.results.text import clean
    from hfci.testing.ledger_check import Installed, check_entries

    def architectures(model_type: str) -> list[str]:
        return [architecture.name for architecture in read_row(model_type).architectures]

    tasks = {task: None for pairs in registries.tasks_by_auto_class().values() for task, _ in pairs}
    installed = Installed(transformers_version(), model_type_names(), tuple(tasks), architectures)
    today = date.today()
    checked = check_entries(ledger, installed, today, available_cores())
    checked = track(checked, total=len(ledger), label="checking the ledger")
    faults = [(entry, problem) for entry, problems in checked for problem in problems]
    elsewhere = sum(not entry.is_for(installed.version) for entry in ledger)
    if as_json:
        problems = [{"entry": entry.name, "file": str(entry.file), "problem": text} for entry, text in faults]
        counts = {"entries": len(ledger), "not_run": elsewhere}
        print_json({"schema": 1, "transformers": installed.version, **counts, "problems": problems})
        return 1 if faults else 0
    for entry, text in faults:
        sys.stdout.write(f"{clean(f'{entry.file}: {entry.name}: {text}')}\n")
    other = f"; {elsewhere} not run: they speak of other versions" if elsewhere else ""
    summary = f"{len(ledger)} known failure(s) on transformers {installed.version}, {len(faults)} problem(s){other}"
    sys.stdout.write(f"{summary}\n")
    return 1 if faults else 0


def _report(ledger: Ledger, name: str, as_json: bool) -> int:
    """Print the entry as an issue in Markdown."""
    from hfci.catalog.environment import check_environment

    named = {entry.name: entry for entry in ledger}
    if name not in named:
        raise UsageError(f"the ledger has no entry {name!r:.80}.{nearest(name, named)}")
    check_environment()
    from hfci.catalog import transformers_version
    from hfci.results.ledger_issue import issue_of

    issue = issue_of(named[name], transformers_version())
    if as_json:
        print_json({"schema": 1, "entry": name, "issue": issue})
    else:
        sys.stdout.write(issue)
    return 0


def _as_data(entry: Entry, today: date) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(entry, enc_hook=str)
    return {**data, "days_left": (entry.expires - today).days}
