"""What should have been recorded and was not: against the plan of a run, and against the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hfci.cases.case import Case, run_command
from hfci.cases.manifest import Manifest
from hfci.cases.outcome import Outcome
from hfci.cases.records import Header, Record
from hfci.errors import UsageError
from hfci.imports import Imported, options_for
from hfci.planning.plan import Plan
from hfci.planning.select import select
from hfci.results.reading import Results

__all__ = [
    "absent_from_manifest",
    "absent_from_plan",
    "absent_shards",
    "left_out_by_plan",
    "require_one_transformers",
    "settled_by_plan",
]


def absent_from_plan(results: Results, plan: Plan) -> Iterator[Record]:
    """Yield a record, `not-run`, of each case that `plan` gives to a shard and that nobody recorded."""
    reported = {head.shard for head in results.headers if head.run == plan.run}
    for shard in plan.shards:
        absent = [case for case in (*shard.cases, *shard.rows) if case.id not in results]
        where = f"shard {shard.index} of {len(plan.shards)} ({shard.runner})"
        why = "was cut off before it" if shard.index in reported else "left no records"
        for case in absent:
            yield _not_run(case, f"{where} {why}", plan.imports)


def absent_shards(results: Results) -> dict[str, tuple[int, ...]]:
    """Return the shards that left no records, by run: for results whose plan is not at hand."""
    announced = {head.run: head.shards for head in results.headers if head.shards is not None}
    recorded = {(head.run, head.shard) for head in results.headers}
    absent = {
        run: tuple(shard for shard in range(count) if (run, shard) not in recorded) for run, count in announced.items()
    }
    return {run: shards for run, shards in absent.items() if shards}


def require_one_transformers(results: Results) -> None:
    """Raise UsageError where the runs are of several transformers: of each case, only the last one would count."""
    runs: dict[str, str] = {}
    for head in results.headers:
        if head.source is not None or head.versions.get("transformers") is not None:
            tested = str(head.source or f"transformers {head.versions['transformers']}")
            runs.setdefault(head.source.digest if head.source else tested, f"{tested} in run {head.run}")
    versions = {head.versions["transformers"] for head in results.headers if head.versions.get("transformers")}
    digests = {head.source.digest for head in results.headers if head.source is not None}
    if len(versions) > 1 or len(digests) > 1:
        names = "; ".join(runs.values())
        raise UsageError(
            f"these records are of several transformers ({names}), and a report is about one: of a case that "
            "both have, only the last record would count; name the files or folders of one of them"
        )


def settled_by_plan(plan: Plan) -> Iterator[Record]:
    """Yield a record of each case that `plan` gives to no shard.

    It is reused, assumed green, or unavailable since no runner has enough for it.
    """
    imports = options_for(plan.imports)
    for reused in plan.reused:
        for case in reused.cases:
            known = reused.fingerprints.get(case.id)
            yield Record.of(
                case, Outcome.REUSED, reason=f"green on this fingerprint in {reused.run}", fingerprint=known
            )
    for assumed in plan.assumed:
        for case in assumed.cases:
            why = f"nothing that it depends on has changed since {assumed.commit}, of which there is no record"
            yield Record.of(case, Outcome.ASSUMED, reason=why, reproduce=run_command(case, imports=imports))
    for unavailable in plan.unavailable:
        for case in unavailable.cases:
            command = run_command(case, imports=imports)
            yield Record.of(case, Outcome.UNAVAILABLE, reason=unavailable.reason, reproduce=command)


def left_out_by_plan(plan: Plan) -> dict[str, int]:
    """Return how many cases of each model type the plan's budget has no time for, what matters most first."""
    cases: Counter[str] = Counter()
    for batch in plan.left_out:
        for group in batch.groups:
            cases[group.model_type] += len(group.checks)
    return dict(cases)


def absent_from_manifest(results: Results, manifest: Manifest) -> Iterator[Record]:
    """Yield a record, `not-run`, of each case that `manifest` has of what a run was asked for and did not record.

    Only the newest run on the manifest's transformers, of each tier, device and backend, is asked; one of which it is
    not known what it was asked for is left out. Raises UsageError where it was asked for what the manifest does not
    name.
    """
    newest = {(head.tier, head.device, head.backend): head for head in results.headers if _is_of(head, manifest)}
    for (tier, device, backend), head in newest.items():
        assert tier is not None
        checks, names = head.checks or (), head.names or ()
        selection = select(manifest, names, tier=tier, device=device, checks=checks, backend=backend)
        for case in (*selection.cases, *selection.untested):
            if case.id not in results:
                yield _not_run(case, "the manifest has this case, and the run left it out", head.imports)


def _not_run(case: Case, why: str, imports: tuple[Imported, ...]) -> Record:
    return Record.of(case, Outcome.NOT_RUN, reason=why, reproduce=run_command(case, imports=options_for(imports)))


def _is_of(head: Header, manifest: Manifest) -> bool:
    return (
        head.tier is not None and head.names is not None and head.versions.get("transformers") == manifest.transformers
    )
