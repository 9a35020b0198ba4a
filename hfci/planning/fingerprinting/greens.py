"""Which cases ended green on which fingerprint, by records; and what selection would have been wrong to leave out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hfci.errors import UsageError
from hfci.testing.outcomes import RED, Outcome
from hfci.testing.records import PATTERN

__all__ = ["GREEN", "Ended", "Greens", "Missed", "audit", "read_ended"]

# A known failure is as it should be until its entry expires, which is part of the fingerprint, and a case that a rule
# excludes stays so while nothing changes. What was unavailable says something of a machine alone: it is tried again.
GREEN = (Outcome.PASSED, Outcome.KNOWN_FAILURE, Outcome.NOT_APPLICABLE, Outcome.REUSED)


class Ended(msgspec.Struct, frozen=True):
    """What matters here of a record, and of the header of its file; whatever else they say is passed over."""

    case: str
    outcome: Outcome
    fingerprint: str | None = None
    run: str = ""


class _Header(msgspec.Struct):
    run: str
    started: str = ""
    attempt: int = 1


def read_ended(folders: Iterable[Path]) -> Iterator[Ended]:
    """Yield how cases ended in all records below `folders`, the oldest run first. A torn line is passed over.

    Raises UsageError for a file that does not begin with a header.
    """
    files = []
    for path in {file for folder in folders for file in folder.rglob(PATTERN)}:
        try:
            with path.open("rb") as lines:
                head = msgspec.json.decode(lines.readline(), type=_Header)
        except (OSError, msgspec.MsgspecError) as error:
            raise UsageError(f"{path} does not begin as records do: {error}") from error
        files.append((head.started, head.run, head.attempt, str(path)))
    read = msgspec.json.Decoder(Ended)
    for _, run, _, name in sorted(files):
        with Path(name).open("rb") as lines:
            lines.readline()
            for line in lines:
                try:
                    ended = read.decode(line)
                except msgspec.MsgspecError:
                    continue
                yield Ended(ended.case, ended.outcome, ended.fingerprint, run)


@dataclass
class Greens:
    """Case and fingerprint → how that ended last, of those that ended green or red."""

    ended: dict[tuple[str, str], Ended] = field(default_factory=dict)
    last: dict[str, Ended] = field(default_factory=dict)

    @classmethod
    def of(cls, ended: Iterable[Ended]) -> Greens:
        """Return what `ended`, the oldest first, says."""
        found = cls()
        for one in ended:
            found.add(one)
        return found

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
    for one in ended:
        if one.outcome == Outcome.REUSED:
            continue
        green = known.run_of(one.case, one.fingerprint)
        if one.outcome in RED and one.outcome != Outcome.NOT_RUN and green is not None and green != one.run:
            missed.append(Missed(one.case, one.fingerprint or "", green, one.run))
        known.add(one)
    return tuple(missed)
