"""What cases need, as measured: seconds and memory by case and kind of runner, in a file that a repository can keep.

A merge only adds: a case that a run lacks, because a shard was lost or it was not asked for, keeps what is known.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hfci.cases.outcome import Outcome
from hfci.cases.records import Count, Header, Record, Seconds
from hfci.parsing import Upgrades, Writer, read_json, this_hfci
from hfci.writing import replacing

__all__ = ["SCHEMA", "SCHEMA_FILE", "Need", "Requirements", "load_requirements", "merge_into", "runner_of"]

SCHEMA = 3
SCHEMA_FILE = Path(__file__).parent / "data" / "requirements.schema.json"

# From each older schema to the next: it has only gained fields that may be left out.
UPGRADES: Upgrades = {
    1: lambda known: {**known, "schema": 2},
    2: lambda known: {**known, "schema": 3, "hfci": None},
}

# Of each case the latest are kept: one run is noise, and what was true long ago is not any more.
KEPT = 5

# Of so many jobs it is kept how long they took to begin: a run has several, and each may fall on a slow machine.
KEPT_JOBS = 25

# Of so many parts of runs it is known that they were merged: nobody merges an older one again.
KNOWN_PARTS = 2000

# A failure may be a time limit, or the end of a case before its work began.
TELLING = (Outcome.PASSED, Outcome.KNOWN_FAILURE)


class Need(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One measurement: seconds from setup to teardown, and the peak memory in bytes where it is known."""

    seconds: Seconds
    memory: Count | None = None


Begun = Annotated[list[Seconds], msgspec.Meta(max_length=KEPT_JOBS)]


class RunnerNeeds(msgspec.Struct, forbid_unknown_fields=True):
    """What was measured on one kind of runner: by case the latest needs, and from which runs.

    - `runs`: RUN:SHARD:ATTEMPT of what was merged, a second time it changes nothing
    - `cases`: by case ID the latest measurements, the newest last
    - `set_up`: seconds that the latest jobs took until hfci began; `start_up`: from there until their first case
    """

    runs: list[str]
    cases: dict[str, Annotated[list[Need], msgspec.Meta(min_length=1, max_length=KEPT)]]
    set_up: Begun = []
    start_up: Begun = []


class Requirements(msgspec.Struct, forbid_unknown_fields=True):
    """The needs of cases by kind of runner."""

    schema: Literal[3] = 3
    hfci: Writer = msgspec.field(default_factory=this_hfci)
    runners: dict[str, RunnerNeeds] = {}

    def need(self, case: str, runner: str) -> Need | None:
        """Return the median of the seconds and the largest memory of a case; None where nothing was measured."""
        known = self.runners.get(runner)
        needs = known.cases.get(case) if known else None
        return _typical(needs) if needs else None

    def needs(self, runner: str) -> dict[str, Need]:
        """Return what `need` does, of all cases that were measured on `runner`."""
        known = self.runners.get(runner)
        return {case: _typical(needs) for case, needs in known.cases.items() if needs} if known else {}

    def merge(self, head: Header, records: Iterable[Record]) -> int:
        """Take in the records of one file; return how many cases it told something of, 0 if it was merged before."""
        known = self.runners.setdefault(runner_of(head), RunnerNeeds([], {}))
        part = f"{head.run}:{head.shard or 0}:{head.attempt}"
        if part in known.runs:
            return 0
        count = 0
        for record in records:
            if record.outcome in TELLING:
                needs = known.cases.setdefault(record.case, [])
                needs.append(Need(record.duration_s, record.peak_memory_bytes))
                del needs[:-KEPT]
                count += 1
        for begun, seconds in ((known.set_up, head.set_up_s), (known.start_up, head.start_up_s)):
            if seconds is not None:
                begun.append(seconds)
                del begun[:-KEPT_JOBS]
        known.runs.append(part)
        del known.runs[:-KNOWN_PARTS]
        return count

    def write(self, path: Path) -> None:
        """Write the file, a line a case in the order of their names, so that git can merge two of them."""
        runners = (
            f'{json.dumps(name)}: {{\n "runs": {json.dumps(runner.runs)},\n "set_up": {json.dumps(runner.set_up)},\n'
            f' "start_up": {json.dumps(runner.start_up)},\n "cases": {{\n{_lines(runner)}\n }}\n}}'
            for name, runner in sorted(self.runners.items())
        )
        about = json.dumps({"schema": SCHEMA, "hfci": this_hfci()}).removesuffix("}")
        with replacing(path) as file:
            file.write(f'{about}, "runners": {{{", ".join(runners)}}}}}\n'.encode())


def load_requirements(path: Path) -> Requirements:
    """Read the file, or begin one where there is none; UsageError says what is wrong with it."""
    if not path.exists():
        return Requirements()
    return read_json(path, Requirements, "file of requirements", schema=SCHEMA, upgrades=UPGRADES)


def merge_into(path: Path, parts: Iterable[tuple[Header, Iterable[Record]]]) -> None:
    """Take what files of records measured into the file, begun where there is none; UsageError for another file."""
    known = load_requirements(path)
    for head, records in parts:
        known.merge(head, records)
    known.write(path)


def runner_of(head: Header) -> str:
    """Return the kind of runner of a file of records: as the plan named it, or the device where there was no plan."""
    return head.runner or head.device


def _typical(needs: Sequence[Need]) -> Need:
    """Return the median of the seconds and the largest memory."""
    if len(needs) == 1:
        return needs[0]
    memory = [need.memory for need in needs if need.memory is not None]
    return Need(statistics.median([need.seconds for need in needs]), max(memory, default=None))


def _lines(runner: RunnerNeeds) -> str:
    return ",\n".join(f"  {json.dumps(case)}: {_plain(needs)}" for case, needs in sorted(runner.cases.items()))


def _plain(needs: Iterable[Need]) -> str:
    return msgspec.json.encode([Need(round(need.seconds, 3), need.memory) for need in needs]).decode()
