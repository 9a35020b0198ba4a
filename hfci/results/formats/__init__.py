"""The results in formats that other programs read: a module each, all with the same few names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from hfci.results.formats import badge, coverage_summary, ctrf, junit
from hfci.results.reading import Results
from hfci.results.summary import Summary

__all__ = ["FORMATS", "Format"]


class Format(Protocol):
    """What a module of this package offers.

    - `NAME`: what the format is called, also as an option of a command
    - `FILE`: what a file of it is usually called
    """

    NAME: str
    FILE: str

    def write(self, path: Path, results: Results, summary: Summary) -> None:
        """Write `results`, whose summary is `summary`, to `path`, whole or not at all.

        Raises EnvironmentUnfit where that fails.
        """


_ALL: tuple[Format, ...] = (junit, ctrf, badge, coverage_summary)
FORMATS: Mapping[str, Format] = {module.NAME: module for module in _ALL}
