"""Records: a header line, then one JSON line a case."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from hfci.cases.case import Case
from hfci.cases.outcome import Outcome
from hfci.origin import Origin

__all__ = ["PATTERN", "SCHEMA", "SCHEMA_FILE", "Error", "Header", "Record", "records_file"]

SCHEMA = 4
SCHEMA_FILE = Path(__file__).parent / "data" / "records.schema.json"

# What `records_file` gives, whatever the run.
PATTERN = "records-*.jsonl"

# What each field of a record that speaks of a case is called there too.
OF_CASE = ("model_type", "architecture", "family", "check", "task", "tier", "device", "dtype", "backend")

# What can be: a file that says otherwise must not spoil every sum.
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**60)]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**60)]


class Error(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The exception that ended a case: its type, its message and the tail of its traceback."""

    type: str
    message: str
    traceback: str


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One case of one run. Durations are seconds; `duration_s` is all of it, `setup_s` and `call_s` parts of it."""

    case: str
    model_type: str
    architecture: str | None
    family: str | None
    check: str | None
    task: str | None
    tier: str
    outcome: Outcome
    stage: str | None = None
    reason: str | None = None
    error: Error | None = None
    duration_s: Seconds = 0.0
    setup_s: Seconds | None = None
    call_s: Seconds | None = None
    peak_memory_bytes: Count | None = None
    device: str | None = None
    dtype: str | None = None
    backend: str | None = None
    worker: str | None = None
    attempt: Number = 1
    fingerprint: str | None = None
    reproduce: str | None = None

    @classmethod
    def of(cls, case: Case, outcome: Outcome | str, **fields: Any) -> Record:
        """Return the record of `case`."""
        known = {name: getattr(case, name) for name in OF_CASE}
        return cls(case=case.id, outcome=Outcome(outcome), **{**known, **fields})


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one file of records is about; a run has one for each attempt at each of its shards.

    - `run`: the run's ID, the same in all its files; `shard`: the index in its plan, `shards`: how many that has;
      `attempt`: 2 when the job was run again
    - `started`: UTC, ISO 8601; `branch`: where it was run, if it is known
    - `packages`: by name, the address of each that came from no index, a repository's with its commit; None is unknown
    - `source`: the transformers that was imported; None is unknown, or there was no case
    - `device`: the one that was asked for; `runner`: the kind of machine, by its name in the plan
    - `layout`: where weights and inputs began in memory, of `hfci.tiny.layout`
    - `names`, `checks`: what was asked for; empty is everything, None is unknown (records of schema 1)
    - `planned`: how many records the whole file has
    - `processor`, `capability`, `threads`: what each of the processes that ran the cases says of itself (`Process`);
      `workers`: how many there were; `variables`: those of the environment that chose their kernels
    """

    schema: int = SCHEMA
    run: str
    shard: Count | None = None
    shards: Count | None = None
    attempt: Number = 1
    started: str
    commit: str | None = None
    branch: str | None = None
    versions: dict[str, str | None] = {}
    packages: dict[str, str] | None = {}
    source: Origin | None = None
    device: str
    runner: str | None = None
    seed: int | None = None
    layout: str = "natural"
    tier: str | None = None
    names: tuple[str, ...] | None = ()
    checks: tuple[str, ...] | None = ()
    planned: Count
    processor: str | None = None
    capability: str | None = None
    threads: int | None = None
    workers: int | None = None
    variables: dict[str, str] | None = {}

    @property
    def machine(self) -> str:
        """What the cases ran on, in one line; empty where nothing is known of it."""
        counts = {"worker": self.workers, "thread": self.threads}
        computing = " of ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items() if count)
        variables = (f"{name}={value}" for name, value in (self.variables or {}).items())
        layout = f"weights {self.layout}" if self.layout != "natural" else ""
        return ", ".join(filter(None, (self.processor, self.capability, computing, *variables, layout)))


def records_file(head: Header) -> str:
    """Return the name of the file that begins with `head`: no other job of the run writes one of that name."""
    shard = "" if head.shard is None else f"-{head.shard}"
    attempt = "" if head.attempt == 1 else f"-attempt{head.attempt}"
    return f"records-{head.run}{shard}{attempt}.jsonl"
