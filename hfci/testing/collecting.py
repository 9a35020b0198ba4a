"""A pytest plugin that notes which file is about to be imported: if the process dies then, it died of that file."""

from __future__ import annotations

from pathlib import Path

import pytest

__all__ = ["OPTION"]

OPTION = "--hfci-note"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that says where to note it."""
    parser.addoption(OPTION, metavar="FILE", help="where to note which file is being imported")


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Note the file, relative to pytest's root, before it is imported."""
    note = collector.config.getoption("hfci_note")
    if note and isinstance(collector, pytest.Module):
        Path(note).write_text(collector.path.relative_to(collector.config.rootpath).as_posix(), encoding="utf-8")
