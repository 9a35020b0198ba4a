"""Counting records as they stream by, in one pass: what is kept is counts, the slowest cases, the red ones' lines."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from hfci.cases.measured import Measured
from hfci.cases.outcome import EXECUTED, RED, Outcome
from hfci.cases.records import Header, Record
from hfci.checks.applicability import NUMERICS_CHANGED
from hfci.results.identities import frame_of, identity_of
from hfci.results.ladder import Ladder
from hfci.results.sources import Source, source_of
from hfci.results.text import first_line, shorten

__all__ = ["Cell", "Failure", "JobTimes", "Tally", "failure_of"]

SLOWEST = 10
NO_FAMILY = "(none)"
LONGEST = 200


@dataclass(frozen=True)
class Failure:
    """A case that is red, or a known failure, in one line each.

    - `place`: where in the tested library it comes from, or which module's outputs differ first; empty is unknown
    - `file`, `line`: of the library, from the folder that holds it
    - `address`: of that line's source; None where nobody knows one
    - `cause`: the fingerprint of its cause; empty where it says nothing of it
    - `touched`: whether it depends on what changed since the baseline; None is unknown
    - `before`: how it ended in the baseline
    - `entry`: the reason in the ledger, which has this failure; of no other is it said, and `error` is without it
    - `episode`: since when its cause is there, in words, where a history says it
    - `since`, `since_commit`: of the first run in which it was red; `runs`: how many it has been so in
    """

    case: str
    outcome: str
    stage: str | None
    error: str
    reproduce: str | None
    model_type: str = ""
    architecture: str | None = None
    check: str | None = None
    family: str = ""
    place: str = ""
    file: str = ""
    line: int | None = None
    address: str | None = None
    cause: str = ""
    touched: bool | None = None
    before: str | None = None
    since: str | None = None
    since_commit: str | None = None
    runs: int | None = None
    episode: str = ""
    entry: str = ""


@dataclass
class Cell:
    """How many cases of something, a family in one tier say, were planned, executed, passed and red."""

    planned: int = 0
    executed: int = 0
    passed: int = 0
    red: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one case."""
        self.planned += 1
        self.executed += outcome in EXECUTED
        self.passed += outcome == Outcome.PASSED
        self.red += outcome in RED

    @classmethod
    def sum(cls, cells: Iterable[Cell]) -> Cell:
        """Return the sum of `cells`."""
        total = cls()
        for cell in cells:
            for name, count in vars(cell).items():
                setattr(total, name, getattr(total, name) + count)
        return total


@dataclass
class JobTimes:
    """What one file of records says of the job that wrote it: the seconds of its cases, and of its longest worker.

    `before_s` are those until its workers began, as far as they were measured.
    """

    run: str
    shard: int | None
    attempt: int
    runner: str | None
    started: str
    cases: int = 0
    seconds: float = 0.0
    longest_worker: str | None = None
    longest_s: float = 0.0
    before_s: float = 0.0


@dataclass
class Tally:
    """Counts of the records that were added."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    numerics: dict[str, str] = field(default_factory=dict)
    families: dict[str, dict[str, Cell]] = field(default_factory=dict)
    tasks: dict[str, dict[tuple[str, str | None], Cell]] = field(default_factory=dict)
    ladder: Ladder[str] = field(default_factory=Ladder)
    failures: list[Failure] = field(default_factory=list)
    quarantined: list[Failure] = field(default_factory=list)
    known_failures: list[Failure] = field(default_factory=list)
    measured: dict[str, Measured] = field(default_factory=dict)
    shards: list[JobTimes] = field(default_factory=list)
    _source: Source = Source()  # noqa: RUF009 - it is frozen
    _rank: int = 0
    _slowest: list[tuple[float, int, str]] = field(default_factory=list)
    _workers: dict[str | None, float] = field(default_factory=lambda: defaultdict(float))

    def begin(self, head: Header) -> None:
        """Take what is added from now on as of the file that begins with `head`."""
        before = (head.set_up_s or 0.0) + (head.start_up_s or 0.0)
        job = JobTimes(head.run, head.shard, head.attempt, head.runner, head.started, before_s=before)
        self.shards.append(job)
        self._workers.clear()
        self._source = source_of(head)

    def add(self, record: Record) -> None:
        """Count one record."""
        outcome = record.outcome
        self.outcomes[outcome] += 1
        self.ladder.add(record.model_type, record)
        self.families.setdefault(record.family or NO_FAMILY, {}).setdefault(record.tier, Cell()).add(outcome)
        if record.task is not None:
            pair = (record.model_type, record.architecture)
            self.tasks.setdefault(record.task, {}).setdefault(pair, Cell()).add(outcome)
        if outcome == Outcome.KNOWN_FAILURE:
            failure = failure_of(record, self._source)
            self.known[failure.entry] += 1
            self.known_failures.append(failure)
        elif outcome == Outcome.UNAVAILABLE:
            self.reasons[first_line(record.reason or "")] += 1
        elif outcome == Outcome.NOT_APPLICABLE and (record.reason or "").startswith(NUMERICS_CHANGED):
            self.numerics[record.case] = first_line(record.reason or "")
        elif outcome == Outcome.QUARANTINED:
            self.quarantined.append(failure_of(record, self._source))
        elif outcome in RED:
            self.failures.append(failure_of(record, self._source))
        if record.measured is not None:
            self.measured[record.case] = record.measured
        if record.duration_s:
            self._rank += 1
            entry = (record.duration_s, -self._rank, record.case)  # of two that are equally slow, the first
            (heapq.heappush if len(self._slowest) < SLOWEST else heapq.heappushpop)(self._slowest, entry)

    def work(self, record: Record) -> None:
        """Count one record as work of the shard that began last."""
        shard = self.shards[-1]
        shard.cases += 1
        shard.seconds += record.duration_s
        self._workers[record.worker] += record.duration_s
        if self._workers[record.worker] > shard.longest_s:
            shard.longest_worker, shard.longest_s = record.worker, self._workers[record.worker]

    @property
    def slowest(self) -> tuple[tuple[str, float], ...]:
        """The slowest cases with their seconds, the slowest first."""
        return tuple((case, seconds) for seconds, _, case in sorted(self._slowest, reverse=True))


def failure_of(record: Record, source: Source = Source()) -> Failure:  # noqa: B008 - it is frozen
    """Return a red record, or a known failure, in one line each; `source` says where the tested library's is."""
    identity = identity_of(record)
    frame = frame_of(record.error) if record.error else None
    module = shorten(record.error.module or "", LONGEST) if record.error else ""
    error = first_line(f"{record.error.type}: {record.error.message}") if record.error else ""
    reason = first_line(record.reason or "")
    is_known = record.outcome == Outcome.KNOWN_FAILURE
    return Failure(
        case=record.case,
        outcome=record.outcome,
        stage=record.stage,
        error=error if is_known else "; ".join(filter(None, (error, reason))),
        reproduce=record.reproduce,
        model_type=record.model_type,
        architecture=record.architecture,
        check=record.check,
        family=record.family or NO_FAMILY,
        place=source.place(frame) if frame else f"module {module}" if module else "",
        file=frame.path if frame else "",
        line=frame.line if frame else None,
        address=source.address(frame) if frame else None,
        cause=identity.fingerprint if identity is not None else "",
        entry=reason if is_known else "",
    )
