"""Which cases ended green on which fingerprint, by records; and what selection would have been wrong to leave out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hfci.cases.outcome import RED, Outcome
from hfci.cases.reading import find_parts, read_records

__all__ = ["GREEN", "Ended", "Greens", "Missed", "audit", "read_ended"]

# A known failure is as it should be until its entry expires, which is part of the fingerprint, and a case that a rule
# excludes stays so while nothing changes. What was unavailable says something of a machine alone: it is tried again.
GREEN = (Outcome.PASSED, Outcome.KNOWN_FAILURE, Outcome.NOT_APPLICABLE, Outcome.REUSED)


@dataclass(frozen=True, slots=True)
class Ended:
    """What matters here of a record, and of the header of its file."""

    case: str
    outcome: Outcome
    fingerprint: str | None = None
    run: str = ""


def read_ended(folders: Iterable[Path]) -> Iterator[Ended]:
    """Yield how cases ended in all records below `folders`, the oldest run first. A torn line is passed over.

    Raises UsageError for what cannot be read: it may be the latest of its case, and no older green is one then.
    """
    parts, _ = find_parts(folders, needed=False)
    for head, path in parts:
        for _, record in read_records(path):
            if record is not None:
                yield Ended(record.case, record.outcome, record.fingerprint, head.run)


@dataclass
class Greens:
    """Case and fingerprint → how that ended last, of those that ended green or red."""

    ended: dict[tuple[str, str], Ended] = field(default_factory=dict)
    last: dict[str, Ended] = field(default_factory=dict)

    @classmethod
    def of(cls, ended: Iterable[Ended]) -> Greens:
        """Return what `ended`, the oldest first, says."""
        greens = cls()
        for record in ended:
            greens.add(record)
        return greens

    def add(self, ended: Ended) -> None:
        """Take in one more, newer than those before. What was not run says nothing of a fingerprint."""
        self.last[ended.case] = ended
        if ended.fingerprint is not None and ended.outcome != Outcome.NOT_RUN:
            self.ended[ended.case, ended.fingerprint] = ended

    def run_of(self, case: str, fingerprint: str | None) -> str | None:
        """Return the run in which a case was green on a fingerprint, unless it ended otherwise on it since."""
        ended = self.ended.get((case, fingerprint or ""))
        return ended.run if ended is not None and ended.outcome in GREEN else None


@dataclass(frozen=True)
class Missed:
    """A case that failed although selection would have left it out: it had been green on the same fingerprint."""

    case: str
    fingerprint: str
    green: str
    failed: str

    def __str__(self) -> str:
        """Say which case, when it was green, when not."""
        return f"{self.case}: failed in {self.failed}, green in {self.green}, both with fingerprint {self.fingerprint}"


def audit(ended: Iterable[Ended]) -> tuple[Missed, ...]:
    """Replay past runs, the oldest first: what failed in one that the records before it would have left out?

    Each is a case whose fingerprint lacks something that it depends on, or that is not deterministic. Records that
    selection itself left out (reused) prove nothing and change nothing.
    """
    known, missed = Greens(), []
    for record in ended:
        if record.outcome == Outcome.REUSED:
            continue
        green = known.run_of(record.case, record.fingerprint)
        if record.outcome in RED and record.outcome != Outcome.NOT_RUN and green is not None and green != record.run:
            missed.append(Missed(record.case, record.fingerprint or "", green, record.run))
        known.add(record)
    return tuple(missed)
