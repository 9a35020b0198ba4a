"""From the records of one run to what a history keeps of it."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from hfci.cases.measured import Measured
from hfci.cases.outcome import EXECUTED, RED, Outcome
from hfci.cases.records import Header, Record
from hfci.parsing import UNREADABLE
from hfci.results.comparison import digest
from hfci.results.history.columns import (
    BIT,
    CODE,
    LAYOUT,
    MOST,
    OUTCOMES,
    QUANTITIES,
    SPEEDS,
    Columns,
    locate,
    measured,
    quantised,
)
from hfci.results.history.identifiers import Vocabulary
from hfci.results.history.runs import Point
from hfci.results.identities import CAUSED, identity_of
from hfci.results.ladder import Ladder
from hfci.results.reading import Results, read_results
from hfci.results.text import first_line

__all__ = ["Detail", "Part", "Run", "gather", "make_point", "merged_speeds", "parts_of", "scope_of", "whole_identity"]

# A night on which everything breaks must not outweigh a year: beyond that many, only outcome and stage are kept.
MOST_DETAILS = 5_000


@dataclass(frozen=True)
class Part:
    """One records file: its header, a digest of its bytes, and how many records it has."""

    header: Header
    digest: bytes
    recorded: int

    @property
    def key(self) -> tuple[int, int]:
        """Attempt and shard: what no other part of the run has, and by which a later one wins."""
        return self.header.attempt, -1 if self.header.shard is None else self.header.shard


class Detail(NamedTuple):
    """What a case that is red, or ended differently in two attempts, said."""

    case: int
    stage: str | None
    error: str | None
    message: str | None
    reason: str | None
    reproduce: str | None
    fingerprint: str | None


@dataclass(frozen=True)
class Run:
    """What was gathered of one run."""

    columns: Columns
    details: tuple[Detail, ...]
    speeds: Columns


def parts_of(results: Results) -> Iterator[Part]:
    """Yield the parts of `results`; reads each file once, in pieces."""
    for header, path in zip(results.headers, results.files, strict=True):
        yield _part(header, path)


def gather(results: Results, numbers: Mapping[tuple[int, int], int], vocabulary: Vocabulary) -> Run:
    """Go through the records of one run; `numbers` are those of its parts by their keys.

    Raises UsageError for a line that is no record, as reading does.
    """
    lists: dict[str, array[Any]] = {name: array("d" if name in QUANTITIES else "q") for name in LAYOUT}
    adders = [lists[name].append for name in LAYOUT]
    details: list[Detail] = []
    speeds: list[tuple[int, ...]] = []
    several = _seen(results)
    identities: dict[str, int] = {}
    for part, whole_identity, record in _records(results, numbers):
        case = vocabulary.case(record)
        outcomes = several.get(record.case)
        seen = outcomes or (BIT[record.outcome] if part else 0)
        text = record.fingerprint or whole_identity
        identity = identities.get(text)
        if identity is None:
            identity = identities[text] = digest(text)
        row = (
            case,
            CODE[record.outcome],
            seen,
            vocabulary.word(record.stage),
            vocabulary.word(record.tier),
            vocabulary.word(record.device),
            part,
            _cause(record, vocabulary),
            identity,
            record.duration_s,
            max(0, min(record.peak_memory_bytes or 0, 2**62)),
        )
        for add, value in zip(adders, row, strict=True):
            add(value)
        if record.measured is not None:
            speeds += _speeds(case, part, record.measured, vocabulary)
        if part and (record.outcome in RED or outcomes):
            details.append(_detail(case, record, text))
    arrays = {name: np.array(values) for name, values in lists.items()}
    arrays.update({name: quantised(arrays[name], name) for name in QUANTITIES})
    order = np.argsort(arrays["case"], kind="stable")
    columns = {name: arrays[name][order].astype(kind) for name, kind in LAYOUT.items()}
    details.sort(key=lambda detail: detail.error is None)
    return Run(columns, tuple(details[:MOST_DETAILS]), _speed_columns(speeds))


def _speeds(case: int, part: int, found: Measured, vocabulary: Vocabulary) -> Iterator[tuple[int, ...]]:
    """Yield what was measured of a case, each number a row of `SPEEDS`."""
    for speed in found.speeds:
        steps = quantised(np.array([speed.relative, speed.sustained]), "relative").tolist()
        yield case, vocabulary.word(speed.name), part, *steps
    for name, count in (found.graphs.counts if found.graphs is not None else {}).items():
        yield case, vocabulary.word(name), part, min(count, MOST), min(count, MOST)


def _speed_columns(rows: Sequence[tuple[int, ...]]) -> Columns:
    numbers = np.array(sorted(rows), np.int64).reshape(len(rows), len(SPEEDS))
    return {name: column.astype(kind) for (name, kind), column in zip(SPEEDS.items(), numbers.T, strict=True)}


def merged_speeds(earlier: Columns, later: Columns, columns: Columns) -> Columns:
    """Return the speeds of a run of which both are parts, of each case those of the part that it is taken from.

    `columns` are the run's own, merged.
    """
    both = {name: np.concatenate([earlier[name], later[name]]) for name in SPEEDS}
    places, _ = locate(columns["case"], both["speed_case"])
    kept = np.flatnonzero(columns["part"][places] == both["speed_part"])
    rows = np.unique(np.array([both[name][kept] for name in SPEEDS], np.int64), axis=1)
    return {name: column.astype(kind) for (name, kind), column in zip(SPEEDS.items(), rows, strict=True)}


def make_point(run: str, parts: Sequence[Part], columns: Columns, vocabulary: Vocabulary) -> Point:
    """Return what charts show of a run: the counts that its summary has."""
    missing = _missing(parts) - int(np.count_nonzero(columns["part"] == 0))
    counts = np.bincount(columns["outcome"], minlength=len(OUTCOMES)).tolist()
    outcomes = {outcome.value: 0 for outcome in Outcome}
    outcomes |= {outcome.value: count for outcome, count in zip(OUTCOMES, counts, strict=True)}
    outcomes[Outcome.NOT_RUN.value] += max(0, missing)
    executed = sum(outcomes[outcome] for outcome in EXECUTED)
    headers = [part.header for part in sorted(parts, key=lambda part: (part.header.started, part.key))]
    return Point(
        run=run,
        started=headers[0].started,
        commit=next((header.commit for header in headers if header.commit), None),
        branch=next((header.branch for header in headers if header.branch), None),
        planned=sum(outcomes.values()),
        executed=executed,
        green=executed > 0 and not any(outcomes[outcome] for outcome in RED),
        outcomes=outcomes,
        ladder=_ladder(columns, vocabulary),
        duration_s=float(measured(columns["duration_s"], "duration_s").sum()),
    )


def scope_of(headers: Sequence[Header]) -> str:
    """Return what a run was asked for, as JSON: tiers with devices, names, checks; runs that share it are alike."""
    tiers = {(head.tier or "", head.device) for head in headers}
    names = {head.names for head in headers}
    checks = {head.checks for head in headers}
    return json.dumps([sorted(tiers), *(sorted(map(_listed, values)) for values in (names, checks))])


def _listed(names: tuple[str, ...] | None) -> list[str]:
    return ["?"] if names is None else sorted(names)


def _part(header: Header, path: Path) -> Part:
    digest = hashlib.sha256()
    lines, tail = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            lines += chunk.count(b"\n")
            tail = (tail + chunk).rpartition(b"\n")[2]
    # A last line without its end may still be whole.
    return Part(header, digest.digest(), lines - 1 + _is_record(tail))


def _is_record(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=Record)
    except UNREADABLE:
        return False
    return True


def _records(results: Results, numbers: Mapping[tuple[int, int], int]) -> Iterator[tuple[int, str, Record]]:
    """Yield each latest record with the number of its part and the identity of what has no fingerprint."""
    for header, records in results.parts():
        number = numbers[Part(header, b"", 0).key]
        identity = whole_identity(header)
        for record in records:
            yield number, identity, record
    for record in results.absent:
        yield 0, "", record


def whole_identity(header: Header) -> str:
    """Name what a run tested as well as it is known: its commit and versions, or that it was this run."""
    if header.commit is None:
        return f"run {header.run}"
    text = json.dumps([header.commit, header.versions], sort_keys=True)
    return f"commit {header.commit[:12]}, versions {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _seen(results: Results) -> dict[str, int]:
    """Return the outcomes, as bits, of each case that ended differently in two attempts."""
    seen: Counter[str] = Counter()
    for path in results.files if results.unsteady else ():
        for record in read_results([path]):
            if record.case in results.unsteady:
                seen[record.case] |= BIT[record.outcome]
    return seen


def _cause(record: Record, vocabulary: Vocabulary) -> int:
    """Return the number of the word that says the cause of what is red or a known failure."""
    identity = identity_of(record) if record.outcome in CAUSED else None
    return 0 if identity is None else vocabulary.word(identity.text)


def _detail(case: int, record: Record, identity: str) -> Detail:
    error, message = (record.error.type, first_line(record.error.message)) if record.error else (None, None)
    return Detail(case, record.stage, error, message, record.reason, record.reproduce, identity)


def _missing(parts: Iterable[Part]) -> int:
    """Count the records that the last attempt at each shard announces and lacks."""
    last = {part.key[1]: part for part in sorted(parts, key=lambda part: part.key)}
    return sum(max(0, part.header.planned - part.recorded) for part in last.values())


def _ladder(columns: Columns, vocabulary: Vocabulary) -> dict[str, int]:
    """Count the model types on each rung; records that show the same are taken in once."""
    if not len(columns["case"]):
        return Ladder[str]().counts()
    subjects, words = vocabulary.subjects(), vocabulary.words()
    about = np.array(vocabulary.subject_of(columns["case"].tolist()))
    facts = (about, columns["outcome"], columns["stage"], columns["device"])
    sizes = (len(subjects), len(OUTCOMES), len(words), len(words))
    distinct = np.unravel_index(np.unique(np.ravel_multi_index(facts, sizes)), sizes)
    ladder: Ladder[str] = Ladder()
    for number, outcome, stage, device in zip(*(fact.tolist() for fact in distinct), strict=True):
        subject = subjects[number]
        assert subject is not None
        record = Record(
            case="",
            model_type=subject.model_type,
            architecture=None,
            family=None,
            check=subject.check,
            task=subject.task,
            tier="",
            outcome=OUTCOMES[outcome],
            stage=words[stage],
            device=words[device],
        )
        ladder.add(subject.model_type, record)
    return ladder.counts()
