"""Records files, made by the writer that a run uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hfci.testing.cases import Case
from hfci.testing.records import Record, RecordWriter, header


def record(model_type: str, check: str | None, outcome: str, **fields: Any) -> Record:
    architecture = f"{model_type}Model" if check else None
    case = Case(model_type, architecture, "text", check, "smoke", "cpu", task=fields.pop("task", None))
    if outcome == "failed":
        error = {"type": "AssertionError", "message": fields.pop("message", "no"), "traceback": ""}
        fields = {"stage": "check", "error": error, **fields}
    return Record.of(case, outcome, **fields)


def save(folder: Path, run: str, *records: Record, planned: int | None = None, started: str = "2026") -> Path:
    writer = RecordWriter(folder / f"records-{run}.jsonl")
    head = header(run, "cpu", len(records) if planned is None else planned, folder)
    writer.write({**head, "started": started})
    for line in records:
        writer.write(line)
    writer.close()
    return writer.path
