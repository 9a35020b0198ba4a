"""The summary of a run: verdict, what newly broke, what is not covered, how it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from hfci.cases.case import Case, run_command
from hfci.cases.measured import Measured
from hfci.cases.outcome import EXECUTED, RED, Outcome
from hfci.imports import options_for
from hfci.results.comparison import Baseline, Change, Comparison, Shift
from hfci.results.differences import Difference
from hfci.results.executed_lines import Reach
from hfci.results.expiring import Expiring
from hfci.results.identities import Identity
from hfci.results.ladder import LADDER
from hfci.results.lost import Lost
from hfci.results.reading import Results
from hfci.results.speeds import Sharpness, explained
from hfci.results.tally import Cell, Failure, JobTimes, Tally
from hfci.results.text import first_line, shorten

if TYPE_CHECKING:
    from hfci.cases.manifest import Manifest
    from hfci.results.history.trends import Trends

__all__ = ["VANISHED", "Changed", "Flaky", "Summary", "summarize"]

VANISHED = "vanished"


@dataclass(frozen=True)
class Changed:
    """A case that ended otherwise than in the baseline, and is not newly red.

    `cause` is the fingerprint of what was wrong with it, which then is the `reason`.
    """

    case: str
    before: str | None
    after: str | None
    reason: str
    cause: str = ""


@dataclass(frozen=True)
class Flaky:
    """A case that ended both ways: so often each on one fingerprint, or in two attempts of this run (then None)."""

    case: str
    passed: int | None = None
    failed: int | None = None
    last_run: str | None = None


@dataclass(frozen=True)
class Summary:
    """What a maintainer reads first."""

    planned: int
    executed: int
    outcomes: dict[str, int]  # every outcome, in the order of the vocabulary
    ladder: dict[str, int]  # model types on each rung
    slowest: tuple[tuple[str, float], ...]  # case, seconds
    failures: tuple[Failure, ...]  # all that are red
    known: dict[str, int]  # known failures, by entry of the ledger
    reasons: dict[str, int]  # of what was unavailable
    numerics: Mapping[str, str]  # case → how another transformers computes other numbers than were measured
    torn: int
    superseded: int
    runs: tuple[dict[str, Any], ...]  # the headers
    missing: int = 0  # records that a header announces and nobody wrote; among the outcomes as not-run
    families: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)  # by family and tier
    tasks: Mapping[str, Mapping[tuple[str, str | None], Cell]] = field(default_factory=dict)  # by task, and whose
    excluded_tasks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # architectures, by task and rule
    shards: tuple[JobTimes, ...] = ()
    baseline: dict[str, Any] | None = None  # its run, started, commit
    regressions: tuple[Failure, ...] = ()  # newly red, then vanished
    differences: tuple[Difference, ...] = ()  # from the baseline's run
    fixed: tuple[Changed, ...] = ()
    unavailable: tuple[Changed, ...] = ()  # no longer tested: unavailable or not applicable
    added: int = 0
    slower: tuple[Shift, ...] = ()
    heavier: tuple[Shift, ...] = ()
    flaky: tuple[Flaky, ...] = ()
    expiring: tuple[Expiring, ...] = ()
    lost: tuple[Lost, ...] = ()  # since an earlier manifest, what is not accepted first
    left_out: Mapping[str, int] = field(default_factory=dict)  # by model type: cases for which there was no time
    quarantined: tuple[Failure, ...] = ()  # that failed, and are flaky
    reaches: tuple[Reach, ...] = ()  # what each model type executed of its modelling files, where that was measured
    known_failures: tuple[Failure, ...] = ()  # all of them; `known` counts them
    quarantine: int = 0  # how many cases are in quarantine, whether they failed or not
    measured: Mapping[str, Measured] = field(default_factory=dict)  # by case, of what was measured
    slowed: tuple[Shift, ...] = ()  # speeds that fell, in this run
    broken: tuple[Shift, ...] = ()  # graph breaks and recompilations that came, in this run
    sharpness: Sharpness = field(default_factory=Sharpness)  # how small a slow-down would be in `slowed`
    unread: tuple[str, ...] = ()  # what is wrong with what was known from earlier and could not be read

    @property
    def moved(self) -> tuple[Shift, ...]:
        """Whatever became slower, heavier or compiled less well."""
        return (*self.slower, *self.heavier, *self.slowed, *self.broken)

    @property
    def is_green(self) -> bool:
        """Whether something was executed, or nothing had to be, and everything that was planned, without a failure."""
        return self.executed + self.outcomes[Outcome.REUSED] > 0 and not self.is_red

    @property
    def is_red(self) -> bool:
        """Whether something failed, did not run or is gone, or an architecture has lost what nobody accepted."""
        return any(self.outcomes[name] for name in RED) or self.vanished > 0 or self.taken > 0

    @property
    def vanished(self) -> int:
        """How many cases of the baseline this run should have had and has not."""
        return sum(failure.outcome == VANISHED for failure in self.regressions)

    @property
    def taken(self) -> int:
        """How many losses since an earlier manifest are not accepted."""
        return sum(loss.accepted is None for loss in self.lost)

    @property
    def others(self) -> tuple[Failure, ...]:
        """What is red and was so in the baseline; all that is red, where there is none."""
        new = {failure.case for failure in self.regressions}
        return tuple(failure for failure in self.failures if failure.case not in new)

    @property
    def decision(self) -> str:
        """What decides, in one line of hfci's own words."""
        if not self.executed and not self.is_red:
            unasked = (Outcome.REUSED, Outcome.ASSUMED)
            others = [f"{self.outcomes[name]:,} {name}" for name in unasked if self.outcomes[name]]
            text = ", ".join([f"{self.planned:,} planned", *others])
            return f"{'Green: nothing' if self.is_green else 'Nothing'} was executed; {text}{self._left_out}"
        text = ", ".join(f"{self.outcomes[name]:,} {name}" for name in RED if self.outcomes[name])
        text += _of_causes(self.failures)
        outcomes = (Outcome.QUARANTINED, Outcome.KNOWN_FAILURE, Outcome.ASSUMED)
        others = [f"{self.outcomes[name]:,} {name}" for name in outcomes if self.outcomes[name]]
        text = ", ".join(filter(None, (text, *others)))
        executed = f"{text + ', ' if text else ''}{self.executed:,} of {self.planned:,} cases executed{self._left_out}"
        executed += f", {self.taken:,} losses not accepted" if self.taken else ""
        executed += f", {self.quarantine:,} in quarantine" if self.quarantine else ""
        new = {"newly failing": len(self.regressions) - self.vanished, VANISHED: self.vanished}
        broke = ", ".join(f"{count:,} {name}" for name, count in new.items() if count) or "nothing newly broken"
        broke += _of_causes(self.regressions)
        return f"{'Green' if self.is_green else 'Red'}: {executed if self.baseline is None else f'{broke}; {executed}'}"

    @property
    def _left_out(self) -> str:
        if not self.left_out:
            return ""
        cases, types = sum(self.left_out.values()), len(self.left_out)
        return f", {cases:,} cases of {types:,} model types left out for want of time"

    @property
    def verdict(self) -> str:
        """The decision, and against which run."""
        against = "" if self.baseline is None else f", against run {shorten(self.baseline['run'], 60)}"
        return self.decision + against

    def in_order(self, priority: Callable[[str], Any]) -> Summary:
        """Return the summary with what is red in the order of `priority`, a key by model type; failed stays first."""

        def key(failure: Failure) -> tuple[bool, bool, Any]:
            return failure.outcome == VANISHED, failure.outcome != Outcome.FAILED, priority(failure.model_type)

        failures, regressions = (tuple(sorted(group, key=key)) for group in (self.failures, self.regressions))
        return replace(self, failures=failures, regressions=regressions)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        plain = asdict(replace(self, measured={}))
        measured = {case: msgspec.to_builtins(found) for case, found in self.measured.items()}
        return {"green": self.is_green, "verdict": self.verdict, **plain, "measured": measured}


def _of_causes(failures: Sequence[Failure]) -> str:
    """Return how many causes failures have; nothing where each has its own."""
    count = len({failure.cause or failure.case for failure in failures})
    return f" ({count:,} cause{'s' * (count != 1)})" if count < len(failures) else ""


def summarize(
    results: Results,
    comparison: Comparison | None = None,
    trends: Trends | None = None,
    *,
    expiring: Sequence[Expiring] = (),
    lost: Sequence[Lost] = (),
    unread: Sequence[str] = (),
    quarantine: int = 0,
    reaches: Sequence[Reach] = (),
    manifest: Manifest | None = None,
) -> Summary:
    """Count, in one pass; records that a header announces and nobody wrote are `not-run`.

    `comparison` and `trends` are of these results, where there is a baseline or a history. By which rules the model
    types of the records cannot serve tasks, `manifest` says.
    """
    tally = Tally()
    for head, records in results.parts():
        tally.begin(head)
        for record in records:
            tally.add(record)
            tally.work(record)
    for record in results.absent:
        tally.add(record)
    tally.outcomes[Outcome.NOT_RUN] += results.missing
    since = _Since(trends)
    summary = Summary(
        planned=tally.outcomes.total(),
        executed=sum(tally.outcomes[outcome] for outcome in EXECUTED),
        outcomes={outcome.value: tally.outcomes[outcome] for outcome in Outcome},
        ladder=tally.ladder.counts(),
        slowest=tally.slowest,
        failures=_failures(tally.failures, since),
        known=_frequent(tally.known),
        reasons=_frequent(tally.reasons),
        numerics=tally.numerics,
        torn=results.torn,
        superseded=results.superseded,
        runs=tuple(msgspec.to_builtins(header) for header in results.headers),
        missing=results.missing,
        families=tally.families,
        tasks=tally.tasks,
        excluded_tasks=manifest.excluded_tasks(tally.ladder.on(LADDER[0])) if manifest is not None else {},
        shards=tuple(tally.shards),
        slower=trends.slower if trends is not None else (),
        heavier=trends.heavier if trends is not None else (),
        measured=tally.measured,
        slowed=trends.slowed if trends is not None else (),
        broken=explained(trends.broken, tally.measured) if trends is not None else (),
        sharpness=trends.sharpness if trends is not None else Sharpness(),
        flaky=tuple(_flaky(results.unsteady, trends)),
        expiring=tuple(expiring),
        unread=tuple(unread),
        quarantine=quarantine,
        quarantined=tuple(tally.quarantined),
        known_failures=_failures(tally.known_failures, since),
        reaches=tuple(reaches),
        lost=tuple(sorted(lost, key=lambda loss: loss.accepted is not None)),
        left_out=results.left_out,
    )
    return summary if comparison is None else _against(summary, comparison, since)


def _against(summary: Summary, comparison: Comparison, since: _Since) -> Summary:
    baseline = comparison.baseline
    failures = tuple(replace(failure, touched=comparison.touched.get(failure.case)) for failure in summary.failures)
    before = {change.case: change.before for change in comparison.failing}
    failing = (replace(failure, before=before[failure.case]) for failure in failures if failure.case in before)
    vanished = (_vanished(change, baseline) for change in comparison.vanished)
    return replace(
        summary,
        baseline={"run": baseline.run, "started": baseline.started, "commit": baseline.commit},
        failures=failures,
        regressions=(*_failures(failing, since), *_failures(vanished, since)),
        differences=comparison.differences,
        fixed=tuple(_fixed(change, comparison.causes.get(change.case)) for change in comparison.fixed),
        unavailable=tuple(map(_changed, (*comparison.unavailable, *comparison.inapplicable))),
        added=len(comparison.added),
        slower=_merged(summary.slower, comparison.slower),
        heavier=_merged(summary.heavier, comparison.heavier),
    )


def _failures(failures: Iterable[Failure], since: _Since) -> tuple[Failure, ...]:
    """Return failures with since when they are: what failed first, of that the most frequent causes."""
    failures = tuple(failures)
    counts = Counter(failure.cause for failure in failures if failure.cause)
    ordered = sorted(failures, key=lambda failure: (failure.outcome != Outcome.FAILED, -counts[failure.cause]))
    return tuple(map(since.told, ordered))


class _Since:
    """Tells of failures since when they are, where there is a history."""

    def __init__(self, trends: Trends | None) -> None:
        self._streaks = trends.streaks if trends is not None else {}
        self._causes = trends.causes if trends is not None else {}

    def told(self, failure: Failure) -> Failure:
        """Return a failure with the first run in which it was red, and since when its cause is there."""
        if (streak := self._streaks.get(failure.case)) is not None:
            failure = replace(failure, since=streak.run, since_commit=streak.commit, runs=streak.runs)
        episode = self._causes.get(failure.cause)
        return failure if episode is None or not episode.is_whole else replace(failure, episode=str(episode))


def _fixed(change: Change, cause: Identity | None) -> Changed:
    if cause is None:
        return Changed(change.case, change.before, change.after, "")
    return Changed(change.case, change.before, change.after, first_line(str(cause)), cause.fingerprint)


def _vanished(change: Change, baseline: Baseline) -> Failure:
    """Return what is gone as a failure, with the command that asks for it."""
    earlier = baseline.observations[change.case]
    device = (earlier.device or "cpu").partition(":")[0]
    identity = Identity("", VANISHED, "it is in the baseline and not in this run", "")
    imports = {one.name: one for head in baseline.headers for one in head.imports}
    case = Case(earlier.model_type, earlier.architecture, None, earlier.check, earlier.tier, device)
    return Failure(
        case=change.case,
        outcome=VANISHED,
        stage=None,
        error=f"{change.before} in run {shorten(baseline.run, 60)}, and not in this one",
        reproduce=run_command(case, imports=options_for(imports.values())),
        model_type=earlier.model_type,
        architecture=earlier.architecture,
        check=earlier.check,
        cause=identity.fingerprint,
        before=change.before,
    )


def _changed(change: Change) -> Changed:
    reason = (change.record.reason if change.record is not None else None) or ""
    return Changed(change.case, change.before, change.after, first_line(reason))


def _merged(trend: tuple[Shift, ...], pair: tuple[Shift, ...]) -> tuple[Shift, ...]:
    """Return what a history found, which knows since when, then what only the two runs show."""
    known = {shift.case for shift in trend}
    return (*trend, *(shift for shift in pair if shift.case not in known))


def _flaky(unsteady: Iterable[str], trends: Trends | None) -> Iterable[Flaky]:
    yield from map(Flaky, sorted(unsteady))
    for flake in trends.flaky if trends is not None else ():
        yield Flaky(flake.case, flake.passed, flake.failed, flake.last_run)


def _frequent(counts: Counter[str]) -> dict[str, int]:
    return dict(counts.most_common())
