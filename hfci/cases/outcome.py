"""How a case ends, and where."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

__all__ = ["EXECUTED", "RED", "STAGES", "Outcome", "Stage"]


class Outcome(StrEnum):
    """How a case ended.

    What is quarantined failed, and by its history it is flaky: a report says so, of a record that says failed.
    """

    PASSED = "passed"
    FAILED = "failed"
    KNOWN_FAILURE = "known-failure"
    UNAVAILABLE = "unavailable"
    NOT_APPLICABLE = "not-applicable"
    REUSED = "reused"
    NOT_RUN = "not-run"
    ASSUMED = "assumed"
    QUARANTINED = "quarantined"


RED = (Outcome.FAILED, Outcome.NOT_RUN)
EXECUTED = (Outcome.PASSED, Outcome.FAILED, Outcome.KNOWN_FAILURE, Outcome.QUARANTINED)

# Where a case ended, in the order in which it gets there: those from `export` on are of a backend. `memory` is wherever
# there was none left.
Stage = Literal[
    "config", "build", "inputs", "forward", "check", "pipeline", "export", "compile", "run", "compare", "memory"
]
STAGES: tuple[Stage, ...] = get_args(Stage)
