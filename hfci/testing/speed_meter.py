"""How fast the models of a run are, measured in each process that runs cases, when a forward has proved good."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import msgspec
import pytest

from hfci.cases.outcome import Outcome
from hfci.testing.subject import CASE

__all__ = ["AFTER", "SpeedMeter"]

# The check whose cases bear what is measured: every architecture that can be built is asked it once.
AFTER = "forward_is_finite"

_MEASURED = pytest.StashKey[tuple[float, dict[str, Any]]]()  # the seconds that it took, and what it gave
_PASSED = pytest.StashKey[bool]()


# It measures by two clocks: one for what is timed, one for what is counted.
_CLOCKS = 2


class SpeedMeter:
    """Measures after the call of a case, so that its seconds and its memory are what they are without.

    By clocks of its own, each of as many seconds as a case may take, while that of the case stands still: what is not
    measured then is told, and no failure of the case. `arm` arms the backstop for so many seconds.
    """

    NAME = "hfci-speed-meter"

    def __init__(self, limit_s: float, arm: Callable[[float], None]) -> None:
        self.limit_s, self.arm = limit_s, arm

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Measure the tiny model of a case that passed."""
        tiny = getattr(item, "funcargs", {}).get("tiny")
        if item.stash.get(_PASSED, False) and tiny is not None:
            from hfci.speed import measure

            began = time.perf_counter()
            self.arm(_CLOCKS * self.limit_s)
            found = msgspec.to_builtins(measure(tiny, self.limit_s))
            self.arm(self.limit_s)
            item.stash[_MEASURED] = time.perf_counter() - began, found
        return (yield)

    # Registered after the executor, which gives the report its verdict, it is outside of it.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note that a case passed; then add what was measured to its report, and take out what that took."""
        report = yield
        case = item.stash.get(CASE, None)
        if case is None or case.check != AFTER:
            return report
        if call.when == "call":
            item.stash[_PASSED] = report.hfci["outcome"] == Outcome.PASSED
        elif call.when == "teardown" and _MEASURED in item.stash:
            took, report.hfci["measured"] = item.stash[_MEASURED]
            report.duration = max(0.0, report.duration - took)
        return report
