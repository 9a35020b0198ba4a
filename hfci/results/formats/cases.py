"""What a report says of a case and of a run, for the formats that list every case. All text is made harmless."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hfci.cases.outcome import Outcome
from hfci.cases.records import Header, Record
from hfci.results.identities import CAUSED, identity_of
from hfci.results.reading import Results
from hfci.results.summary import VANISHED, Summary
from hfci.results.text import ANSI, HIDDEN, clean, first_line

__all__ = ["cause_of", "details", "facts", "listed", "message", "plain", "title", "vanished"]

# Where a record gives no reason, what its outcome means.
MEANINGS: Mapping[Outcome, str] = {
    Outcome.PASSED: "the check holds",
    Outcome.FAILED: "the check does not hold",
    Outcome.KNOWN_FAILURE: "the ledger has this failure",
    Outcome.UNAVAILABLE: "the machine lacked something",
    Outcome.NOT_APPLICABLE: "the check does not apply",
    Outcome.REUSED: "not executed: it passed earlier on the same fingerprint",
    Outcome.NOT_RUN: "planned, and did not run",
    Outcome.QUARANTINED: "it failed, and is flaky",
    Outcome.ASSUMED: "not executed: nothing it depends on has changed since a revision that nobody recorded",
}

# What a header says of its run, by the name that reports give it.
FACTS: Mapping[str, Callable[[Header], object]] = {
    "run": lambda head: head.run,
    "started": lambda head: head.started,
    "commit": lambda head: head.commit,
    "branch": lambda head: head.branch,
    "tier": lambda head: head.tier,
    "device": lambda head: head.device,
    "runner": lambda head: head.runner,
    "seed": lambda head: head.seed,
    "machine": lambda head: head.machine or None,
}


def listed(results: Results, summary: Summary) -> Iterator[Record]:
    """Yield every record, then one for each case that has none and is red: those that are missing or vanished."""
    yield from results
    for number in range(1, results.missing + 1):
        yield _not_run(f"-/-/-[missing={number}]", "-", reason="a records file announces this case and lacks it")
    yield from vanished(summary)


def vanished(summary: Summary) -> Iterator[Record]:
    """Yield a record, `not-run`, of each case that the baseline has and this run should have."""
    for gone in summary.regressions:
        if gone.outcome == VANISHED:
            about = {"architecture": gone.architecture, "check": gone.check, "reproduce": gone.reproduce}
            yield _not_run(gone.case, gone.model_type, reason=f"vanished: {gone.error}", **about)


def _not_run(case: str, model_type: str, **about: Any) -> Record:
    """Return the record of a case of which little is known."""
    known: dict[str, Any] = {"architecture": None, "family": None, "check": None, "task": None, **about}
    return Record(case=case, model_type=model_type, tier="-", outcome=Outcome.NOT_RUN, **known)


def title(record: Record) -> str:
    """Return the case's ID without its model type and architecture: `forward_is_finite[device=cpu]`."""
    return clean(record.case.removeprefix(f"{record.model_type}/{record.architecture or '-'}/")) or "-"


def message(record: Record) -> str:
    """Return one line: the outcome, at which stage, and why."""
    error = first_line(f"{record.error.type}: {record.error.message}") if record.error else ""
    why = "; ".join(filter(None, (error, first_line(record.reason or "")))) or MEANINGS[record.outcome]
    stage = f" at {clean(record.stage)}" if record.stage else ""
    return f"{record.outcome}{stage}: {why}"


def cause_of(record: Record) -> str | None:
    """Return the fingerprint of the cause of what is red, quarantined or a known failure; None where there is none."""
    identity = identity_of(record) if record.outcome in CAUSED else None
    return None if identity is None else identity.fingerprint


def details(record: Record) -> str:
    """Return several lines: the message, then all that is known of the error, and how to reproduce it."""
    parts = [message(record)]
    if record.error:
        if record.error.message not in record.error.traceback:
            parts.append(plain(f"{record.error.type}: {record.error.message}"))
        parts.append(plain(record.error.traceback))
    if record.reproduce:
        parts.append(f"reproduce: {clean(record.reproduce)}")
    return "\n\n".join(filter(None, (part.strip("\n") for part in parts)))


def facts(headers: Iterable[Header]) -> dict[str, str]:
    """Return what `headers` say of their runs, by name; several different values stand in one text."""
    by_name: dict[str, dict[str, None]] = {}
    for head in headers:
        of_run = {name: value(head) for name, value in FACTS.items()}
        of_run |= {f"{package} version": version for package, version in head.versions.items()}
        for name, value in of_run.items():
            if value is not None:
                by_name.setdefault(clean(name), {})[clean(str(value))] = None
    return {name: ", ".join(values) for name, values in by_name.items()}


def plain(text: str) -> str:
    """Return `text` without escape sequences, control or direction-changing characters; its lines stay."""
    lines = ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line if line.isprintable() else _shown(line) for line in lines)


def _shown(line: str) -> str:
    seen = (c for c in line if c.isspace() or unicodedata.category(c) not in HIDDEN)
    return "".join(" " if c.isspace() and c != "\t" else c for c in seen)
