"""What is not as it was in another run: commit, library, processor, threads, packages; what one asks first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from hfci.cases.records import Header
from hfci.results.text import shorten

__all__ = ["Difference", "differences"]

LONGEST = 200
NONE = "-"


class Difference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact that two runs do not share, in one line each.

    - `what`: a package, the commit, the processor
    - `before`, `now`: every value of it in each run
    """

    what: str
    before: str
    now: str


# What of a header may explain another outcome, in the order in which one asks.
FACTS: dict[str, Callable[[Header], object]] = {
    "commit": lambda head: head.commit and head.commit[:12],
    "transformers imported": lambda head: (
        head.source and f"{head.source.commit or ''} digest {head.source.digest}".strip()
    ),
    "imports": lambda head: head.beside,
    "processor": lambda head: head.processor,
    "capability": lambda head: head.capability,
    "accelerator": lambda head: head.accelerator,
    "threads": lambda head: head.threads,
    "variables": lambda head: ", ".join(f"{name}={value}" for name, value in sorted((head.variables or {}).items())),
    "layout": lambda head: head.layout,
    "seed": lambda head: head.seed,
}


def differences(before: Iterable[Header], now: Iterable[Header]) -> tuple[Difference, ...]:
    """Return what differs between the headers of two runs: facts first, then packages by name."""
    before, now = tuple(before), tuple(now)
    return tuple(Difference(what, *pair) for what, *pair in _compared(before, now) if pair[0] != pair[1])


def _compared(before: tuple[Header, ...], now: tuple[Header, ...]) -> Iterator[tuple[str, str, str]]:
    for what, fact in FACTS.items():
        yield what, _values(map(fact, before)), _values(map(fact, now))
    for name in sorted({name for head in (*before, *now) for name in (*head.versions, *(head.packages or {}))}):
        earlier, later = (_values(_version(head, name) for head in run) for run in (before, now))
        yield shorten(name, LONGEST), earlier, later


def _version(head: Header, name: str) -> str:
    address = (head.packages or {}).get(name, "")
    return " ".join(filter(None, (head.versions.get(name), address and f"from {address}")))


def _values(facts: Iterable[object]) -> str:
    said = sorted({shorten(str(fact), LONGEST) for fact in facts if fact not in (None, "")})
    return ", ".join(said) or NONE
