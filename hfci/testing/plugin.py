"""The pytest plugin: options, the marker `hfci`, the fixture `tiny`.

It is loaded into every pytest run of its environment, so it imports neither torch nor transformers and does
nothing to tests that do not carry the marker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hfci.cases.case import LAYOUTS, Case
from hfci.testing.executor import CASE, Executor
from hfci.testing.limits import parse_seconds, parse_seed
from hfci.testing.recorder import Recorder

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["pytest_addoption", "pytest_configure", "tiny", "tiny_models"]

MARKER = (
    "hfci(model_type, architecture, family, tier, requires=(), task=None, backend=None, dtype=None, parent=None): "
    "a case of hfci, with a record of its own"
)

# Option, default, type, what it is for.
OPTIONS = (
    ("--hfci-device", "cpu", str, "the device that cases run on: cpu, cuda, cuda:1, mps, xpu"),
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


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, the side that runs cases and, except in a worker, the side that records them."""
    config.addinivalue_line("markers", MARKER)
    config.pluginmanager.register(Executor(config), Executor.NAME)
    # Of any name: pytest gives none to the one that a run of hfci's brings with it.
    has_recorder = any(isinstance(plugin, Recorder) for plugin in config.pluginmanager.get_plugins())
    if not hasattr(config, "workerinput") and not has_recorder:
        config.pluginmanager.register(Recorder(), Recorder.NAME)


class _TinyModels:
    """The tiny model that the file's last case asked for; it goes when another one is asked for."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.asked: dict[str, Any] = {}
        self.made: TinyModel | BaseException | None = None

    def get(self, case: Case) -> TinyModel:
        """Return it, or raise again what building it raised: a failure is not tried again for every test."""
        from hfci.tiny import build_tiny

        asked: dict[str, Any] = {
            "model_type": case.parent or case.model_type,
            "architecture": case.architecture,
            "dtype": case.dtype or "float32",
        }
        if self.asked != asked:
            self.asked, self.made = asked, None
            try:
                self.made = build_tiny(**asked, **self.options)
            except (Exception, pytest.fail.Exception) as error:  # the latter is how a timeout ends it
                self.made = error
        if isinstance(self.made, BaseException):
            raise self.made
        assert self.made is not None
        return self.made


@pytest.fixture(scope="module")
def tiny_models(request: pytest.FixtureRequest) -> _TinyModels:
    """Keep a file's tiny model from one test to the next."""
    return _TinyModels(**{name: request.config.getoption(f"hfci_{name}") for name in ("device", "seed", "layout")})


@pytest.fixture
def tiny(request: pytest.FixtureRequest, tiny_models: _TinyModels) -> TinyModel:
    """Return the tiny model of the case, the one that the architecture's other cases with its dtype see."""
    if CASE not in request.node.stash:
        raise pytest.UsageError(f"{request.node.nodeid} uses `tiny` without pytest.mark.hfci(...)")
    return tiny_models.get(request.node.stash[CASE])
