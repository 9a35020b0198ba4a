"""The environments that hfci made for other transformers, in the user's cache: list them, or remove some or all."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hfci.commands.options import add_json, print_json
from hfci.errors import UsageError

if TYPE_CHECKING:
    from hfci.releases.environments import Store

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "the environments made for other transformers"
EXAMPLE = "hfci environments remove"

_GIB = 2**30


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "remove"), default="list", help="list them (default), or remove them"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="those to remove; none means all that are not in use")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """List or remove; 1 where one could not be removed."""
    from hfci.releases.environments import Store

    store = Store()
    if arguments.action == "remove":
        removed = store.remove(tuple(arguments.names))
        if arguments.json:
            print_json({"schema": 1, "removed": removed})
        else:
            for name, why in removed.items():
                sys.stdout.write(f"{name}: {why or 'removed'}\n")
            sys.stdout.write("" if removed else "there is none\n")
        return 1 if any(removed.values()) else 0
    if arguments.names:
        raise UsageError("`hfci environments list` takes no names")
    return _list(store, arguments.json)


def _list(store: Store, as_json: bool) -> int:
    import msgspec

    kept = store.kept()
    total = sum(told.size for told, _ in kept.values())
    if as_json:
        rows = [{"name": name, **msgspec.to_builtins(told), "used": used} for name, (told, used) in kept.items()]
        print_json({"schema": 1, "folder": str(store.folder), "limit": store.limit, "environments": rows})
        return 0
    from rich.text import Text

    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import clean

    table = make_table("environment", "of", "its own packages", "last used", "MiB", numbers=True)
    for name, (told, used) in kept.items():
        packages = ", ".join(f"{package} {version}" for package, version in told.own.items())
        when = datetime.fromtimestamp(used, UTC).strftime("%Y-%m-%d %H:%M")
        cells = (name, told.what, packages, when, f"{told.size / 2**20:,.0f}")
        table.add_row(*(Text(clean(cell)) for cell in cells))
    print_tables(table if kept else f"there is none in {store.folder}")
    sys.stdout.write(
        f"\n{total / _GIB:.1f} GiB of at most {store.limit / _GIB:.1f} GiB in {store.folder}\n" if kept else ""
    )
    return 0
