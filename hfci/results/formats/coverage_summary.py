"""The coverage summary: what a release gate, a documentation's badge or another dashboard reads.

Its JSON Schema is `SCHEMA_FILE`. The same records give the same bytes.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hfci.cases.outcome import RED, Outcome
from hfci.cases.records import Count, Header, Number, Record
from hfci.parsing import Filled
from hfci.results.causes import Cause, group
from hfci.results.differences import Difference
from hfci.results.formats.cases import cause_of, vanished
from hfci.results.reading import Results
from hfci.results.sections import fixes, since, what
from hfci.results.spent import Spent, spent
from hfci.results.summary import Summary
from hfci.results.tally import Failure
from hfci.results.text import clean, first_line
from hfci.writing import replacing

__all__ = ["FILE", "NAME", "SCHEMA", "SCHEMA_FILE", "coverage_summary", "write"]

NAME = "coverage-summary"
FILE = "coverage-summary.json"
SCHEMA: Literal[1] = 1
SCHEMA_FILE = Path(__file__).parents[1] / "data" / "coverage-summary.schema.json"

MOST_CAUSES, MOST_MODEL_TYPES = 100, 20
MOST_FAILURES = 1000  # all are in the records; a reader of this file decides, and does not debug

# Of several cases of one check, the outcome that speaks for them: what did not apply yields to all that did.
WORST_FIRST = (
    Outcome.FAILED,
    Outcome.NOT_RUN,
    Outcome.QUARANTINED,
    Outcome.KNOWN_FAILURE,
    Outcome.UNAVAILABLE,
    Outcome.ASSUMED,
    Outcome.REUSED,
    Outcome.PASSED,
    Outcome.NOT_APPLICABLE,
)


class Outcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Cases by outcome.

    - `passed`: the check holds
    - `failed`: the check does not hold, or was not reached
    - `known-failure`: failed as an entry of the ledger says
    - `unavailable`: needs something that the machine lacked
    - `not-applicable`: the check does not apply
    - `reused`: passed earlier on the same fingerprint; not executed
    - `not-run`: planned, and did not run
    - `assumed`: as at a revision, of which there is no record; not executed
    - `quarantined`: failed, and by its history flaky; not red
    """

    passed: Count
    failed: Count
    known_failure: Count
    unavailable: Count
    not_applicable: Count
    reused: Count
    not_run: Count
    assumed: Count
    quarantined: Count

    @classmethod
    def of(cls, counts: Mapping[Any, int]) -> Outcomes:
        """Return them, each that is not in `counts` none."""
        return cls(*(counts.get(outcome, 0) for outcome in Outcome))


class Rungs(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"run_in_a_pipeline": "run in a pipeline", "run_on_a_gpu": "run on a GPU"},
):
    """How many model types stand on each rung of coverage.

    - `catalogued`: model types with any record
    - `generated`: with a case of some check
    - `collected`: with a case that is not not-run
    - `built`: a tiny model of it was made
    - `forwarded`: and ran
    - `checked`: with a check that passed, and none that did not hold
    - `run in a pipeline`: passed in a pipeline task
    - `run on a GPU`: passed on another device than the CPU
    """

    catalogued: Count
    generated: Count
    collected: Count
    built: Count
    forwarded: Count
    checked: Count
    run_in_a_pipeline: Count
    run_on_a_gpu: Count


class Lost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an architecture has lost.

    - `whose`: the model type and its architecture
    - `what`: a family, a check, an output, or that it was built or is there
    - `accepted`: why; None is red
    """

    whose: str
    what: str
    accepted: str | None


class OfFamily(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cases of a family in a tier.

    - `family`: None is the cases of model types that no template has a test for
    - `tier`: smoke, functional or deep
    - `cases`: all outcomes together
    - `outcomes`: those cases by outcome
    """

    family: str | None
    tier: str
    cases: Count
    outcomes: Outcomes


class OfModelType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cases of a model type.

    - `cases`: all outcomes together
    - `outcomes`: those cases by outcome
    - `checks`: by check, the worst outcome of its cases: failed, not-run, quarantined, known-failure, unavailable,
      assumed, reused, passed, not-applicable
    """

    cases: Count
    outcomes: Outcomes
    checks: dict[str, Outcome]


class Lacking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What machines lacked.

    - `reason`: one line that names what is missing
    - `cases`: that give this reason
    """

    reason: str
    cases: Number


class RedCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case that is red.

    - `case`: its ID
    - `model_type`: a key of transformers' configuration mapping
    - `architecture`: the model class; `check`: the invariant
    - `tier`: smoke, functional or deep, - where it vanished
    - `outcome`: why it is red; `stage`: where it ended
    - `error`: the exception's type and message, in one line
    - `reason`: what else is known, in one line
    - `reproduce`: the command that runs it again
    - `cause`: the fingerprint of its cause, which `causes` may tell more of
    """

    case: str
    model_type: str
    architecture: str | None
    check: str | None
    tier: str
    outcome: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(RED)})]
    stage: str | None
    error: str | None
    reason: str | None
    reproduce: str | None
    cause: str | None


class RedCause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What several red cases have in common.

    - `cause`: its fingerprint; None is a case that says nothing of its cause
    - `new`: whether its cases are newly broken
    - `cases`: how many
    - `model_types`: the first of those that it strikes; `model_types_left_out`: how many more
    - `families`: in how many cases of each
    - `error`: how they ended, where, and the exception's type and message, in one line
    - `place`: the line of transformers that it comes from; `address`: of its source
    - `since`: since when it is there, in words, and whether what changed touches it
    - `example`: the ID of one of the cases
    - `reproduce`: the command that runs that one again
    """

    cause: str | None
    new: bool
    cases: Number
    model_types: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_MODEL_TYPES)]
    model_types_left_out: Count
    families: dict[str, Number]
    error: str
    place: str | None
    address: str | None
    since: str | None
    example: str
    reproduce: str | None


class FixedCause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What no longer fails.

    - `cause`: its fingerprint; None is unknown
    - `cases`: how many are fixed
    - `error`: what was wrong with them, in one line
    - `example`: the ID of one of them
    """

    cause: str | None
    cases: Number
    error: str
    example: str


class LeftOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a budget had no time for.

    - `cases`: how many
    - `model_types`: of how many
    """

    cases: Count
    model_types: Count


class CoverageSummary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happened to every model type.

    - `schema`: the version of this format
    - `verdict`: one line for people; programs read green and red
    - `green`: something was executed, and nothing is red; reused alone is not green
    - `red`: a case failed, did not run, or vanished since the baseline, or a loss is not accepted
    - `planned`: cases, all outcomes together
    - `executed`: cases that passed, failed, or failed as the ledger says
    - `runs`: the header of each file of records that was read, the oldest run first
    - `outcomes`: all cases by outcome; their sum is planned
    - `ladder`: how many model types stand on each rung of coverage
    - `missing`: not-run cases that no file names, only in outcomes, planned and red
    - `vanished`: cases that the baseline has and this run should have, only here and in failures, as not-run
    - `lost`: what architectures have lost since an earlier manifest, what is not accepted first
    - `taken`: losses that are not accepted, those beyond `lost` too
    - `torn`: lines of records that were cut off
    - `unsteady`: IDs of cases that ended differently in two attempts of one run
    - `families`: the cases of each family in each tier, in that order
    - `model_types`: by model type
    - `unavailable`: what machines lacked, the most frequent first
    - `spent`: time and cost of the run
    - `left_out`: what a budget had no time for
    - `quarantine`: how many cases are in quarantine, failed or not
    - `differences`: from the run of the baseline
    - `causes`: why cases are red: what newly broke first, of it what strikes most
    - `causes_left_out`: further ones
    - `fixed`: what failed in the baseline and no longer does, by cause; `fixed_left_out`: further ones
    - `failures`: cases that are red, those that failed before those that did not run
    - `failures_left_out`: further red cases, which only the records name
    """

    schema: Literal[1]
    verdict: Filled
    green: bool
    red: bool
    planned: Count
    executed: Count
    runs: tuple[Header, ...]
    outcomes: Outcomes
    ladder: Rungs
    missing: Count
    vanished: Count
    lost: tuple[Lost, ...]
    taken: Count
    torn: Count
    unsteady: Annotated[tuple[str, ...], msgspec.Meta(extra_json_schema={"uniqueItems": True})]
    families: tuple[OfFamily, ...]
    model_types: dict[str, OfModelType]
    unavailable: tuple[Lacking, ...]
    spent: Spent
    left_out: LeftOut
    quarantine: Count
    differences: Annotated[tuple[Difference, ...], msgspec.Meta(max_length=MOST_CAUSES)]
    causes: Annotated[tuple[RedCause, ...], msgspec.Meta(max_length=MOST_CAUSES)]
    causes_left_out: Count
    fixed: Annotated[tuple[FixedCause, ...], msgspec.Meta(max_length=MOST_CAUSES)]
    fixed_left_out: Count
    failures: Annotated[tuple[RedCase, ...], msgspec.Meta(max_length=MOST_FAILURES)]
    failures_left_out: Count


class Group:
    """Cases that belong together, counted by outcome, and the worst outcome of each check."""

    def __init__(self) -> None:
        """Begin with none."""
        self.outcomes: Counter[Outcome] = Counter()
        self.checks: dict[str, Outcome] = {}

    def add(self, check: str | None, outcome: Outcome, cases: int) -> None:
        """Take in so many cases of a check, which ended alike."""
        self.outcomes[outcome] += cases
        if check is not None:
            self.checks[check] = min(self.checks.get(check, outcome), outcome, key=WORST_FIRST.index)

    @property
    def counts(self) -> tuple[int, Outcomes]:
        """How many cases there are, and how many ended in each way."""
        return self.outcomes.total(), Outcomes.of(self.outcomes)


def coverage_summary(results: Results, summary: Summary) -> CoverageSummary:
    """Return the coverage summary of `results`."""
    families: dict[tuple[str, str], Group] = defaultdict(Group)
    model_types: dict[str, Group] = defaultdict(Group)
    alike: Counter[tuple[str | None, str, str, str | None, Outcome]] = Counter()
    reasons: Counter[str] = Counter()

    def counted() -> Iterator[Record]:
        """Yield what is red, and count everything on the way."""
        for record in results:
            alike[record.family, record.tier, record.model_type, record.check, record.outcome] += 1
            if record.outcome == Outcome.UNAVAILABLE:
                reasons[first_line(record.reason or "")] += 1
            elif record.outcome in RED:
                yield record

    failures = tuple(_failures(counted(), summary))
    for (family, tier, model_type, check, outcome), cases in alike.items():
        families[family or "", tier].add(check, outcome, cases)
        model_types[model_type].add(check, outcome, cases)
    red = sum(group.outcomes[outcome] for group in model_types.values() for outcome in RED) + summary.vanished
    causes = (*_causes(summary.regressions, new=True), *_causes(summary.others, new=False))
    fixed = fixes(sorted(summary.fixed, key=lambda changed: changed.case))
    return CoverageSummary(
        schema=SCHEMA,
        verdict=summary.verdict,
        green=summary.is_green,
        red=summary.is_red,
        planned=summary.planned,
        executed=summary.executed,
        runs=tuple(results.headers),
        outcomes=Outcomes.of(summary.outcomes),
        ladder=Rungs(*summary.ladder.values()),
        missing=results.missing,
        vanished=summary.vanished,
        lost=tuple(
            Lost(clean(loss.whose), clean(loss.what), loss.accepted and clean(loss.accepted))
            for loss in summary.lost[:MOST_FAILURES]
        ),
        taken=summary.taken,
        torn=results.torn,
        unsteady=tuple(sorted(results.unsteady)),
        families=tuple(
            OfFamily(family or None, tier, *group.counts) for (family, tier), group in sorted(families.items())
        ),
        model_types={
            name: OfModelType(*group.counts, dict(sorted(group.checks.items())))
            for name, group in sorted(model_types.items())
        },
        unavailable=tuple(
            Lacking(reason, cases) for reason, cases in sorted(reasons.items(), key=lambda known: (-known[1], known[0]))
        ),
        spent=spent(summary.shards),
        left_out=LeftOut(sum(summary.left_out.values()), len(summary.left_out)),
        quarantine=summary.quarantine,
        differences=summary.differences[:MOST_CAUSES],
        causes=causes[:MOST_CAUSES],
        causes_left_out=max(0, len(causes) - MOST_CAUSES),
        fixed=tuple(
            FixedCause(one.cause or None, cases, one.reason or one.before or "", clean(one.case))
            for one, cases in fixed[:MOST_CAUSES]
        ),
        fixed_left_out=max(0, len(fixed) - MOST_CAUSES),
        failures=failures,
        failures_left_out=red - len(failures),
    )


def write(path: Path, results: Results, summary: Summary) -> None:
    """Write the coverage summary. Raises EnvironmentUnfit where the file cannot be written."""
    with replacing(path) as file:
        file.write(f"{json.dumps(msgspec.to_builtins(coverage_summary(results, summary)), indent=1)}\n".encode())


def _causes(failures: Sequence[Failure], *, new: bool) -> tuple[RedCause, ...]:
    """Return the causes of failures, what strikes most first, whatever the order in which they were recorded."""
    causes = group(sorted(failures, key=lambda failure: failure.case))
    return tuple(_cause(cause, new) for cause in sorted(causes, key=lambda cause: -cause.count))


def _cause(cause: Cause, new: bool) -> RedCause:
    example = cause.example
    names = [clean(name) for name in cause.model_types]
    return RedCause(
        cause=cause.fingerprint or None,
        new=new,
        cases=cause.count,
        model_types=tuple(names[:MOST_MODEL_TYPES]),
        model_types_left_out=max(0, len(names) - MOST_MODEL_TYPES),
        families={clean(name): count for name, count in cause.families.items()},
        error=what(cause),
        place=clean(example.place) or None,
        address=example.address,
        since=since(cause) or None,
        example=clean(example.case),
        reproduce=clean(example.reproduce) if example.reproduce else None,
    )


def _failures(red: Iterable[Record], summary: Summary) -> Iterator[RedCase]:
    """Yield the red cases and those that vanished, those that failed before those that did not run."""
    known = itertools.chain(red, vanished(summary))
    for record in heapq.nsmallest(MOST_FAILURES, known, key=lambda record: (RED.index(record.outcome), record.case)):
        yield RedCase(
            record.case,
            record.model_type,
            record.architecture,
            record.check,
            record.tier,
            record.outcome,
            record.stage,
            first_line(f"{record.error.type}: {record.error.message}") if record.error else None,
            first_line(record.reason) if record.reason else None,
            clean(record.reproduce) if record.reproduce else None,
            cause_of(record),
        )
