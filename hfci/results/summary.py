"""The summary of a run: verdict, outcomes, coverage ladder, slowest cases, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from hfci.results.ladder import Ladder
from hfci.results.reading import Results
from hfci.results.text import first_line
from hfci.testing.outcomes import EXECUTED, RED, Outcome
from hfci.testing.records import Record

__all__ = ["Summary", "summarize"]

SLOWEST = 10


@dataclass(frozen=True)
class Failure:
    """A case that is red, in one line each."""

    case: str
    outcome: str
    stage: str | None
    error: str
    reproduce: str | None


@dataclass(frozen=True)
class Summary:
    """What a maintainer reads first."""

    planned: int
    executed: int
    outcomes: dict[str, int]  # every outcome, in the order of the vocabulary
    ladder: dict[str, int]  # model types on each rung
    slowest: tuple[tuple[str, float], ...]  # case, seconds
    failures: tuple[Failure, ...]
    known: dict[str, int]  # known failures, by entry of the ledger
    reasons: dict[str, int]  # of what was unavailable
    torn: int
    superseded: int
    runs: tuple[dict[str, Any], ...]  # the headers

    @property
    def is_green(self) -> bool:
        """Whether something was executed, and everything that was planned, without a failure."""
        return self.executed > 0 and not self.is_red

    @property
    def is_red(self) -> bool:
        """Whether something failed or did not run."""
        return any(self.outcomes[name] for name in RED)

    @property
    def verdict(self) -> str:
        """One line."""
        told = (*RED, Outcome.KNOWN_FAILURE)
        said = ", ".join(f"{self.outcomes[name]} {name}" for name in told if self.outcomes[name])
        if not self.executed and not self.is_red:
            return f"Nothing was executed; {self.planned} planned"
        colour = "Green" if self.is_green else "Red"
        return f"{colour}: {said + ', ' if said else ''}{self.executed} of {self.planned} cases executed"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {"green": self.is_green, "verdict": self.verdict, **asdict(self)}


def summarize(results: Results) -> Summary:
    """Count; records that a header promises and nobody wrote are `not-run`."""
    records = tuple(results)
    counts = Counter(record.outcome for record in records)
    counts[Outcome.NOT_RUN] += results.missing
    ladder: Ladder[str] = Ladder()
    for record in records:
        ladder.add(record.model_type, record)
    slowest = sorted((record for record in records if record.duration_s), key=lambda record: -record.duration_s)
    return Summary(
        planned=len(records) + results.missing,
        executed=sum(counts[outcome] for outcome in EXECUTED),
        outcomes={outcome.value: counts[outcome] for outcome in Outcome},
        ladder=ladder.counts(),
        slowest=tuple((record.case, record.duration_s) for record in slowest[:SLOWEST]),
        failures=tuple(_failures(records)),
        known=_reasons(records, Outcome.KNOWN_FAILURE),
        reasons=_reasons(records, Outcome.UNAVAILABLE),
        torn=results.torn,
        superseded=results.superseded,
        runs=tuple(msgspec.to_builtins(header) for header in results.headers),
    )


def _reasons(records: Iterable[Record], outcome: Outcome) -> dict[str, int]:
    """Return how many records of one outcome give each reason, the most frequent first."""
    said = (first_line(record.reason or "") for record in records if record.outcome == outcome)
    return dict(Counter(said).most_common())


def _failures(records: Iterable[Record]) -> Iterable[Failure]:
    red = (record for record in records if record.outcome in RED)
    for record in sorted(red, key=lambda record: record.outcome != Outcome.FAILED):
        error = first_line(f"{record.error.type}: {record.error.message}") if record.error else ""
        said = "; ".join(filter(None, (error, first_line(record.reason or ""))))
        yield Failure(record.case, record.outcome, record.stage, said, record.reproduce)
