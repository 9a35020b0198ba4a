"""Keep what many runs recorded in one file, and tell where it is going."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import add_json, print_json
from hfci.errors import UsageError

if TYPE_CHECKING:
    from hfci.results.history import History
    from hfci.results.history.trends import Trends
    from hfci.results.wall import Board

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "many runs in one file: success and coverage over time, first bad runs, flakes, slow-downs"
EXAMPLE = "hfci history add results/ && hfci history show --branch main"

SHOWN_RUNS = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    add = actions.add_parser("add", help="add runs; one that is known already changes nothing")
    add.add_argument("results", nargs="*", type=Path, default=[Path("results")], help="default: results")
    _add_file(add)
    add.add_argument(
        "--run", dest="of_run", default="", metavar="ID", help="of which run all of it must be (default: of any)"
    )
    add.add_argument("--requirements", type=Path, metavar="FILE", help="merge what was measured into this file")
    add_json(add)
    add.set_defaults(act=_add)

    show = actions.add_parser("show", help="what the runs say together; with a case, what it said whenever it was red")
    show.add_argument("case", nargs="?", metavar="CASE", help="the ID of a case")
    _add_file(show)
    show.add_argument("--branch", metavar="NAME", help="only the runs of this branch (default: all)")
    add_json(show)
    show.set_defaults(act=_show)

    quarantine = actions.add_parser("quarantine", help="the cases that it proves flaky: their failures are no news")
    _add_file(quarantine)
    quarantine.add_argument("--branch", metavar="NAME", help="only the runs of this branch (default: all)")
    quarantine.add_argument("--out", type=Path, metavar="FILE", help="write them to this file, for `hfci report`")
    add_json(quarantine)
    quarantine.set_defaults(act=_quarantine)

    wall = actions.add_parser(
        "wall", help="a page for a screen: coverage and success over months, what has been open longest"
    )
    _add_file(wall)
    wall.add_argument("--branch", metavar="NAME", help="only the runs of this branch (default: all)")
    wall.add_argument("--name", default="pinned", help="what these runs are of (default: pinned)")
    wall.add_argument(
        "--beside", action="append", default=[], metavar="NAME=FILE", help="another history's newest run; repeatable"
    )
    wall.add_argument("--html", type=Path, default=Path("wall.html"), metavar="FILE", help="default: wall.html")
    wall.set_defaults(act=_wall)

    prune = actions.add_parser("prune", help="drop old runs; what may be asked for as a baseline stays")
    _add_file(prune)
    prune.add_argument("--keep-days", type=int, metavar="N", help="drop what is older")
    prune.add_argument("--keep-runs", type=int, metavar="N", help="drop all but the newest N")
    add_json(prune)
    prune.set_defaults(act=_prune)


def _add_file(parser: ArgumentParser) -> None:
    path = Path("history.db")
    parser.add_argument("--history", type=Path, default=path, metavar="FILE", help=f"the file (default: {path})")


def run(arguments: Namespace) -> int:
    """Open the file, do what is asked."""
    from hfci.results.history import History

    with History.open(arguments.history, create=arguments.act is _add) as history:
        arguments.act(arguments, history)
    return 0


def _add(arguments: Namespace, history: History) -> None:
    from hfci.planning.requirements import merge_into
    from hfci.results import read_results
    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import clean

    results = read_results(arguments.results)
    others = [run for run in results.runs if run != arguments.of_run]
    if arguments.of_run and others:
        path = next(path for head, path in zip(results.headers, results.files, strict=True) if head.run in others)
        raise UsageError(
            f"{path} is of run {clean(others[0])}, and all of this was to be of run {arguments.of_run}: nothing is "
            "added; leave it out, or say no --run"
        )
    added = history.add(results)
    if arguments.requirements is not None:
        merge_into(arguments.requirements, results.parts())
    if arguments.json:
        print_json([dataclasses.asdict(addition) for addition in added])
        return
    table = make_table("run", "to the history")
    for addition in added:
        table.add_row(clean(addition.run), addition.news)
    print_tables(table)


def _quarantine(arguments: Namespace, history: History) -> None:
    from datetime import date

    import msgspec

    from hfci.results.quarantine import propose
    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import clean

    proposed = propose(history.trends(arguments.branch).flaky, date.today())
    if arguments.out is not None:
        proposed.write(arguments.out)
    if arguments.json:
        print_json(msgspec.to_builtins(proposed))
        return
    table = make_table("in quarantine", "why", "until")
    for entry in proposed.entries:
        table.add_row(clean(entry.case), clean(entry.reason), entry.expires)
    print_tables(table if proposed.entries else "nothing is proved flaky: no case is in quarantine")


def _wall(arguments: Namespace, history: History) -> None:
    from datetime import date

    from hfci.cases.ledger import read_ledger
    from hfci.results.expiring import expiring
    from hfci.results.history import History
    from hfci.results.wall import write_wall

    boards = [_board(arguments.name, history, arguments.branch)]
    for beside in arguments.beside:
        name, equals, path = beside.partition("=")
        if not (name and equals and path):
            raise UsageError(f"--beside takes NAME=FILE, the name of a history and its file, not {beside!r:.80}")
        with History.open(Path(path)) as other:
            boards.append(_board(name, other, arguments.branch))
    write_wall(arguments.html, boards, expiring(read_ledger(), date.today()))


def _board(name: str, history: History, branch: str | None) -> Board:
    from datetime import date

    from hfci.results.quarantine import propose
    from hfci.results.wall import Board

    trends = history.trends(branch)
    held = frozenset(entry.case for entry in propose(trends.flaky, date.today()).entries)
    return Board(name, trends, history.versions(trends.points[-1].run) if trends.points else {}, held)


def _prune(arguments: Namespace, history: History) -> None:
    from hfci.results.terminal import print_tables

    pruned = history.prune(keep_days=arguments.keep_days, keep_runs=arguments.keep_runs)
    if arguments.json:
        print_json(dataclasses.asdict(pruned))
    else:
        print_tables(f"{pruned.runs} runs dropped, and {pruned.cases} cases that no other run has")


def _show(arguments: Namespace, history: History) -> None:
    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import clean, first_line

    if arguments.case is None:
        trends = history.trends(arguments.branch)
        if arguments.json:
            print_json(dataclasses.asdict(trends))
        else:
            _print_trends(trends)
        return
    failings = history.failings(arguments.case)
    if arguments.json:
        print_json([dataclasses.asdict(failing) for failing in failings])
        return
    table = make_table("run", "started", "stage", "error", "reproduce")
    for failing in failings:
        error = first_line(": ".join(filter(None, (failing.error, failing.message))) or failing.reason or "")
        cells = (failing.run, failing.started, failing.stage or "", error, failing.reproduce or "")
        table.add_row(*map(clean, cells))
    print_tables(table if failings else "it was never red in this history, or is not in it")


def _print_trends(trends: Trends) -> None:
    from rich.text import Text

    from hfci.results.sections import measured
    from hfci.results.speeds import how_sharp
    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import clean, first_line

    runs = make_table("run", "started", "verdict", "executed", "planned", "checked types", numbers=True)
    for point in trends.points[-SHOWN_RUNS:]:
        verdict = Text("green", "green") if point.green else Text("red", "bold red")
        counts = (point.executed, point.planned, point.ladder.get("checked", 0))
        runs.add_row(clean(point.run), clean(point.started), verdict, *map(str, counts))
    causes = make_table("open cause", "since", "cases", numbers=True)
    for cause in trends.causes.values():
        causes.add_row(first_line(str(cause.identity)), clean(str(cause)), f"{cause.cases:,}")
    bad = make_table("red since", "first bad run", "commit", "runs", numbers=True)
    for streak in trends.streaks.values():
        bad.add_row(*map(clean, (streak.case, streak.run, streak.commit or "")), str(streak.runs))
    flaky = make_table("flaky", "last failed in", "passed", "failed", numbers=True)
    for flake in trends.flaky:
        flaky.add_row(clean(flake.case), clean(flake.last_run), str(flake.passed), str(flake.failed))
    moved = make_table("slower or heavier", "since", "before", "now", numbers=True)
    for shift in trends.moved:
        moved.add_row(clean(shift.case), clean(shift.since or ""), *measured(shift))
    come = make_table("case", "in the newest run")
    for name, cases in (("new", trends.added), ("gone", trends.vanished)):
        for case in cases:
            come.add_row(clean(case), name)
    said = (how_sharp(trends.sharpness),)
    print_tables(*(table for table in (runs, causes, bad, flaky, moved, come) if table.row_count), *filter(None, said))
