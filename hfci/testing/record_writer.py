"""Writing records: the header of a run that begins here, then a line a case, handed to the system as each ends."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hfci import __version__, workflow
from hfci.cases.records import Header
from hfci.errors import EnvironmentUnfit
from hfci.git import git
from hfci.imports import imported_here
from hfci.origin import Origin, find_transformers, version_of
from hfci.packages import addresses
from hfci.testing.machine import Process, kernel_variables

__all__ = ["RecordWriter", "new_header", "new_run_id", "set_up_seconds"]

# When the job of this shard began to set itself up, in seconds since 1970, where a workflow says it.
BEGAN, LONGEST_S = "HFCI_SET_UP_BEGAN", 86_400


def new_header(
    run: str, *, device: str, planned: int, folder: Path, process: Process | None = None, **fields: Any
) -> Header:
    """Return the header of records that begin now, for the checkout in `folder`, of cases that `process` runs."""
    facts = msgspec.structs.asdict(process) if process is not None else {}
    source = Origin.at(Path(imported)) if (imported := facts.pop("transformers", None)) else None
    return Header(
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
        packages=addresses(),
        source=source,
        imports=imported_here(),
        device=device,
        planned=planned,
        variables=kernel_variables(),
        **facts,
        **fields,
    )


def new_run_id() -> str:
    """Return an ID that sorts by time and is unique."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"


def set_up_seconds() -> float | None:
    """Return how long the job has set itself up until now; None where nobody says when it began, or what cannot be."""
    try:
        took = time.time() - float(os.environ.get(BEGAN) or "nan")
    except ValueError:
        return None
    return round(took, 3) if 0 <= took <= LONGEST_S else None


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

    def write(self, content: msgspec.Struct) -> None:
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
    return workflow.branch() or _git(folder, "branch", "--show-current")  # where a workflow has only a commit


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says of `folder`; None where there is no git, no repository or nothing said."""
    return (git(folder, *arguments) or b"").decode("utf-8", "replace").strip() or None
