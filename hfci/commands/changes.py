"""Show what each change of a tiny configuration does, as it is written down, or try them all and write it down."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import add_folder, add_imports, add_json, add_names, print_json
from hfci.errors import NothingToDo, UsageError, in_one_line

if TYPE_CHECKING:
    from hfci.checks.recorded_changes import ChangesFile

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "what each change of a configuration does, and taking a change of that over"
EXAMPLE = "hfci changes accept falcon 'qwen*'"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "action",
        choices=("show", "accept"),
        help="show what is written down, or try each change, tell what it does that it did not, and write it down",
    )
    add_names(parser)
    add_imports(parser)
    add_folder(parser, "--folder", "what is written down (default: hfci's own)")
    parser.add_argument("--missing", action="store_true", help="try only what is not written down yet")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print or write; 1 where an architecture could not be built or run."""
    from hfci.catalog.environment import check_environment
    from hfci.testing.process_setup import prepare

    if arguments.action == "show" and arguments.missing:
        raise UsageError("--missing is for `accept`")
    if arguments.action == "accept" and arguments.json:
        raise UsageError("--json is for `show`")
    check_environment()
    prepare("cpu")
    from hfci.catalog import read_row
    from hfci.generation.select import select

    names = [name for name in select(arguments.names) if read_row(name).base is not None]
    return (_show if arguments.action == "show" else _accept)(names, arguments)


def _show(names: list[str], arguments: Namespace) -> int:
    """Print a row for each change, and how many do what."""
    from hfci.catalog.kept import require_kept
    from hfci.checks.recorded_changes import FOLDER, read_changes

    folders = {name: require_kept("changes", name, FOLDER, arguments.folder) for name in names}
    files = [file for name, folder in folders.items() if (file := read_changes(name, folder)) is not None]
    if not files:
        raise NothingToDo("of none of these it is written down; `hfci changes accept NAME` does it")
    if arguments.json:
        print_json({"schema": 1, "model_types": {file.model_type: _as_data(file) for file in files}})
        return 0
    from rich.text import Text

    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import clean

    table = make_table("model type", "change", "effect", "what")
    counts: Counter[str] = Counter()
    for file in files:
        for change, effect in file.by_change.items():
            counts[effect.does] += 1
            table.add_row(*(Text(clean(cell)) for cell in (file.model_type, change, effect.does, effect.what)))
    print_tables(table)
    totals = ", ".join(f"{does}: {count}" for does, count in counts.most_common())
    fields = sum(len(file.unreached) for file in files)
    sys.stdout.write(f"{counts.total()} changes of {len(files)} model types; {totals}; no change of {fields} fields\n")
    return 0


def _as_data(file: ChangesFile) -> dict[str, object]:
    from msgspec import to_builtins

    changes = {change: to_builtins(effect) for change, effect in file.by_change.items()}
    return {"transformers": file.transformers, "architecture": file.architecture, "changes": changes}


def _accept(names: list[str], arguments: Namespace) -> int:
    """Write the file of each model type once its changes are tried, so that what was done before an end stays."""
    from hfci.catalog.kept import require_kept
    from hfci.checks.recorded_changes import FOLDER
    from hfci.generation.progress import track
    from hfci.results.text import clean

    folders = {name: require_kept("changes", name, FOLDER, arguments.folder) for name in names}
    failed: dict[str, str] = {}
    count = 0
    for name in track(names, total=len(names), label="trying changes"):
        try:
            lines = list(_accept_one(name, folders[name], only_missing=arguments.missing))
        except Exception as error:  # one model type's fault must not cost the others what theirs do
            failed[name] = in_one_line(error)
            continue
        count += len(lines)
        sys.stdout.write("".join(f"{name} {clean(line)}\n" for line in lines))
        sys.stdout.flush()
    if not count and not failed:
        sys.stdout.write("every change does what it did\n")
    for name, said in failed.items():
        sys.stderr.write(f"hfci: what changes of {name} do was not found out: {clean(said)}\n")
    return 1 if failed else 0


def _accept_one(name: str, folder: Path, *, only_missing: bool) -> Iterator[str]:
    """Try the changes of a model type and write down what they do; yield what is other than before, a line each.

    What is written down on the transformers that is installed is not tried again where `only_missing` is wanted.
    """
    from hfci.catalog import transformers_version
    from hfci.checks.changes import effects_of, unreached
    from hfci.checks.recorded_changes import ChangesFile, read_changes
    from hfci.tiny import build_tiny
    from hfci.tiny.changes import changes_of, usual_values

    before, version = read_changes(name, folder), transformers_version()
    known = {} if before is None else before.by_change
    tiny = build_tiny(name)
    changes = changes_of(tiny.config, usual_values(tiny.config))
    is_same = before is not None and (before.transformers, before.architecture) == (version, tiny.architecture)
    kept = known if only_missing and is_same else {}
    tried = effects_of(tiny, [change for change in changes if str(change) not in kept])
    found = {**kept, **{str(change): effect for change, effect in tried}}
    effects = {str(change): found[str(change)] for change in changes}
    file = ChangesFile.of(version, name, tiny.architecture, effects, unreached(tiny, changes))
    if file != before:
        file.write(folder)
    if before is None:
        counts = Counter(effect.does for effect in effects.values())
        yield f"is new: {', '.join(f'{does} {count}' for does, count in counts.most_common()) or 'no change'}"
        return
    yield from (f"{change} is gone" for change in known if change not in effects)
    for change, effect in effects.items():
        if change not in known:
            yield f"{change} is new: {effect}"
        elif effect != known[change]:
            yield f"{change} {effect}, where it was {known[change]}"
