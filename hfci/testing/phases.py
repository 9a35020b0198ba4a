"""The phases of a case, set-up, call and teardown: the one report by which a worker tells of them, and their record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import pytest
from _pytest.runner import runtestprotocol  # what pytest-rerunfailures, too, runs a test by

from hfci.cases.case import Case
from hfci.cases.measured import Measured
from hfci.cases.outcome import Outcome
from hfci.cases.records import Error, Record
from hfci.testing.subject import CASE

__all__ = ["OneReport", "Phase", "fields_of", "record_of"]

# The attribute of a report that has every phase of its case.
EVERY = "hfci_phases"

# What any phase may have seen, whichever decides.
OBSERVED = ("device", "dtype", "peak_memory_bytes", "measured")

# What travels between processes as plain data.
STRUCTURES: Mapping[str, Any] = {"error": Error, "measured": Measured}


class Phase(NamedTuple):
    """What a phase took, in seconds, and its verdict."""

    when: str
    duration: float
    verdict: dict[str, Any]

    @classmethod
    def of(cls, report: Any) -> list[Phase]:
        """Return the phases that a report tells of: its own, or those of the whole case."""
        if (every := getattr(report, EVERY, None)) is not None:
            return [cls(*phase) for phase in every]
        return [cls(report.when, report.duration, report.hfci)]


class OneReport:
    """A plugin of workers: tells the controller of a case once, when it is over.

    A test sends six messages otherwise. To write, read and hand round the four that are saved here takes longer than
    many a check.
    """

    NAME = "hfci-one-report"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a case; its report is that of the phase that decides, or of the call, and has them all."""
        if CASE not in item.stash:
            return None
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        worse = [report for report in reports if not report.passed]
        report = worse[0] if worse else next(report for report in reports if report.when == "call")
        for other in worse[1:]:
            report.sections.append((other.when, other.longreprtext))
        setattr(report, EVERY, [tuple(Phase.of(each)[0]) for each in reports])
        report.keywords = {}  # some twenty names, of which the controller reads none
        item.ihook.pytest_runtest_logreport(report=report)
        return True


def record_of(case: Case, phases: list[Phase], worker: str) -> Record:
    """Return the record of a case from its phases: the first that did not pass decides."""
    verdicts = [phase.verdict for phase in phases]
    decisive = next((v for v in verdicts if v["outcome"] != Outcome.PASSED), verdicts[-1])
    observed = {name: value for verdict in verdicts for name, value in verdict.items() if name in OBSERVED}
    spent = {phase.when: round(phase.duration, 4) for phase in phases}
    timed: dict[str, Any] = {
        "duration_s": round(sum(spent.values()), 4),
        "setup_s": spent.get("setup"),
        "call_s": spent.get("call"),
    }
    return Record.of(case, **fields_of({**decisive, **observed}), **timed, worker=worker)


def fields_of(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a verdict says, as fields of a record; its error has in words what it names."""
    return {
        name: msgspec.convert(value, STRUCTURES[name]) if name in STRUCTURES else value
        for name, value in verdict.items()
        if name != "names"
    }
