"""Making a plan: what is selected, by file, balanced over shards by what its cases need."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from hfci.errors import NothingToDo, UsageError
from hfci.planning.balance import balance
from hfci.planning.plan import Plan, Shard, Untested, groups_of
from hfci.planning.requirements import Requirements
from hfci.planning.select import Selection
from hfci.testing.cases import Case

__all__ = ["make_plan"]

# Seconds of a case of which nothing like it was measured: about the mean of a smoke case on two cores.
UNKNOWN = 0.1


def make_plan(
    selection: Selection, requirements: Requirements, *, shards: int, runner: str, about: Plan, tier: str, device: str
) -> Plan:
    """Return `about` with the shards of `selection`: at most `shards`, none of them empty, a file whole in one.

    The model types without a test are the first shard's. Raises NothingToDo for a selection without anything.
    """
    if shards < 1:
        raise UsageError(f"a plan has at least one shard, not {shards}")
    if not selection.rows:
        raise NothingToDo("no case was selected")
    seconds = estimate(selection.cases, requirements, runner)
    by_file: dict[str, list[Case]] = defaultdict(list)
    for case in selection.cases:
        by_file[case.file or ""].append(case)
    weights = {file: sum(seconds[case.id] for case in cases) for file, cases in by_file.items()}
    untested = tuple(
        Untested(model_type=case.model_type, architecture=case.architecture, family=case.family)
        for case in (row.untested(tier, device) for row in selection.untested)
    )
    parts = balance(weights, max(1, min(shards, len(weights))))
    return Plan(
        run=about.run,
        transformers=about.transformers,
        names=about.names,
        checks=about.checks,
        shards=tuple(
            Shard(
                index=index,
                runner=runner,
                device=device,
                tier=tier,
                groups=groups_of(case for file, cases in by_file.items() if file in files for case in cases),
                untested=untested if index == 0 else (),
                predicted_s=round(sum(weights[file] for file in files), 3),
            )
            for index, files in enumerate(parts)
        ),
    )


def estimate(cases: tuple[Case, ...], requirements: Requirements, runner: str) -> dict[str, float]:
    """Return the seconds of each case by ID: measured, or the median of its check's measured ones, or a constant."""
    measured = {case.id: need.seconds for case in cases if (need := requirements.need(case.id, runner)) is not None}
    of_check: dict[str | None, list[float]] = defaultdict(list)
    for case in cases:
        if case.id in measured:
            of_check[case.check].append(measured[case.id])
    usual = {check: median(found) for check, found in of_check.items()}
    return {case.id: measured.get(case.id, usual.get(case.check, UNKNOWN)) for case in cases}
