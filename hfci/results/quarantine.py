"""Quarantine: cases that the history proves flaky, whose failures are shown and do not turn a run red.

A failure is quarantined only where the very same thing has passed: on one fingerprint, with the same processor
capability, threads and versions. Nothing that a change touches has that fingerprint, so that no regression is hidden.
An entry expires, and is proposed no longer once the case has passed often enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hfci.cases.outcome import Outcome
from hfci.cases.records import Number
from hfci.parsing import Text, Writer, read_json, this_hfci
from hfci.results.history.conditions import Conditions, conditions_of
from hfci.results.history.flakes import WINDOW, Flake
from hfci.results.history.ingestion import whole_identity
from hfci.results.reading import Results
from hfci.writing import write_json

__all__ = ["SCHEMA", "Entry", "Quarantine", "load_quarantine", "propose", "quarantined"]

SCHEMA = 1

# An entry holds for a month; a history that still proves the flake proposes it anew, with a later day.
HOLDS_DAYS = 30

# Both outcomes prove a flake only if it came back: one turn may be of what nobody wrote down, another kernel say. And
# what has failed so often in a row is no flake any more, whatever it was.
FEWEST_TURNS, MOST_IN_A_ROW = 2, 5

# It is let go after so many passes that a flake of its rate would have failed in between with 95 %; at least that many.
DOUBT, FEWEST_CLEAN = 0.05, 10

Day = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date"})]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A case that is flaky, where that was proved.

    - `case`: its ID
    - `tested`: the fingerprint on which it ended both ways, or commit and versions where records have none
    - `conditions`: those under which it did
    - `passed`, `failed`: in how many runs; `last_run`: the last that failed
    - `reason`: in words
    - `expires`: it holds until the end of this day
    """

    case: Text
    tested: Text
    conditions: Conditions
    passed: Number
    failed: Number
    last_run: Text
    reason: Text
    expires: Day

    def __post_init__(self) -> None:
        """Raise ValueError where it does not say when it expires."""
        date.fromisoformat(self.expires)


class Quarantine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The cases in quarantine.

    - `entries`: the most frequent flakes first
    """

    schema: Literal[1] = 1
    hfci: Writer = msgspec.field(default_factory=this_hfci)
    entries: tuple[Entry, ...] = ()

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; EnvironmentUnfit where that fails."""
        write_json(path, self)

    def in_force(self, today: date, flakes: Iterable[Flake] | None = None) -> Quarantine:
        """Return the entries that have not expired, and that `flakes`, where a history has them, still prove."""
        proved = None if flakes is None else {_key(entry) for entry in propose(flakes, today).entries}
        kept = (
            one
            for one in self.entries
            if date.fromisoformat(one.expires) >= today and (proved is None or _key(one) in proved)
        )
        return msgspec.structs.replace(self, entries=tuple(kept))


def load_quarantine(path: Path) -> Quarantine:
    """Read the file; UsageError says what is wrong with it."""
    mend = "`hfci history quarantine --out FILE` makes one"
    return read_json(path, Quarantine, "file of a quarantine", schema=SCHEMA, mend=mend)


def propose(flakes: Iterable[Flake], today: date) -> Quarantine:
    """Return what a history proves flaky, and has not passed often enough since."""
    return Quarantine(
        entries=tuple(
            Entry(
                case=flake.case,
                tested=flake.fingerprint,
                conditions=flake.conditions,
                passed=flake.passed,
                failed=flake.failed,
                last_run=flake.last_run,
                reason=_reason(flake),
                expires=(today + timedelta(days=HOLDS_DAYS)).isoformat(),
            )
            for flake in flakes
            if flake.conditions is not None and _is_proved(flake) and flake.clean < clean_runs(flake)
        )
    )


def clean_runs(flake: Flake) -> int:
    """Return after how many passes in a row a flake is let go: the rarer it fails, the more."""
    steady = 1 - flake.rate
    needed = math.ceil(math.log(DOUBT) / math.log(steady)) if 0 < steady < 1 else FEWEST_CLEAN
    return min(WINDOW - 1, max(FEWEST_CLEAN, needed))


def quarantined(results: Results, quarantine: Quarantine) -> Mapping[str, str]:
    """Return the failed cases that an entry speaks of, on what it was proved on, each with the reason."""
    entries = {_key(entry): entry.reason for entry in quarantine.entries}
    if not entries:
        return {}
    named = {entry.case for entry in quarantine.entries}
    found = {}
    for head, records in results.parts():
        conditions, whole = conditions_of(head).digest, whole_identity(head)
        for record in records:
            if record.outcome == Outcome.FAILED and record.case in named:
                reason = entries.get((record.case, record.fingerprint or whole, conditions))
                if reason is not None:
                    found[record.case] = reason
    return found


def _key(entry: Entry) -> tuple[str, str, int]:
    return entry.case, entry.tested, entry.conditions.digest


def _is_proved(flake: Flake) -> bool:
    return flake.turns >= FEWEST_TURNS and flake.in_a_row < MOST_IN_A_ROW


def _reason(flake: Flake) -> str:
    runs = flake.passed + flake.failed
    return (
        f"flaky: failed in {flake.failed} of {runs} runs ({flake.rate:.0%}) on one fingerprint under one set of "
        f"conditions, last in run {flake.last_run}; {flake.clean} of {clean_runs(flake)} clean runs since"
    )
