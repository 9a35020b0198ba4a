"""The coverage ladder: what records must show for something to stand on a rung; what has really happened."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from hfci.cases.outcome import RED, Outcome
from hfci.cases.records import Record

__all__ = ["LADDER", "MEANING", "Ladder"]

BUILDING_CHECK = "builds_tiny"


class Facts(NamedTuple):
    """Of a record, what it shows is told by."""

    outcome: Outcome
    stage: str | None
    check: str | None
    task: str | None
    device: str | None


# What one record can show.
SIGNS: dict[str, Callable[[Facts], bool]] = {
    "a case": lambda record: record.check is not None,
    "collected": lambda record: record.check is not None and record.outcome not in (Outcome.NOT_RUN, Outcome.ASSUMED),
    "built": lambda record: record.outcome == Outcome.PASSED or record.stage in ("inputs", "forward"),
    "forwarded": lambda record: record.outcome == Outcome.PASSED and record.check != BUILDING_CHECK,
    "passed": lambda record: record.outcome == Outcome.PASSED,
    "spoiled": lambda record: record.outcome in (*RED, Outcome.KNOWN_FAILURE, Outcome.QUARANTINED),
    "in a pipeline": lambda record: record.outcome == Outcome.PASSED and record.task is not None,
    "on a GPU": lambda record: record.outcome == Outcome.PASSED and not (record.device or "cpu").startswith("cpu"),
}


@dataclass(frozen=True)
class Rung:
    """What some record must show, and what none may show."""

    name: str
    sign: str | None = None
    without: str | None = None


LADDER = (
    Rung("catalogued"),
    Rung("generated", "a case"),
    Rung("collected", "collected"),
    Rung("built", "built"),
    Rung("forwarded", "forwarded"),
    Rung("checked", "passed", without="spoiled"),
    Rung("run in a pipeline", "in a pipeline"),
    Rung("run on a GPU", "on a GPU"),
)

# Told wherever counts by rung are printed.
MEANING = "A ladder: each rung counts what has come that far, and asks more than the rungs listed above it."

Key = TypeVar("Key", bound=Hashable)


class Ladder(Generic[Key]):
    """Takes in records, each of some thing (a model type, a class), and tells which things stand on which rung."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._seen: dict[Key, set[str]] = {}

    def add(self, key: Key, record: Record) -> None:
        """Take in one record of `key`."""
        facts = Facts(record.outcome, record.stage, record.check, record.task, record.device)
        self._seen.setdefault(key, set()).update(_shown(facts))

    def on(self, rung: Rung) -> set[Key]:
        """Return what stands on `rung`."""
        return {
            key
            for key, seen in self._seen.items()
            if (rung.sign is None or rung.sign in seen) and rung.without not in seen
        }

    def counts(self) -> dict[str, int]:
        """Return how many things stand on each rung."""
        return {rung.name: len(self.on(rung)) for rung in LADDER}


@functools.lru_cache(maxsize=4_096)
def _shown(facts: Facts) -> frozenset[str]:
    return frozenset(name for name, shows in SIGNS.items() if shows(facts))
