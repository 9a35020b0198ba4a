"""What holds for all tests."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

from hfci.testing.process_setup import available_cores
from tests.warm import interpreter

# Before torch is imported, here and in what tests start: tiny models gain nothing by a second thread, and workers whose
# threads wait for each other take three times as long. What compares threads sets their number itself.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test asserts seconds: a shared machine is slow at times, and the first text that is drawn waits for its tables.
settings.register_profile("hfci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hfci")


def pytest_configure(config: pytest.Config) -> None:
    """Have what tests start be forks of a process that has imported torch and transformers: tests/warm.py.

    That is what takes longest in most that start any, some hundreds. Where a test is about an interpreter that begins,
    or about one that dies, it starts the COLD one.
    """
    if not config.getoption("numprocesses", None):  # the controller of workers runs no test, and these are cold
        sys.executable = interpreter()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a fifth of the time a worker waits for what it has started, or for a timeout."""
    return available_cores() + 1
