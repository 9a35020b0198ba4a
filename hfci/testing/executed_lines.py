"""The lines that cases execute of their modelling files, measured by coverage.py in each process that runs cases."""

from __future__ import annotations

import inspect
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from hfci.cases.executed_lines import ExecutedLines, Function, LinesHeader
from hfci.catalog.registered import registered
from hfci.catalog.registries import transformers_version
from hfci.testing.record_writer import RecordWriter
from hfci.testing.subject import CASE

if TYPE_CHECKING:
    import coverage

__all__ = ["LineMeter"]


class _Region(msgspec.Struct):
    """What coverage.py's JSON report says of a function."""

    executed_lines: tuple[int, ...]
    missing_lines: tuple[int, ...]


class _File(msgspec.Struct):
    functions: dict[str, _Region]


class _Report(msgspec.Struct):
    """Its format: coverage.readthedocs.io, "JSON reporting"."""

    files: dict[str, _File]


class LineMeter:
    """Measures a file of tests at a time, and appends what its cases executed to the file at `path`.

    Of a case count the lines of the file that the class of its tiny model is defined in: a base or a tower elsewhere is
    another model type's. A process that is killed leaves what the files before wrote.
    """

    NAME = "hfci-line-meter"

    def __init__(self, path: Path, run: str) -> None:
        """Say where to; nothing is measured, or written, before there is a case."""
        self.path, self.run = path, run
        self._coverage: coverage.Coverage | None = None
        self._writer: RecordWriter | None = None
        self._measured: defaultdict[str, set[str]] = defaultdict(set)  # by model type: files

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        """Measure a case; after the last one of its file, write."""
        if CASE not in item.stash:
            return (yield)
        if self._coverage is None:
            self._begin()
        done = yield
        if nextitem is None or nextitem.path != item.path:
            self._end()
        return done

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Note what the case's model is a class of; it may end as it likes."""
        case = item.stash.get(CASE, None)
        tiny = getattr(item, "funcargs", {}).get("tiny")
        if case is not None and tiny is not None and case.parent is None:
            self._measured[case.model_type].add(inspect.getfile(type(tiny.model)))
        return (yield)

    def pytest_sessionfinish(self) -> None:
        """Write what an interrupted file of tests executed."""
        self._end()
        if self._writer is not None:
            self._writer.close()

    def _begin(self) -> None:
        import coverage

        folder = Path(sys.modules["transformers"].__path__[0], "models")
        imported = {inspect.getfile(cls) for cls in registered().classes}
        measured = [f"{folder}/*", *sorted(imported)]
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=measured)
        self._coverage.start()

    def _end(self) -> None:
        if self._coverage is None:
            return
        measuring, self._coverage = self._coverage, None
        measuring.stop()
        lines = [
            ExecutedLines(model_type=model_type, file=_in_package(file), functions=_functions(measuring, file))
            for model_type, files in self._measured.items()
            for file in sorted(files)
        ]
        self._measured.clear()
        if self._writer is None:
            self._writer = RecordWriter(self.path)
            self._writer.write(LinesHeader(run=self.run, transformers=transformers_version()))
        for line in lines:
            self._writer.write(line)


def _functions(measured: coverage.Coverage, file: str) -> dict[str, Function]:
    """Return the functions of `file`; what stands outside of them runs when it is imported, and says nothing."""
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        report = Path(folder, "report.json")
        measured.json_report(morfs=[file], outfile=str(report))
        (entry,) = msgspec.json.decode(report.read_bytes(), type=_Report).files.values()
    return {
        name: Function(region.executed_lines, region.missing_lines) for name, region in entry.functions.items() if name
    }


def _in_package(file: str) -> str:
    package = Path(sys.modules["transformers"].__path__[0])
    return Path(file).relative_to(package).as_posix() if Path(file).is_relative_to(package) else Path(file).name
