"""Compare two transformers, architecture by architecture: what the second computes with what the first has saved."""

from __future__ import annotations

import contextlib
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import TIERS, add_json, add_names, print_json
from hfci.errors import NothingToDo
from hfci.interruption import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from rich.table import Table

    from hfci.releases.changes import Changes
    from hfci.releases.environments import Environment

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "what changed from one transformers to another"
EXAMPLE = "hfci compare 5.23.0 5.24.0 llama 'qwen*' --html changes.html"

# Of each kind so many entries are shown here.
_SHOWN = 12

_SIDE = "a release, a checkout, DIR@REVISION, a Python or its environment, or `installed`"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("before", metavar="A", help=_SIDE)
    parser.add_argument("after", metavar="B", help="the same")
    add_names(parser)
    parser.add_argument("--tier", choices=TIERS, help="run this tier on both sides too: what newly fails, and is fixed")
    parser.add_argument("--pairs", type=int, metavar="N", help="pairs of processes (default: one for two cores)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it in Markdown")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all of it as JSON")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Prepare both sides, compare, show, after Ctrl-C what there is; 1 where something works no more."""
    from hfci.releases.environments import Store
    from hfci.releases.sides import parse_side

    sides = parse_side(arguments.before), parse_side(arguments.after)
    store = Store()
    with contextlib.ExitStack() as held:
        first, second = (held.enter_context(store.environment(side)) for side in sides)
        changes = _compared(first, second, arguments)
        if arguments.tier and not changes.left:
            changes = _with_cases(changes, first, second, arguments)
    _show(changes, arguments)
    if changes.left:
        return EXIT_INTERRUPTED
    if not changes.model_types:
        raise NothingToDo("nothing was compared")
    return 1 if changes.is_red else 0


def _compared(first: Environment, second: Environment, arguments: Namespace) -> Changes:
    from hfci.generation.progress import track
    from hfci.releases.changes import Changes
    from hfci.releases.comparing import compared
    from hfci.testing.process_setup import available_cores

    began = time.monotonic()
    pairs = arguments.pairs or max(1, available_cores() // 2)
    rows = []
    with compared(first, second, pairs) as comparer:
        chosen = comparer.choose(arguments.names)
        try:
            for row in track(comparer.compare(chosen), total=len(chosen), label="comparing"):
                rows.append(row)
        except KeyboardInterrupt:
            sys.stderr.write("hfci: interrupted; what was compared until now follows\n")
        done = {row.model_type for row in rows}
        order = {name: place for place, name in enumerate(chosen)}
        return Changes(
            before=str(first.side),
            after=str(second.side),
            sides=comparer.told,
            names=tuple(arguments.names),
            model_types=tuple(sorted(rows, key=lambda row: order[row.model_type])),
            sources=dict(sorted(comparer.sources.items())),
            left=tuple(name for name in chosen if name not in done),
            seconds=round(time.monotonic() - began, 1),
            computing=round(comparer.computing, 1),
        )


def _with_cases(changes: Changes, first: Environment, second: Environment, arguments: Namespace) -> Changes:
    import msgspec

    from hfci.releases.cases import compare_cases

    failing, fixed = compare_cases(first, second, arguments.names, arguments.tier)
    return msgspec.structs.replace(changes, tier=arguments.tier, failing=failing, fixed=fixed)


def _show(changes: Changes, arguments: Namespace) -> None:
    import msgspec

    from hfci import workflow
    from hfci.releases.change_report import write_html, write_markdown
    from hfci.writing import replacing, write_json

    if arguments.out is not None:
        write_json(arguments.out, changes)
    if arguments.markdown is not None:
        with replacing(arguments.markdown) as file:
            file.write(write_markdown(changes).encode())
    if arguments.html is not None:
        write_html(arguments.html, changes)
    if arguments.json:
        print_json(msgspec.to_builtins(changes))
    else:
        _print(changes)
    if page := workflow.summary_file():
        with page.open("a", encoding="utf-8") as summary:
            summary.write(write_markdown(changes))


def _print(changes: Changes) -> None:
    from rich.text import Text

    from hfci.releases.change_report import MEANING, sections
    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import no_command, shorten

    def cell(text: str) -> Text:
        return Text(no_command(shorten(text, 160), broken=True))

    counts = make_table("kind", "architectures", "that is")
    for kind, count in changes.counts.items():
        if count:
            counts.add_row(kind, f"{count:,}", MEANING[kind])
    parts: list[Table | str] = [counts]
    for section in sections(changes):
        table = make_table(section.title.lower(), "what", "depends on")
        for entry in section.entries[:_SHOWN]:
            first = entry.lines[0] if entry.lines else None
            said = " ".join(filter(None, (first.whose, first.text))) if first is not None else ""
            more = f" and {len(entry.lines) - 1} more" if len(entry.lines) > 1 else ""
            sources = ", ".join(f"{source.file.rpartition('/')[2]}: {source.name}" for source in entry.sources[:3])
            table.add_row(cell(entry.title), cell(said + more), cell(sources))
        parts += [f"{section.title}: {section.counted}, {section.about}", table]
        if len(section.entries) > _SHOWN:
            parts.append(f"{len(section.entries) - _SHOWN} more: --html FILE shows them")
    print_tables(*parts)
    one, other = changes.sides
    where = f"torch {one.torch}" if one.torch == other.torch else f"torch {one.torch}, then {other.torch}"
    sys.stdout.write(f"\ntransformers {changes.before} → {changes.after} ({where}) in {changes.seconds:.0f} s\n")
