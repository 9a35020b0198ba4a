"""A badge for a README, as shields.io draws it from a JSON file: https://shields.io/badges/endpoint-badge"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hfci.cases.outcome import Outcome
from hfci.results.reading import Results
from hfci.results.summary import Summary
from hfci.writing import replacing

__all__ = ["FILE", "NAME", "badge", "write"]

NAME = "badge"
FILE = "badge.json"
LABEL = "hfci"

# What is told beside what passed, the worst first. What does not apply cannot pass, and is not among the rest.
TOLD = (
    Outcome.FAILED,
    Outcome.NOT_RUN,
    Outcome.QUARANTINED,
    Outcome.KNOWN_FAILURE,
    Outcome.UNAVAILABLE,
    Outcome.ASSUMED,
    Outcome.REUSED,
)


def badge(summary: Summary) -> dict[str, Any]:
    """Return the badge: how many of the cases that apply passed, and what became of each of the others.

    Those that vanished since the baseline are beyond them.
    """
    counts = {outcome: summary.outcomes.get(outcome, 0) for outcome in (Outcome.PASSED, *TOLD)}
    others = [f"{counts[outcome]:,} {outcome}" for outcome in TOLD if counts[outcome]]
    if summary.taken:
        others.insert(0, f"{summary.taken:,} lost")
    if summary.vanished:
        others.insert(0, f"{summary.vanished:,} vanished")
    parts = [f"{counts[Outcome.PASSED]:,} of {sum(counts.values()):,} passed", *others]
    if not summary.executed:
        parts = ["nothing executed", *others]
    return {
        "schemaVersion": 1,
        "label": LABEL,
        "message": " · ".join(parts),
        "color": "red" if summary.is_red else "brightgreen" if summary.executed else "lightgrey",
        "isError": summary.is_red,  # nobody can ask for a red badge in another colour
    }


def write(path: Path, results: Results, summary: Summary) -> None:  # noqa: ARG001 -- as all formats
    """Write the badge. Raises EnvironmentUnfit where the file cannot be written."""
    with replacing(path) as file:
        file.write(f"{json.dumps(badge(summary))}\n".encode())
