"""Decide which job runs what: what has changed, by file, on the runners that there are, balanced by measured times."""

from __future__ import annotations

import gc
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hfci import workflow
from hfci.commands.earlier import Earlier, add_if_readable
from hfci.commands.options import (
    TIERS,
    add_backend,
    add_checks,
    add_folder,
    add_imports,
    add_json,
    add_names,
    add_source,
    print_json,
)
from hfci.errors import EnvironmentUnfit, NothingToDo, UsageError

if TYPE_CHECKING:
    from hfci.cases.manifest import Manifest
    from hfci.origin import Origin
    from hfci.planning.plan import Plan
    from hfci.planning.planner import Request

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "which shard runs what"
EXAMPLE = "hfci plan --tier smoke --shards 4 --out plan.json && hfci run --shard plan.json:0"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_names(parser)
    add_source(parser)
    add_imports(parser)
    parser.add_argument("--tier", action="append", choices=TIERS, default=[], help="repeatable (default: all)")
    add_checks(parser)
    add_backend(parser)
    what = parser.add_argument_group("what need not run")
    what.add_argument(
        "--since", metavar="RESULTS|REV", help="only what has no green record there, or has changed since"
    )
    what.add_argument(
        "--explain",
        action="append",
        default=[],
        metavar="NAME",
        help="with --since: say why a model type is selected or not, and plan nothing; repeatable",
    )
    what.add_argument(
        "--audit", type=Path, nargs="+", metavar="DIR", help="say what past plans would have missed, and plan nothing"
    )
    what.add_argument(
        "--constraints",
        type=Path,
        metavar="FILE",
        help="with --since: which versions the runners have (default: those installed here)",
    )
    what.add_argument("--budget", metavar="TIME", help="10m, 1h30m: as much of what matters most as fits into it")
    what.add_argument("--popularity", type=Path, metavar="FILE", help="what is most used, from `hfci catalog`")
    add_if_readable(what, "--since (a folder), --requirements and --popularity")
    where = parser.add_argument_group("where it runs")
    where.add_argument(
        "--runner",
        action="append",
        default=[],
        metavar="NAME",
        help="of [tool.hfci.runners]; repeatable (default: all)",
    )
    where.add_argument("--fork", action="store_true", help="the code is a stranger's: GitHub's own CPU runners only")
    where.add_argument("--shards", type=int, metavar="N", help="so many jobs of each runner (default: as few as do)")
    where.add_argument(
        "--requirements", type=Path, metavar="FILE", help="measured times and memory, from `hfci report`"
    )
    parser.add_argument("--out", type=Path, default=Path("plan.json"), metavar="FILE", help="default: plan.json")
    add_folder(parser, "--generated", "the generated tests", Path("generated"))
    parser.add_argument(
        "--github", action="store_true", help=f"append to ${workflow.OUTPUT}, for a matrix, and to ${workflow.SUMMARY}"
    )
    parser.add_argument(
        "--actual",
        type=Path,
        metavar="RESULTS",
        help="compare the plan in --out with what came of it, and plan nothing",
    )
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Select, divide, write, show; needs neither torch nor transformers."""
    gc.disable()  # what a plan is made of stays until its end: looking for garbage costs a fifth of the time
    if arguments.actual is not None:
        return _compare(arguments)
    if arguments.audit is not None:
        return _audit(arguments)
    output = workflow.output_file() if arguments.github else None
    if arguments.github and output is None:
        raise UsageError(
            f"--github appends to the file that {workflow.OUTPUT} names, and it is not set: leave --github out"
        )
    from msgspec.structs import replace

    from hfci.cases.ledger import read_ledger
    from hfci.cases.manifest import MANIFEST, load_manifest
    from hfci.planning.plan import write_plan
    from hfci.planning.planner import make_plan

    read_ledger()  # what is wrong with it is told now, once, and not by every job
    manifest = load_manifest(arguments.generated / MANIFEST)
    _require_imports(manifest)
    if arguments.explain:
        return _explain(arguments, manifest)
    earlier = Earlier(arguments.if_readable)
    plan = replace(make_plan(manifest, _request(arguments, manifest, earlier)), unread=tuple(earlier.unread))
    write_plan(plan, arguments.out)
    if output is not None:
        _tell_github(plan, output)
    if arguments.json:
        print_json(json.loads(arguments.out.read_bytes()))
    else:
        _show(plan, arguments.out)
    return 0


def _require_imports(manifest: Manifest) -> None:
    """Raise UsageError where the tests are of imports that nobody names: what they depend on is not known."""
    from hfci.imports import imported_here

    known = {one.name for one in imported_here()}
    if lacking := sorted({row.imported for row in manifest.model_types if row.imported} - known):
        raise UsageError(
            f"these tests are of what {', '.join(lacking)} registers: name it with --import, or in [tool.hfci] imports"
        )


def _tiers(tiers: Sequence[str], backend: str | None) -> tuple[str, ...]:
    if backend and set(tiers) - {"deep"}:
        raise UsageError(f"--backend asks of the deep tier, and --tier {tiers[0]} of another: leave one of them out")
    return ("deep",) if backend else tuple(tier for tier in TIERS if tier in tiers)


def _request(arguments: Namespace, manifest: Manifest, earlier: Earlier) -> Request:
    from dataclasses import replace

    from hfci.configuration import load_configuration
    from hfci.imports import imported_here
    from hfci.planning.budget import parse_duration
    from hfci.planning.planner import Request
    from hfci.planning.popularity import load_popularity
    from hfci.planning.requirements import Requirements, load_requirements
    from hfci.planning.runners import pick
    from hfci.testing.record_writer import new_run_id

    measured, used = arguments.requirements, arguments.popularity
    if arguments.backend and arguments.since:
        raise UsageError("what a backend made of a model earlier says nothing of today's: leave --since out")
    request = Request(
        run=new_run_id(),
        source=_source(arguments, manifest),
        imports=imported_here(),
        runners=pick(load_configuration(Path.cwd()).runners, arguments.runner),
        names=tuple(arguments.names),
        tiers=_tiers(arguments.tier, arguments.backend),
        checks=tuple(arguments.check),
        backend=arguments.backend,
        requirements=earlier.read(lambda: load_requirements(measured) if measured else Requirements(), Requirements()),
        popularity=earlier.read(lambda: load_popularity(used) if used else None, None),
        shards=arguments.shards,
        budget=parse_duration(arguments.budget) if arguments.budget is not None else None,
        fork=arguments.fork,
    )
    since = earlier.read(lambda: _readable(arguments.since), None)
    if since is None and not arguments.github:
        return request
    from hfci.planning.fingerprinting.reuse import reuse, unreused
    from hfci.planning.workload import cases_of

    places = {"generated": arguments.generated, "constraints": arguments.constraints}
    if since is None:  # what the shards record with their fingerprints, a later plan can reuse
        return replace(request, reuse=unreused(manifest, cases_of(manifest, request), **places))
    known = reuse(manifest, cases_of(manifest, request), since, arguments.source or Path.cwd(), **places)
    return replace(request, reuse=known, red=_red(since) if request.budget else frozenset())


def _readable(since: str | None) -> str | None:
    """Return what --since names; UsageError where it is a folder with a record that cannot be read."""
    from collections import deque

    from hfci.planning.fingerprinting.green_records import read_ended

    deque(read_ended([Path(since)]) if since and Path(since).is_dir() else (), maxlen=0)
    return since


def _source(arguments: Namespace, manifest: Manifest) -> Origin | None:
    """Return the transformers that is here, if the tests are for it; without --since, there need not be one."""
    from hfci.origin import Origin, find_transformers

    try:
        installed = Origin.at(find_transformers())
    except EnvironmentUnfit:
        return None
    if installed.version == manifest.transformers:
        return installed
    if arguments.since is not None:
        raise UsageError(
            f"{arguments.generated} is for transformers {manifest.transformers}, and what has changed would be looked "
            f"for in {installed}: install that version, or name a checkout of it with --source"
        )
    return None


def _red(since: str) -> frozenset[str]:
    """Return the cases that were red in a folder of records; a revision has none."""
    from hfci.cases.outcome import RED
    from hfci.planning.fingerprinting.green_records import Greens, read_ended

    folders = [Path(since)] if Path(since).is_dir() else []
    return frozenset(case for case, ended in Greens.of(read_ended(folders)).last.items() if ended.outcome in RED)


def _explain(arguments: Namespace, manifest: Manifest) -> int:
    if arguments.since is None:
        raise UsageError("--explain says why something is selected or not since a run or a revision: add --since")
    from hfci.results.text import no_command

    names = [manifest[name].model_type for name in arguments.explain]
    known = _request(arguments, manifest, Earlier(if_readable=False)).reuse
    assert known is not None
    explanations = {name: known.explain(name) for name in names}
    if arguments.json:
        print_json(explanations)
    else:
        for text in explanations.values():
            sys.stdout.writelines(no_command(line) + "\n" for line in text.splitlines())
    return 0


def _audit(arguments: Namespace) -> int:
    """Replay past runs; 1 where selection would have left out what failed."""
    from dataclasses import asdict

    from hfci.planning.fingerprinting.green_records import audit, read_ended
    from hfci.results.text import no_command

    ended = [record for record in read_ended(arguments.audit) if record.fingerprint is not None]
    if not ended:
        folders = ", ".join(map(str, arguments.audit))
        raise NothingToDo(f"no record in {folders} has a fingerprint: there is nothing that selection could leave out")
    missed = audit(ended)
    runs = len({record.run for record in ended})
    if arguments.json:
        print_json({"schema": 1, "runs": runs, "records": len(ended), "missed": [asdict(miss) for miss in missed]})
    else:
        lines = [no_command(str(miss)) for miss in missed]
        lines.append(
            f"{len(missed):,} failures that selection would have left out, in {len(ended):,} records of {runs:,} runs"
        )
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if missed else 0


def _tell_github(plan: Plan, output: Path) -> None:
    from hfci.planning.github import append, format_outputs, outputs, page
    from hfci.results.text import code

    append(output, format_outputs(outputs(plan)))
    if summary := workflow.summary_file():
        append(summary, page(plan, code))


def _show(plan: Plan, out: Path) -> None:
    from functools import partial

    from hfci.planning.plan_text import COLUMNS, describe, rows
    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import no_command

    shown = partial(no_command, broken=True)
    table = make_table(*COLUMNS, numbers=True)
    for row in rows(plan, shown):
        table.add_row(*row)
    tables = (table,) if plan.shards else ()
    print_tables(*tables, *describe(plan, shown), f"run {plan.run}: {out}")


def _compare(arguments: Namespace) -> int:
    """Show the predicted and the actual makespan of each shard."""
    from dataclasses import asdict

    from hfci.planning.plan import load_plan
    from hfci.planning.plan_accuracy import plan_accuracy
    from hfci.planning.plan_text import time
    from hfci.results import read_results, summarize
    from hfci.results.terminal import make_table, print_tables

    plan = load_plan(arguments.out)
    results = read_results([arguments.actual])
    parts = summarize(results).shards
    begun = {head.shard: head.start_up_s for head in results.headers if head.run == plan.run}
    own = {part.shard: part.longest_s for part in parts if part.run == plan.run and part.shard is not None}
    if not own:
        raise NothingToDo(f"{arguments.actual} has no records of {plan.run}, the run of {arguments.out}")
    by_shard = {shard: seconds for shard, seconds in begun.items() if shard is not None and seconds}
    rows = plan_accuracy(plan, own, by_shard)
    if arguments.json:
        print_json([{**asdict(row), "ratio": row.ratio} for row in rows])
        return 0
    table = make_table("shard", "predicted", "actual", "actual / predicted", numbers=True)
    for row in rows:
        actual = "no records" if row.actual_s is None else time(row.actual_s)
        table.add_row(row.name, time(row.predicted_s), actual, "" if row.ratio is None else f"{row.ratio:.2f}")
    longest = max(row.actual_s or 0.0 for row in rows)
    bound = f"no division could take less than {time(plan.bound_s)}"
    print_tables(table, f"Predicted {time(plan.predicted_s)}, actual {time(longest)}; {bound}.")
    return 0
