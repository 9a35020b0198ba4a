"""The coverage summary: what a release gate, a documentation's badge or another dashboard reads.

Its JSON Schema is `SCHEMA_FILE`. The same records give the same bytes.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec

from hfci.cases.outcome import RED, Outcome
from hfci.cases.records import Record
from hfci.results.formats.cases import vanished
from hfci.results.reading import Results
from hfci.results.summary import Summary
from hfci.results.text import clean, first_line
from hfci.writing import replacing

__all__ = ["FILE", "NAME", "SCHEMA", "SCHEMA_FILE", "coverage_summary", "write"]

NAME = "coverage-summary"
FILE = "coverage-summary.json"
SCHEMA = 1
SCHEMA_FILE = Path(__file__).parents[1] / "data" / "coverage-summary.schema.json"

MOST_FAILURES = 1000  # all are in the records; a reader of this file decides, and does not debug

# Of several cases of one check, the outcome that speaks for them: what did not apply yields to all that did.
WORST_FIRST = (
    Outcome.FAILED,
    Outcome.NOT_RUN,
    Outcome.KNOWN_FAILURE,
    Outcome.UNAVAILABLE,
    Outcome.ASSUMED,
    Outcome.REUSED,
    Outcome.PASSED,
    Outcome.NOT_APPLICABLE,
)


class Group:
    """Cases that belong together, counted by outcome, and the worst outcome of each check."""

    def __init__(self) -> None:
        """Begin with none."""
        self.outcomes: Counter[Outcome] = Counter()
        self.checks: dict[str, Outcome] = {}

    def add(self, record: Record) -> None:
        """Take in one case."""
        self.outcomes[record.outcome] += 1
        if record.check is not None:
            known = self.checks.get(record.check, record.outcome)
            self.checks[record.check] = min(known, record.outcome, key=WORST_FIRST.index)

    def counts(self) -> dict[str, Any]:
        """Return how many cases there are, and how many ended in each way."""
        return {
            "cases": self.outcomes.total(),
            "outcomes": {outcome.value: self.outcomes[outcome] for outcome in Outcome},
        }


def coverage_summary(results: Results, summary: Summary) -> dict[str, Any]:
    """Return the coverage summary of `results` as plain data, valid by the schema."""
    families: dict[tuple[str, str], Group] = defaultdict(Group)
    model_types: dict[str, Group] = defaultdict(Group)
    reasons: Counter[str] = Counter()
    for record in results:
        families[record.family or "", record.tier].add(record)
        model_types[record.model_type].add(record)
        if record.outcome == Outcome.UNAVAILABLE:
            reasons[first_line(record.reason or "")] += 1
    red = sum(group.outcomes[outcome] for group in model_types.values() for outcome in RED) + summary.vanished
    return {
        "schema": SCHEMA,
        "verdict": summary.verdict,
        "green": summary.is_green,
        "red": summary.is_red,
        "planned": summary.planned,
        "executed": summary.executed,
        "runs": [msgspec.to_builtins(head) for head in results.headers],
        "outcomes": {outcome.value: summary.outcomes.get(outcome, 0) for outcome in Outcome},
        "ladder": dict(summary.ladder),
        "missing": results.missing,
        "vanished": summary.vanished,
        "lost": [
            {"whose": clean(loss.whose), "what": clean(loss.what), "accepted": loss.accepted and clean(loss.accepted)}
            for loss in summary.lost[:MOST_FAILURES]
        ],
        "taken": summary.taken,
        "torn": results.torn,
        "unsteady": sorted(results.unsteady),
        "families": [
            {"family": family or None, "tier": tier, **group.counts()}
            for (family, tier), group in sorted(families.items())
        ],
        "model_types": {
            name: {**group.counts(), "checks": dict(sorted(group.checks.items()))}
            for name, group in sorted(model_types.items())
        },
        "unavailable": [
            {"reason": reason, "cases": cases}
            for reason, cases in sorted(reasons.items(), key=lambda known: (-known[1], known[0]))
        ],
        "failures": (failures := _failures(results, summary)),
        "failures_left_out": red - len(failures),
    }


def write(path: Path, results: Results, summary: Summary) -> None:
    """Write the coverage summary. Raises EnvironmentUnfit where the file cannot be written."""
    with replacing(path) as file:
        file.write(f"{json.dumps(coverage_summary(results, summary), indent=1)}\n".encode())


def _failures(results: Results, summary: Summary) -> list[dict[str, Any]]:
    """Return the red cases, those that failed before those that did not run or vanished."""
    red = itertools.chain((record for record in results if record.outcome in RED), vanished(summary))
    first = heapq.nsmallest(MOST_FAILURES, red, key=lambda record: (RED.index(record.outcome), record.case))
    return [
        {
            "case": record.case,
            "model_type": record.model_type,
            "architecture": record.architecture,
            "check": record.check,
            "tier": record.tier,
            "outcome": record.outcome.value,
            "stage": record.stage,
            "error": first_line(f"{record.error.type}: {record.error.message}") if record.error else None,
            "reason": first_line(record.reason) if record.reason else None,
            "reproduce": clean(record.reproduce) if record.reproduce else None,
        }
        for record in first
    ]
