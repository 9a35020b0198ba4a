"""Known failures about to expire: when an entry's day is over, its cases turn red."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from hfci.cases.ledger import Entry

__all__ = ["Expiring", "expiring"]

# A month is a release of transformers: time to look whether it mended the failure.
SOON_DAYS = 30


@dataclass(frozen=True)
class Expiring:
    """An entry of the ledger whose expiry is near or over; `days_left` is negative when it is."""

    name: str
    expires: str
    days_left: int
    reason: str
    link: str


def expiring(entries: Iterable[Entry], today: date) -> tuple[Expiring, ...]:
    """Return those of a ledger's `entries` that expire within a month of `today` or have done so, the first first."""
    near = (entry for entry in entries if (entry.expires - today).days <= SOON_DAYS)
    return tuple(
        Expiring(entry.name, entry.expires.isoformat(), (entry.expires - today).days, entry.reason, entry.link)
        for entry in sorted(near, key=lambda entry: (entry.expires, entry.name))
    )
