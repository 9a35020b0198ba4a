"""Records files, made by the writer that a run uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hfci.cases.case import Case
from hfci.cases.records import Error, Header, Record, records_file
from hfci.testing.record_writer import RecordWriter


def record(model_type: str, check: str | None, outcome: str, **fields: Any) -> Record:
    architecture = f"{model_type}Model" if check else None
    case = Case(model_type, architecture, "text", check, "smoke", "cpu", task=fields.pop("task", None))
    if outcome == "failed":
        error = Error("AssertionError", fields.pop("message", "no"), "")
        fields = {"stage": "check", "error": error, **fields}
    return Record.of(case, outcome, **fields)


def save(folder: Path, run: str, *records: Record, **fields: Any) -> Path:
    """Write a records file; `fields` are of its header: planned, started, shard, attempt, commit, branch, names …"""
    fields = {name: value for name, value in fields.items() if value is not None}
    known = {"started": "2026-01-01T00:00:00+00:00", "commit": None, "versions": {}, "device": "cpu", "tier": "smoke"}
    head = Header(run=run, **{**known, "planned": len(records), **fields})
    writer = RecordWriter(folder / records_file(head))
    for line in (head, *records):
        writer.write(line)
    writer.close()
    return writer.path
