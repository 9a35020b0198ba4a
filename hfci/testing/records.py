"""Records: a header line, then one JSON line a case, flushed as each case ends."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hfci import __version__
from hfci.errors import EnvironmentUnfit
from hfci.testing.cases import Case
from hfci.testing.outcomes import Outcome

__all__ = ["SCHEMA", "SCHEMA_FILE", "Record", "RecordWriter", "header", "new_run_id"]

SCHEMA = 1
SCHEMA_FILE = Path(__file__).parent / "data" / "records.schema.json"


@dataclass(frozen=True)
class Record:
    """One case of one run."""

    case: str
    model_type: str
    architecture: str | None
    family: str | None
    check: str | None
    task: str | None
    tier: str
    outcome: str
    stage: str | None = None
    reason: str | None = None
    error: Mapping[str, str] | None = None  # type, message, traceback (its tail)
    duration_s: float = 0.0
    peak_memory_bytes: int | None = None
    device: str | None = None
    dtype: str | None = None
    backend: str | None = None
    worker: str | None = None
    attempt: int = 1
    fingerprint: str | None = None
    reproduce: str | None = None

    @classmethod
    def of(cls, case: Case, outcome: Outcome | str, **fields: Any) -> Record:
        """Return the record of `case`."""
        names = (
            "model_type",
            "architecture",
            "family",
            "check",
            "task",
            "tier",
            "device",
            "dtype",
            "backend",
        )
        known = {name: getattr(case, name) for name in names}
        return cls(case=case.id, outcome=str(outcome), **{**known, **fields})


def new_run_id() -> str:
    """Return an ID that sorts by time and is unique."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


def header(run: str, device: str, planned: int, folder: Path) -> dict[str, Any]:
    """Return the header line's content; `planned` is how many records a whole run has."""
    return {
        "schema": SCHEMA,
        "run": run,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(folder),
        "versions": {
            "hfci": __version__,
            "python": platform.python_version(),
            "torch": _version("torch"),
            "transformers": _version("transformers"),
        },
        "device": device,
        "planned": planned,
    }


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

    def write(self, content: Record | Mapping[str, Any]) -> None:
        """Append one line; if that fails, the earlier ones stay whole and EnvironmentUnfit says why."""
        data = asdict(content) if isinstance(content, Record) else content
        line = (json.dumps(data, separators=(",", ":")) + "\n").encode()
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


def _commit(folder: Path) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    found = subprocess.run(  # noqa: S603 -- a fixed command
        [git, "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None if found.returncode == 0 else None
