"""Common Test Report Format: JSON of every case, for viewers and actions of many CI servers. https://ctrf.io"""

from __future__ import annotations

import functools
import json
import operator
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hfci import __version__
from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.results.formats.cases import cause_of, details, facts, listed, message
from hfci.results.reading import Results
from hfci.results.summary import Summary
from hfci.results.text import clean
from hfci.writing import replacing

__all__ = ["FILE", "NAME", "write"]

NAME = "ctrf"
FILE = "ctrf.json"
SPECIFICATION = "0.0.0"

# Readers of the format call a run bad if, and only if, something is `failed`.
STATUSES: Mapping[Outcome, str] = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.NOT_RUN: "failed",  # `pending` would let a run pass that lost a shard
    Outcome.KNOWN_FAILURE: "other",  # executed: not skipped; did not pass; and does not make the run bad
    Outcome.QUARANTINED: "other",
    Outcome.UNAVAILABLE: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.REUSED: "skipped",  # it passed earlier, and was not executed now
    Outcome.ASSUMED: "skipped",
}
KINDS = ("passed", "failed", "skipped", "pending", "other")

# What a case is about: labels say which value is what, tags are for viewers that know no labels.
LABELS = ("family", "model_type", "architecture", "check", "task", "tier", "device", "dtype", "backend")
TAGS = ("family", "check", "task", "tier", "device")
SUITE = ("family", "model_type", "architecture")

# What the format has no place for.
EXTRA = ("stage", "fingerprint", "peak_memory_bytes", "setup_s", "call_s")

LABELS_OF, EXTRA_OF = operator.attrgetter(*LABELS), operator.attrgetter(*EXTRA)

# What a report's environment calls the facts of a run; the others are its extra ones.
ENVIRONMENT = {"commit": "commit", "branch": "branchName", "run": "buildId", "transformers version": "appVersion"}


def write(path: Path, results: Results, summary: Summary) -> None:
    """Write a test for every case; none is kept in memory.

    Raises EnvironmentUnfit where the file cannot be written.
    """
    known = facts(results.headers)
    environment = {name: known.pop(fact) for fact, name in ENVIRONMENT.items() if fact in known}
    document = {
        "reportFormat": "CTRF",
        "specVersion": SPECIFICATION,
        "generatedBy": f"hfci {__version__}",
        "results": {
            "tool": {"name": "hfci", "version": __version__},
            "summary": {**_counts(summary), **_course(results, summary), "extra": {"verdict": summary.verdict}},
            "environment": {"appName": "transformers", "healthy": summary.is_green, **environment, "extra": known},
            "tests": [],
        },
    }
    begin, end = _json(document).rsplit(b"]", 1)  # the tests are the last thing in it
    with replacing(path) as file:
        file.write(begin)
        for number, record in enumerate(listed(results, summary)):
            file.write((b",\n" if number else b"\n") + _json(_test(record, results)))
        file.write(b"\n]" + end + b"\n")


def _json(document: dict[str, Any]) -> bytes:
    """Return JSON in ASCII, which every reader decodes alike."""
    encoded = msgspec.json.encode(document)
    return encoded if encoded.isascii() else json.dumps(document).encode()


def _counts(summary: Summary) -> dict[str, int]:
    """Return how many tests there are, and how many of each status."""
    statuses: Counter[str] = Counter()
    for outcome, status in STATUSES.items():
        statuses[status] += summary.outcomes.get(outcome, 0)
    statuses[STATUSES[Outcome.NOT_RUN]] += summary.vanished
    return {"tests": statuses.total(), **{kind: statuses[kind] for kind in KINDS}}


def _course(results: Results, summary: Summary) -> dict[str, int]:
    """Return how many tests were flaky, and when the first job began and the last one ended, in ms since 1970.

    Records do not say when a job ended: it lasts at least as long as its busiest worker was busy.
    """
    flaky = sum(_is_flaky(record, results) for record in results) if results.unsteady else 0
    begun = [(start, job) for job in summary.shards if (start := _milliseconds_at(job.started)) is not None]
    start = min((start for start, _ in begun), default=0)
    stop = max((start + _milliseconds(job.longest_s) for start, job in begun), default=0)
    return {"flaky": flaky, "start": start, "stop": stop, "duration": stop - start}


def _milliseconds_at(text: str) -> int | None:
    """Return ms since 1970; None where the text says no time."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def _is_flaky(record: Record, results: Results) -> bool:
    """Say whether a case passed that had ended in another way in an earlier attempt."""
    return record.outcome == Outcome.PASSED and record.case in results.unsteady


def _test(record: Record, results: Results) -> dict[str, Any]:
    labels = {name: _clean(value) for name, value in zip(LABELS, LABELS_OF(record), strict=True) if value}
    extra = {name: _shown(value) for name, value in zip(EXTRA, EXTRA_OF(record), strict=True) if value is not None}
    test: dict[str, Any] = {
        "testId": record.case or "-",
        "name": clean(record.case) or "-",
        "status": STATUSES[record.outcome],
        "rawStatus": record.outcome.value,
        "duration": _milliseconds(record.duration_s),
        "suite": [labels[name] for name in SUITE if name in labels] or ["-"],
        "tags": list(dict.fromkeys([labels[name] for name in TAGS if name in labels])),
        "labels": labels,
        "extra": extra,
    }
    if (cause := cause_of(record)) is not None:
        extra["cause"] = cause
    if record.outcome != Outcome.PASSED:
        test["message"] = message(record)
        if record.reproduce:
            extra["reproduce"] = clean(record.reproduce)
    if record.error:
        test["trace"] = details(record)
    if record.worker:
        test["threadId"] = _clean(record.worker)
    if record.device:
        test["device"] = labels["device"]
    if record.attempt > 1:
        test["retries"] = record.attempt - 1
    if _is_flaky(record, results):
        test["flaky"] = True
    return test


_clean = functools.lru_cache(clean)  # few texts, said again and again


def _shown(value: float | str) -> float | str:
    return clean(value) if isinstance(value, str) else value


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
