"""Plan, run and report in one go: what a change of transformers breaks, from an edit to the verdict."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import add_device, add_folder, add_imports, add_names, add_source, add_tier
from hfci.errors import NothingToDo

if TYPE_CHECKING:
    from hfci.cases.manifest import Manifest
    from hfci.planning.plan import Plan

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "plan, run and report in one go"
EXAMPLE = "hfci check --source ~/transformers --since main llama 'qwen*'"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_names(parser)
    add_source(parser)
    add_imports(parser)
    parser.add_argument(
        "--since",
        metavar="RESULTS|REV",
        help="only what has no green record there, or has changed since; a revision is one of --source",
    )
    add_tier(parser)
    add_device(parser)
    add_folder(parser, "--results", "where plan and records go, in a folder of this run", Path("results"))


def run(arguments: Namespace) -> int:
    """Render, plan, run, report; each part of it is a command that can be given alone."""
    from hfci.planning.plan import write_plan

    folder, manifest = _render(arguments)
    plan = _plan(arguments, manifest, folder)
    results = arguments.results / plan.run
    write_plan(plan, results / "plan.json")
    _show(plan)
    if not plan.shards:
        raise NothingToDo("nothing was executed: of what was named, nothing has to run")
    where = ["--generated", folder, "--results", results]
    where += [] if arguments.source is None else ["--source", arguments.source]
    codes = [_do("run", "--shard", f"{results / 'plan.json'}:{shard.index}", *where) for shard in plan.shards]
    if interrupted := [code for code in codes if code not in (0, 1)]:
        return interrupted[0]
    code = _do("report", results, "--plan", results / "plan.json")
    return code or max(codes)


def _render(arguments: Namespace) -> tuple[Path, Manifest]:
    """Render the tests. Only what was built is known well enough for anything of it to be left out."""
    from hfci.imports import entered, found
    from hfci.origin import Origin, find_transformers
    from hfci.planning.fingerprinting.verified import forget_changed, remember_verified
    from hfci.testing.folders import folder_of, render_into

    with folder_of("check") as folder:
        if arguments.since is None or arguments.names:  # what is named is built anew
            return folder, render_into(folder, arguments.names, "--scratch" if arguments.since is None else "")
        before = (Origin.at(find_transformers()), found(entered()))
        forget_changed(folder)
        manifest = render_into(folder, ())
        if (Origin.at(find_transformers()), found(entered())) == before:  # nobody has edited it meanwhile
            remember_verified(folder)
        return folder, manifest


def _plan(arguments: Namespace, manifest: Manifest, generated: Path) -> Plan:
    """Return the plan for this machine: one shard, whose workers are its cores."""
    from dataclasses import replace

    from hfci.configuration import Runner
    from hfci.imports import imported_here
    from hfci.origin import Origin, find_transformers
    from hfci.planning.fingerprinting.reuse import reuse
    from hfci.planning.planner import Request, make_plan
    from hfci.planning.workload import cases_of
    from hfci.testing.process_setup import available_cores
    from hfci.testing.record_writer import new_run_id

    here = Runner(
        name="here",
        runs_on="here",
        device=arguments.device,
        workers=available_cores(),
        tiers=(arguments.tier,),
        shards=1,
    )
    request = Request(
        run=new_run_id(),
        runners={here.name: here},
        source=Origin.at(find_transformers()),
        imports=imported_here(),
        names=tuple(arguments.names),
        tiers=(arguments.tier,),
    )
    if arguments.since is not None:
        root = arguments.source or Path.cwd()
        known = reuse(manifest, cases_of(manifest, request), arguments.since, root, generated=generated)
        request = replace(request, reuse=known)
    return make_plan(manifest, request)


def _show(plan: Plan) -> None:
    from hfci.planning.plan_text import describe
    from hfci.results.terminal import print_tables
    from hfci.results.text import no_command

    print_tables(*describe(plan, no_command))


def _do(*words: object) -> int:
    """Run a command of hfci, which is told, and return its exit code."""
    command = ["hfci", *map(str, words)]
    print(f"$ {shlex.join(command)}", flush=True)  # noqa: T201
    process = subprocess.Popen([sys.executable, "-m", *command])  # noqa: S603 -- hfci itself
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it keeps what it has, and says so
            process.send_signal(signal.SIGTERM)
