"""Records: a header line, then one JSON line a case, flushed as each case ends."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from hfci import __version__
from hfci.catalog.origin import Origin, find_transformers, version_of
from hfci.errors import EnvironmentUnfit, UsageError
from hfci.git import git
from hfci.testing.cases import Case
from hfci.testing.machine import Process, kernel_variables
from hfci.testing.outcomes import Outcome

__all__ = [
    "PATTERN",
    "SCHEMA",
    "SCHEMA_FILE",
    "Error",
    "Header",
    "Record",
    "RecordWriter",
    "new_run_id",
    "records_file",
    "this_attempt",
]

SCHEMA = 3
SCHEMA_FILE = Path(__file__).parent / "data" / "records.schema.json"

# What `records_file` gives, whatever the run.
PATTERN = "records-*.jsonl"

# What each field of a record that speaks of a case is called there too.
OF_CASE = ("model_type", "architecture", "family", "check", "task", "tier", "device", "dtype", "backend")

# Which attempt at a job this is.
ATTEMPT, ATTEMPTS = "GITHUB_RUN_ATTEMPT", re.compile("[1-9][0-9]{0,5}")

# The branch that a workflow builds, where git itself knows only a commit.
BRANCHES = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME")


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

    @classmethod
    def now(
        cls, run: str, *, device: str, planned: int, folder: Path, process: Process | None = None, **fields: Any
    ) -> Header:
        """Return the header of records that begin now, for the checkout in `folder`, of cases that `process` runs."""
        told = msgspec.structs.asdict(process) if process is not None else {}
        source = Origin.at(Path(imported)) if (imported := told.pop("transformers", None)) else None
        return cls(
            run=run,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            commit=_git(folder, "rev-parse", "HEAD"),
            branch=_branch(folder),
            versions={
                "hfci": __version__,
                "python": platform.python_version(),
                "torch": _version("torch"),
                "transformers": source.version if source else _transformers(),
            },
            source=source,
            device=device,
            planned=planned,
            variables=kernel_variables(),
            **told,
            **fields,
        )


def new_run_id() -> str:
    """Return an ID that sorts by time and is unique."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


def this_attempt() -> int:
    """Return which attempt at its job this is, where a workflow can repeat one; UsageError where it says no number."""
    told = os.environ.get(ATTEMPT) or "1"
    if not ATTEMPTS.fullmatch(told):
        raise UsageError(f"{ATTEMPT} must be the number of this attempt at the job, not {told!r:.60}: unset it")
    return int(told)


def records_file(head: Header) -> str:
    """Return the name of the file that begins with `head`: no other job of the run writes one of that name."""
    shard = "" if head.shard is None else f"-{head.shard}"
    attempt = "" if head.attempt == 1 else f"-attempt{head.attempt}"
    return f"records-{head.run}{shard}{attempt}.jsonl"


class RecordWriter:
    """Appends lines to one file, each handed to the system before `write` returns."""

    def __init__(self, path: Path) -> None:
        """Create the file, which must not exist, and its folder; EnvironmentUnfit if that fails."""
        self.path = path
        self.lines = 0
        self._size = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError as error:
            raise EnvironmentUnfit(f"cannot write records to {path}: {error.strerror}") from error

    def write(self, content: Header | Record) -> None:
        """Append one line; if that fails, the earlier ones stay whole and EnvironmentUnfit says why."""
        # Not msgspec.json.encode: a lone surrogate, as in the name of a file, must not cost the record.
        line = (json.dumps(msgspec.to_builtins(content), ensure_ascii=False) + "\n").encode("utf-8", "replace")
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            os.ftruncate(self._file, self._size)
            kept = f"{self.lines} lines are kept"
            raise EnvironmentUnfit(f"cannot write records to {self.path}: {error.strerror}; {kept}") from error
        self._size += len(line)
        self.lines += 1

    def close(self) -> None:
        """Close the file; idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _transformers() -> str | None:
    try:
        return version_of(find_transformers())
    except EnvironmentUnfit:
        return None


def _branch(folder: Path) -> str | None:
    told = (os.environ.get(name) for name in BRANCHES)
    return next(filter(None, told), None) or _git(folder, "branch", "--show-current")


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says of `folder`; None where there is no git, no repository or nothing said."""
    return (git(folder, *arguments) or b"").decode("utf-8", "replace").strip() or None
