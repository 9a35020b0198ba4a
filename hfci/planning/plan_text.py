"""A plan in words: how long it takes, and what is not in it and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from hfci.planning.plan import Assumed, Batch, Plan

__all__ = ["COLUMNS", "describe", "rows", "time"]

COLUMNS = ("shard", "runs on", "workers", "model types", "files", "cases", "GiB", "predicted")

# So many names of what is left out or unavailable; all of them are in the plan.
NAMED = 20


def describe(plan: Plan, shown: Callable[[str], str] = str) -> Iterator[str]:
    """Yield sentences. `shown` makes names and reasons, which come from elsewhere, fit for where they are shown."""
    if plan.shards:
        shards = _count(len(plan.shards), "shard")
        yield f"{shards}, predicted to take {time(plan.predicted_s)}; no division could take less than {_bound(plan)}."
    else:
        settled = [name for name, batches in (("reused", plan.reused), ("assumed green", plan.assumed)) if batches]
        yield f"No shard: every case is {' or '.join(settled)}."
    if plan.reused:
        runs = ", ".join(shown(run) for run in sorted({batch.run for batch in plan.reused}))
        yield f"Reused, not executed: {_cases(plan.reused)}, green on the same fingerprint in {runs}."
    for assumed in plan.assumed:
        yield f"Assumed green: {_names([assumed], shown)} ({_unproven(assumed)})."
    for left in plan.left_out:
        named = f"{left.tier} on {shown(left.runner)}: {_cases([left])}, {time(left.work_s)} in one worker"
        yield f"Left out for want of time ({time(plan.budget_s or 0.0)}), {named}: {_names([left], shown)}."
    for batch in plan.unavailable:
        where = f"{batch.tier} on {batch.device}"
        yield f"Unavailable, {where}: {_cases([batch])}, {batch.reason}: {_names([batch], shown)}."
    devices = [absence.device for absence in plan.absent if absence.runner is None]
    for absence in plan.absent:
        if absence.runner is not None:
            yield f"Absent: {shown(absence.reason)}."
        elif absence.device in ("cpu", "cuda"):
            yield f"Absent: {absence.reason}."
    if others := [device for device in devices if device not in ("cpu", "cuda")]:
        yield f"No runner either for {', '.join(others)}."
    for error in plan.unread:
        yield f"Warning: known from earlier, and not read, so that nothing goes by it: {shown(error)}."
    for note in plan.notes:
        yield f"{note[0].upper()}{note[1:]}."


def rows(plan: Plan, shown: Callable[[str], str] = str) -> Iterator[tuple[str, ...]]:
    """Yield what COLUMNS say of each shard."""
    for shard in plan.shards:
        types = {group.model_type for group in shard.groups} | {row.model_type for row in shard.untested}
        files = {group.file for group in shard.groups}
        labels = ", ".join(shard.runs_on) if isinstance(shard.runs_on, tuple) else str(shard.runs_on)
        counts = (f"{shard.workers:,}", f"{len(types):,}", f"{len(files):,}", f"{shard.count:,}")
        yield shown(shard.name), shown(labels), *counts, f"{shard.memory / 2**30:.1f}", time(shard.predicted_s)


def time(seconds: float) -> str:
    """Return seconds as a person says them: `12.3 s`, `4 min 5 s`, `1 h 30 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def _unproven(assumed: Assumed) -> str:
    where, commit = f"{assumed.tier} on {assumed.device}", assumed.commit[:12]
    unproven = f"nothing has changed since {commit}, and no record says that it was green there"
    return f"{_cases([assumed])}, {where}, not executed: {unproven}"


def _bound(plan: Plan) -> str:
    return f"{time(plan.bound_s)}, {time(plan.start_up_s)} of it to start the workers"


def _cases(batches: Iterable[Batch]) -> str:
    return _count(sum(batch.count for batch in batches), "case")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _names(batches: Sequence[Batch], shown: Callable[[str], str]) -> str:
    """Name the model types, in the plan's order: of what is left out, what matters most first."""
    cases = Counter(group.model_type for batch in batches for group in batch.groups)
    more = f" and {len(cases) - NAMED:,} more model types, all in the plan" if len(cases) > NAMED else ""
    return ", ".join(shown(name) for name in list(cases)[:NAMED]) + more
