"""What an architecture has lost since an earlier manifest, as a report shows it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Lost"]


@dataclass(frozen=True)
class Lost:
    """One loss: whose, what, and why it is accepted; where it is not, the report is red."""

    whose: str
    what: str
    accepted: str | None = None
