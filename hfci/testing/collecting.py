"""Which file is about to be imported: if the process dies then, it died of that file. A pytest plugin that notes it."""

from __future__ import annotations

from pathlib import Path

import pytest

__all__ = ["OPTION", "note"]

OPTION = "--hfci-note"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that says where to note it."""
    parser.addoption(OPTION, metavar="FILE", help="where to note which file is being imported")


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Note the file before it is imported."""
    place = collector.config.getoption("hfci_note")
    if place and isinstance(collector, pytest.Module):
        note(collector, Path(place))


def note(collector: pytest.Module, place: Path) -> None:
    """Write into `place` which file that is, relative to pytest's root."""
    place.write_text(collector.path.relative_to(collector.config.rootpath).as_posix(), encoding="utf-8")
