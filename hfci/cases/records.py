"""Records: a header line, then one JSON line a case."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hfci.cases.case import Case
from hfci.cases.measured import Measured
from hfci.cases.outcome import STAGES, Outcome
from hfci.imports import Imported
from hfci.origin import Origin

__all__ = [
    "PATTERN",
    "RULES",
    "SCHEMA",
    "SCHEMA_FILE",
    "Accelerator",
    "Count",
    "Error",
    "Frame",
    "Header",
    "Number",
    "Record",
    "Seconds",
    "Worst",
    "records_file",
]

SCHEMA = 8
SCHEMA_FILE = Path(__file__).parent / "data" / "records.schema.json"

# What `records_file` gives, whatever the run.
PATTERN = "records-*.jsonl"

# What each field of a record that speaks of a case is called there too.
OF_CASE = ("model_type", "architecture", "family", "check", "task", "tier", "device", "dtype", "backend")

# What can be: a file that says otherwise must not spoil every sum.
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**60)]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**60)]

# What a record says is told of by how its case ended: for the schema, since reading must be fast.
RULES: dict[str, Any] = {
    "properties": {"stage": {"enum": [*STAGES, None]}},
    "allOf": [
        {
            "if": {"properties": {"outcome": {"enum": ["failed", "known-failure"]}}},
            "then": {"properties": {"stage": {"type": "string"}, "error": {"type": "object"}}},
        },
        {
            "if": {"properties": {"outcome": {"enum": ["known-failure", "unavailable", "not-applicable", "not-run"]}}},
            "then": {"properties": {"reason": {"type": "string", "minLength": 1}}},
        },
    ],
}


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the tested library.

    - `path`: of its file, from the folder that holds the package: `transformers/cache_utils.py`
    - `line`: its number in that file, and `source` its text; empty where it cannot be read
    - `function`: which it is in, with its class
    """

    path: str
    line: Count
    function: str
    source: str


class Worst(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The output that is furthest from what it must be.

    - `output`: its name
    - `difference`, `allowed`: how far its numbers are off, and may be, relative to the largest of them; None where not
      its numbers are wrong but its shape, say, and infinite numbers too, which JSON does not have
    - `place`: the indices of the worst number
    """

    output: str
    difference: float | None = None
    allowed: float | None = None
    place: tuple[int, ...] = ()


class Error(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The exception that ended a case.

    - `type`, `message`: of the exception
    - `traceback`: its tail
    - `frame`: the innermost of the tested library; None where there is none, or in records before schema 6
    - `module`: of a failure of numbers, the first whose outputs differ; None is unknown
    - `operator`: that stopped a backend, where its exception names it
    - `worst`: of what a backend gives, where it is compared; both are None in records before schema 7
    """

    type: str
    message: str
    traceback: str
    frame: Frame | None = None
    module: str | None = None
    operator: str | None = None
    worst: Worst | None = None


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One case of one run.

    - `case`: its ID
    - `check`: None where the row has no test; `reason` says why
    - `stage`: where it ended
    - `duration_s`: seconds, all of it; `setup_s`, `call_s`: parts of it
    - `device`: the one that was really used
    - `attempt`: 2 where the job was run again
    - `reproduce`: the command that runs it again
    - `measured`: how fast its model is, where the run measured that; None in records before schema 8
    """

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
    measured: Measured | None = None

    @classmethod
    def of(cls, case: Case, outcome: Outcome | str, **fields: Any) -> Record:
        """Return the record of `case`."""
        known = {name: getattr(case, name) for name in OF_CASE}
        return cls(case=case.id, outcome=Outcome(outcome), **{**known, **fields})


class Accelerator(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The device that cases ran on, where that was not the processor; None is what nobody told.

    - `name`: as its maker says it
    - `capability`: what decides which kernels it runs, of CUDA e.g. 9.0
    - `memory_bytes`: all that it has
    """

    name: str | None = None
    capability: str | None = None
    memory_bytes: Count | None = None

    def __str__(self) -> str:
        """Return it as a person reads it: `NVIDIA H200, 9.0, 139.8 GiB`."""
        memory = f"{self.memory_bytes / 2**30:.1f} GiB" if self.memory_bytes else None
        return ", ".join(filter(None, (self.name, self.capability, memory)))


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one file of records is about; a run has one for each attempt at each of its shards.

    - `schema`: the version of the records' format
    - `run`: the run's ID, the same in all its files
    - `shard`: the index in its plan; `shards`: how many that has; `attempt`: 2 when the job was run again
    - `started`: UTC, ISO 8601
    - `commit`: what was tested, if it is known; `branch`: where it was run, if it is known
    - `versions`: by package; None where it was not installed
    - `packages`: by name, the address of each that came from no index, a repository's with its commit; None is unknown
    - `source`: the transformers that was imported; None is unknown, or there was no case
    - `imports`: what else was imported, arbitrary code that registers models of its own
    - `device`: the one that was asked for; `runner`: the kind of machine, by its name in the plan
    - `seed`: what the tests' random numbers began with
    - `layout`: where weights and inputs began in memory, natural or misaligned
    - `tier`: what was asked for
    - `names`, `checks`: what was asked for; empty is everything, None is unknown (records of schema 1)
    - `backend`: the one that the run is about, if it is about one
    - `planned`: how many records the whole file has
    - `processor`: its name, as a process that ran cases says it
    - `capability`: the vector instructions of torch's kernels, e.g. AVX2
    - `accelerator`: None where cases ran on the processor, and in records before schema 7
    - `threads`: of each process that ran cases; `workers`: how many there were
    - `set_up_s`: seconds that its job took until the run began, to install mostly; None where nobody said when it began
    - `start_up_s`: seconds from there until a worker had collected its cases; None is unknown, or there was no case
    - `variables`: those of the environment that chose their kernels; None is unknown
    """

    schema: Literal[8] = 8
    run: str
    shard: Count | None = None
    shards: Number | None = None
    attempt: Number = 1
    started: str
    commit: str | None = None
    branch: str | None = None
    versions: dict[str, str | None] = {}
    packages: dict[str, str] | None = {}
    source: Origin | None = None
    imports: tuple[Imported, ...] = ()
    device: str
    runner: str | None = None
    seed: int | None = None
    layout: str = "natural"
    tier: str | None = None
    names: tuple[str, ...] | None = ()
    checks: tuple[str, ...] | None = ()
    backend: str | None = None
    planned: Count
    processor: str | None = None
    capability: str | None = None
    accelerator: Accelerator | None = None
    threads: Number | None = None
    workers: Number | None = None
    set_up_s: Seconds | None = None
    start_up_s: Seconds | None = None
    variables: dict[str, str] | None = {}

    @property
    def beside(self) -> str:
        """What was imported beside transformers, in one line; empty where it was nothing."""
        return ", ".join(map(str, self.imports))

    @property
    def machine(self) -> str:
        """What the cases ran on, in one line; empty where nothing is known of it."""
        counts = {"worker": self.workers, "thread": self.threads}
        computing = " of ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items() if count)
        variables = (f"{name}={value}" for name, value in (self.variables or {}).items())
        layout = f"weights {self.layout}" if self.layout != "natural" else ""
        return ", ".join(
            filter(None, (str(self.accelerator or ""), self.processor, self.capability, computing, *variables, layout))
        )


def records_file(head: Header) -> str:
    """Return the name of the file that begins with `head`: no other job of the run writes one of that name."""
    shard = "" if head.shard is None else f"-{head.shard}"
    attempt = "" if head.attempt == 1 else f"-attempt{head.attempt}"
    return f"records-{head.run}{shard}{attempt}.jsonl"
