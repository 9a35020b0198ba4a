"""How a case ends, and where."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

__all__ = ["EXECUTED", "RED", "STAGES", "Outcome", "Stage"]


class Outcome(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    KNOWN_FAILURE = "known-failure"
    UNAVAILABLE = "unavailable"
    NOT_APPLICABLE = "not-applicable"
    REUSED = "reused"
    NOT_RUN = "not-run"
    ASSUMED = "assumed"


RED = (Outcome.FAILED, Outcome.NOT_RUN)
EXECUTED = (Outcome.PASSED, Outcome.FAILED, Outcome.KNOWN_FAILURE)

# Where a case ended, in the order in which it gets there.
Stage = Literal["config", "build", "inputs", "forward", "check", "pipeline", "export", "compile"]
STAGES: tuple[Stage, ...] = get_args(Stage)
