"""Records to write in every format, and what they say, read from their file by other means than hfci's."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from hfci.cases.outcome import Outcome
from hfci.cases.records import Error, Header, Record
from hfci.results import Results, read_results, summarize
from hfci.results.comparison import baseline_of, compare_results
from hfci.results.summary import Summary
from hfci.testing.record_writer import RecordWriter

OUTCOMES = [
    "passed",
    "failed",
    "known-failure",
    "unavailable",
    "not-applicable",
    "reused",
    "not-run",
    "assumed",
    "quarantined",
]

HOSTILE = (
    "<img src=x onerror=alert(1)> ]]> &amp; \x1b[31mred\x1b[0m \x00\x08\x7f \u202e\u2066 \ufffe\uffff 💥 ```|@me\r\n"
)


def sample(model_type: str = "bert", check: str | None = "is_fine", outcome: str = "passed", **fields: Any) -> Record:
    architecture = fields.pop("architecture", f"{model_type.title()}Model")
    case = f"{model_type}/{architecture or '-'}/{check or '-'}[device=cpu]"
    known = {"family": "text", "task": None, "tier": "smoke", "device": "cpu", "duration_s": 0.25, **fields}
    if outcome in ("failed", "known-failure"):
        known = {"stage": "check", "error": Error("ValueError", "no", "Traceback\n  x"), **known}
    return Record(
        **{"case": case, "model_type": model_type, "architecture": architecture, "check": check, **known},
        outcome=Outcome(outcome),
    )


def of_every_outcome() -> list[Record]:
    """Return one record of each outcome, of two families and tiers."""
    return [
        sample(f"m{n}", outcome=outcome, family="ab"[n % 2], tier="smoke" if n % 3 else "deep")
        for n, outcome in enumerate(OUTCOMES)
    ]


def results_of(folder: Path, *records: Record, name: str = "1", **fields: Any) -> Results:
    """Write a file of records, whatever they contain, and read all that are in the folder."""
    known = {"started": "2026-01-01T00:00:00+00:00", "commit": None, "versions": {}, "device": "cpu", "tier": "smoke"}
    writer = RecordWriter(folder / f"records-{name}.jsonl")
    writer.write(Header(**{"run": "x", **known, "planned": len(records), **fields}))
    for record in records:
        writer.write(record)
    writer.close()
    return read_results([folder])


def against(results: Results, folder: Path, *before: Record) -> Summary:
    """Return the summary of `results` against a baseline of these records, which are written to `folder`."""
    baseline = baseline_of(results_of(folder, *before, run="before"))
    return summarize(results, compare_results(results, baseline))


def lines(folder: Path) -> list[dict[str, Any]]:
    """Return the records in all files, as JSON has them."""
    return [
        json.loads(line)
        for file in sorted(folder.glob("records-*.jsonl"))
        for line in file.read_text(encoding="utf-8").split("\n")[1:]
        if line
    ]


def one_line(text: str) -> str:
    """Return what one is to see of a text without escape sequences, where it stands in one line."""
    seen = (" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return " ".join("".join(seen).split())


def records(text: st.SearchStrategy[str]) -> st.SearchStrategy[list[Record]]:
    """Return lists of records with `text` in every field that takes any, no two of one case."""
    optional = st.none() | text
    make: Callable[..., Record] = Record
    one = st.builds(
        make,
        case=text,
        model_type=text,
        architecture=optional,
        family=optional,
        check=optional,
        task=optional,
        tier=text,
        outcome=st.sampled_from(Outcome),
        stage=optional,
        reason=optional,
        error=st.none() | st.builds(Error, text, text, text),
        duration_s=st.floats(0, 1e6),
        peak_memory_bytes=st.none() | st.integers(0, 2**50),
        device=optional,
        dtype=optional,
        backend=optional,
        worker=optional,
        attempt=st.integers(1, 3),
        fingerprint=optional,
        reproduce=optional,
    )
    return st.lists(one, max_size=6, unique_by=lambda record: record.case)


def header_fields(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return fields of a header, with `text` in every one that takes any."""
    optional = st.none() | text
    known = {"run": text, "started": text, "commit": optional, "branch": optional, "runner": optional, "tier": optional}
    return st.fixed_dictionaries({**known, "device": text, "versions": st.dictionaries(text, optional, max_size=3)})
