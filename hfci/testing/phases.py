"""The phases of a case, set-up, call and teardown, and the one report by which a worker tells of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from _pytest.runner import runtestprotocol  # what pytest-rerunfailures, too, runs a test by

from hfci.testing.subject import CASE

__all__ = ["OneReport", "Phase"]

# The attribute of a report that has every phase of its case.
EVERY = "hfci_phases"


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
        item.ihook.pytest_runtest_logreport(report=report)
        return True
