"""Decide which job runs what: cases by file, longest first onto the least loaded shard."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from hfci.commands.options import add_checks, add_device, add_folder, add_json, add_names, add_tier, print_json

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "which shard runs what"
EXAMPLE = "hfci plan --shards 4 --out plan.json && hfci run --shard plan.json:0"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_names(parser)
    add_tier(parser)
    add_checks(parser)
    add_device(parser)
    parser.add_argument("--shards", type=int, default=1, metavar="N", help="at most so many jobs (default: 1)")
    parser.add_argument("--runner", metavar="NAME", help="the kind of machine (default: named after the device)")
    parser.add_argument("--requirements", type=Path, metavar="FILE", help="measured durations, from `hfci report`")
    parser.add_argument("--out", type=Path, default=Path("plan.json"), metavar="FILE", help="default: plan.json")
    add_folder(parser, "--generated", "the generated tests", Path("generated"))
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Select, balance, write, show; needs neither torch nor transformers."""
    import msgspec

    from hfci.planning import select
    from hfci.planning.make import make_plan
    from hfci.planning.plan import Plan, write_plan
    from hfci.planning.requirements import Requirements, load_requirements
    from hfci.results.terminal import make_table, print_tables
    from hfci.testing.manifest import MANIFEST, load_manifest
    from hfci.testing.records import new_run_id

    manifest = load_manifest(arguments.generated / MANIFEST)
    known = load_requirements(arguments.requirements) if arguments.requirements else Requirements()
    where = {"tier": arguments.tier, "device": arguments.device}
    about = Plan(
        run=new_run_id(),
        transformers=manifest.transformers,
        names=tuple(arguments.names),
        checks=tuple(arguments.check),
    )
    plan = make_plan(
        select(manifest, arguments.names, checks=arguments.check, **where),
        known,
        shards=arguments.shards,
        runner=arguments.runner or arguments.device,
        about=about,
        **where,
    )
    write_plan(plan, arguments.out)
    if arguments.json:
        print_json(msgspec.to_builtins(plan))
        return 0
    table = make_table("shard", "model types", "files", "cases", "predicted seconds", numbers=True)
    for shard in plan.shards:
        files = {group.file for group in shard.groups}
        types = {group.model_type for group in shard.groups} | {row.model_type for row in shard.untested}
        counts = (shard.index, len(types), len(files), len(shard.cases), f"{shard.predicted_s:.1f}")
        table.add_row(*map(str, counts))
    print_tables(table, f"run {plan.run}: {arguments.out}")
    return 0
