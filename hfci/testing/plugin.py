"""The pytest plugin: options, the marker `hfci`, the fixtures `tiny` and `hfci_tiny`.

It is loaded into every pytest run of its environment, so it imports neither torch nor transformers and does
nothing to tests that do not carry the marker.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hfci.cases.case import LAYOUTS
from hfci.testing.api import hfci_tiny
from hfci.testing.executed_lines import LineMeter
from hfci.testing.executor import Executor
from hfci.testing.limits import parse_seconds, parse_seed
from hfci.testing.markers import MARKERS
from hfci.testing.recorder import Recorder
from hfci.testing.speed_meter import SpeedMeter
from hfci.testing.subject import tiny, tiny_models

__all__ = ["hfci_tiny", "pytest_addoption", "pytest_configure", "tiny", "tiny_models"]

# Option, default, type, what it is for.
OPTIONS = (
    ("--hfci-device", "cpu", str, "the device that cases run on: cpu, cuda, cuda:1, mps, xpu, tpu"),
    ("--hfci-backend", "", str, "the backend that the checks are asked with that take any"),
    ("--hfci-seed", 0, parse_seed, "the seed set before each case, and that of the tiny models"),
    ("--hfci-threads", 1, int, "the threads that torch computes with, in each process"),
    ("--hfci-layout", LAYOUTS[0], str, "where weights and inputs begin in memory: natural or misaligned"),
    ("--hfci-timeout", 300.0, parse_seconds, "seconds that a case may take; 0 is without limit"),
    ("--hfci-results", None, str, "the folder in which records-RUN.jsonl is written"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("hfci", "hfci: a case for every Hugging Face architecture")
    for name, default, kind, purpose in OPTIONS:
        choices = LAYOUTS if name == "--hfci-layout" else None
        group.addoption(name, default=default, type=kind, choices=choices, help=f"{purpose} (default: {default})")
    measured = "measure which lines of their modelling files the cases execute, into executed-lines-RUN.jsonl beside"
    group.addoption("--hfci-executed-lines", action="store_true", help=f"{measured} the records")
    group.addoption("--hfci-measure", action="store_true", help="measure the speed of each architecture that forwards")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, the side that runs cases and, except in a worker, the side that records them."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    executor = Executor(config)
    config.pluginmanager.register(executor, Executor.NAME)
    if config.getoption("hfci_measure"):
        config.pluginmanager.register(SpeedMeter(executor.timeout, executor.arm_for), SpeedMeter.NAME)
    # Of any name: pytest gives none to the one that a run of hfci's brings with it.
    has_recorder = any(isinstance(plugin, Recorder) for plugin in config.pluginmanager.get_plugins())
    if not hasattr(config, "workerinput") and not has_recorder:
        config.pluginmanager.register(Recorder(), Recorder.NAME)
    if destination := getattr(config, "workerinput", {}).get("hfci_executed_lines"):
        path, run = destination
        config.pluginmanager.register(LineMeter(Path(path), run), LineMeter.NAME)
