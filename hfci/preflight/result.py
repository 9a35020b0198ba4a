"""What a preflight found: preflight.json, with its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hfci.parsing import Writer, this_hfci
from hfci.preflight.configuration import Request
from hfci.preflight.diagnosis import Diagnosis
from hfci.preflight.masking import Masking
from hfci.preflight.stages import Found
from hfci.writing import replacing

__all__ = ["SCHEMA", "Outcome", "Result", "StageResult", "write_result"]

SCHEMA = 1

Outcome = Literal["passed", "failed", "not-run", "interrupted"]


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a stage ended.

    - `stage`: its name; `outcome`: how it ended; `duration_s`: from its start to its verdict
    - `limit_s`: how long it might take, or go without progress; `diagnosis`: why it failed
    - `reason`: why it did not run, or what it was doing when it was interrupted
    """

    stage: str
    outcome: Outcome
    duration_s: float = 0.0
    limit_s: float | None = None
    reason: str | None = None
    diagnosis: Diagnosis | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A preflight.

    - `request`: what was asked for; `until`: the last stage that was to run; `begun`: when, in UTC
    - `stages`: how each ended, in their order; `found`: what those found that passed
    - `python`: the interpreter that ran the stages; `exit_code`: that of the command
    """

    schema: Annotated[int, Meta(description="the version of this document's schema")] = SCHEMA
    hfci: Writer = msgspec.field(default_factory=this_hfci)
    request: Request
    until: str
    begun: str
    python: str
    stages: tuple[StageResult, ...]
    found: Found
    exit_code: int

    @property
    def failures(self) -> tuple[Diagnosis, ...]:
        """Why stages failed, in their order."""
        return tuple(stage.diagnosis for stage in self.stages if stage.diagnosis is not None)


def write_result(path: Path, result: Result, masking: Masking) -> None:
    """Write `result` to `path` without secrets; EnvironmentUnfit where that fails."""
    content = msgspec.json.encode(masking.data(msgspec.to_builtins(result)))
    with replacing(path) as file:
        file.write(msgspec.json.format(content, indent=2) + b"\n")
