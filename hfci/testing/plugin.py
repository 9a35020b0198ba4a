"""The pytest plugin: options, the marker `hfci`, the fixture `tiny`.

It is loaded into every pytest run of its environment, so it imports neither torch nor transformers and does
nothing to tests that do not carry the marker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hfci.testing.executor import Executor
from hfci.testing.recorder import Recorder

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["pytest_addoption", "pytest_configure", "tiny"]

MARKER = (
    "hfci(model_type, architecture, family, tier, requires=(), task=None, backend=None, dtype=None): "
    "a case of hfci, with a record of its own"
)

# Option, default, type, what it is for.
OPTIONS = (
    ("--hfci-device", "cpu", str, "the device that cases run on: cpu, cuda, cuda:1, mps, xpu"),
    ("--hfci-seed", 0, int, "the seed set before each case, and that of the tiny models"),
    ("--hfci-timeout", 300.0, float, "seconds that a case may take; 0 is without limit"),
    ("--hfci-results", None, str, "the folder in which records-RUN.jsonl is written"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("hfci", "hfci: a case for every Hugging Face architecture")
    for name, default, kind, purpose in OPTIONS:
        group.addoption(name, default=default, type=kind, help=f"{purpose} (default: {default})")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, the side that runs cases and, except in a worker, the side that records them."""
    config.addinivalue_line("markers", MARKER)
    config.pluginmanager.register(Executor(config), "hfci-executor")
    if not hasattr(config, "workerinput") and not config.pluginmanager.hasplugin(Recorder.NAME):
        config.pluginmanager.register(Recorder(), Recorder.NAME)


@pytest.fixture(scope="module")
def tiny(request: pytest.FixtureRequest) -> TinyModel:
    """Build the tiny model of the file's marker; pytest remembers a failure for the file's other tests."""
    mark = request.node.get_closest_marker("hfci")
    if mark is None:
        raise pytest.UsageError(f"{request.node.nodeid} uses `tiny` without pytestmark = pytest.mark.hfci(...)")
    from hfci.tiny import build_tiny

    device, seed = request.config.getoption("hfci_device"), request.config.getoption("hfci_seed")
    return build_tiny(mark.kwargs["model_type"], mark.kwargs["architecture"], device=device, seed=seed)
