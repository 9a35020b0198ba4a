"""Trying a mutant: a fork in which one module is another, and the tests of a model type on it."""

from __future__ import annotations

import importlib.machinery
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType
from typing import Any

import coverage
import msgspec
import pytest

from hfci.testing.session import CONFIGURATION, PLUGINS, UNUSED, own_environment
from hfci.testing.subject import CASE

__all__ = ["GENERATED", "Changed", "Ended", "Outcome", "Trial", "in_forks"]

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "generated"
CASE_S = 150
# The exit code of a trial that could not be made, by an error of its own and not by the fault.
FAILED = 70
ENOUGH = 4


@dataclass(frozen=True)
class Changed:
    """A module of transformers, and another source for it."""

    module: str
    source: str


@dataclass(frozen=True)
class Trial:
    """The test files, or tests in them, to run, with a changed module or with none, and in how many seconds.

    `measured` is a folder of transformers: the lines of its modules that are executed come back. `checks` are those
    that are asked, every one if none is named.
    """

    about: Any
    files: Sequence[Path]
    changed: Changed | None = None
    measured: Path | None = None
    checks: frozenset[str] = frozenset()
    limit_s: float = 600.0


class Ended(msgspec.Struct, frozen=True):
    """How a trial ended: which checks were red, with what the first said of each; or that it took too long, or died.

    `tests` are those that were red, `lines` the executed ones by file.
    """

    red: dict[str, str] = {}
    tests: tuple[str, ...] = ()
    asked: int = 0
    broken: str = ""
    lines: dict[str, tuple[int, ...]] = {}
    seconds: float = 0.0


@dataclass(eq=False)
class Outcome:
    """A plugin that asks the checks that are `chosen`, or every one, and keeps which are red.

    One that is red is not asked of the other architectures, and after ENOUGH nothing is: by then it is known that the
    fault is seen, and that no check alone sees it.
    """

    chosen: frozenset[str] = frozenset()
    red: dict[str, str] = field(default_factory=dict)
    tests: list[str] = field(default_factory=list)
    asked: int = 0
    checks: dict[str, str] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.checks = {item.nodeid: item.stash[CASE].check or "" for item in items if CASE in item.stash}
        if self.chosen:
            items[:] = [item for item in items if self.checks.get(item.nodeid) in self.chosen]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if len(self.red) >= ENOUGH:
            item.session.shouldstop = "enough checks are red"
        if len(self.red) >= ENOUGH or self.checks.get(item.nodeid) in self.red:
            pytest.skip("it is red already")

    def pytest_runtest_logreport(self, report: Any) -> None:
        verdict = getattr(report, "hfci", {})
        self.asked += report.when == "call"
        if verdict.get("outcome") == "failed":
            error = verdict["error"]
            self.tests.append(report.nodeid)
            self.red.setdefault(self.checks[report.nodeid], f"{error['type']}: {error['message']}"[:300])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.red.setdefault("import", report.longreprtext.strip().splitlines()[-1][:300])


def in_forks(trials: Iterator[Trial], workers: int) -> Iterator[tuple[Trial, Ended]]:
    """Yield each trial with how it ended, as they end, `workers` at a time, each in a fork of this process."""
    running: dict[int, tuple[Trial, Path, float]] = {}
    with tempfile.TemporaryDirectory(prefix="hfci-mutants-") as folder:
        try:
            more = True
            while more or running:
                while more and len(running) < workers:
                    trial = next(trials, None)
                    if trial is None:
                        more = False
                        break
                    target = Path(folder, f"{time.monotonic_ns()}.json")
                    running[_fork(trial, target)] = trial, target, time.monotonic()
                yield from _ended(running)
        finally:
            for pid in running:
                _kill(pid)


def _ended(running: dict[int, tuple[Trial, Path, float]]) -> Iterator[tuple[Trial, Ended]]:
    """Wait a little, and yield those that are over; a trial beyond its limit is ended."""
    time.sleep(0.02)
    for pid, (trial, target, start) in list(running.items()):
        seconds = time.monotonic() - start
        over, status = os.waitpid(pid, os.WNOHANG)
        if not over and seconds <= trial.limit_s:
            continue
        del running[pid]
        if not over:
            _kill(pid)
            yield trial, Ended(broken=f"it took more than {trial.limit_s:.0f} s", seconds=seconds)
        elif not target.exists():
            if (code := os.waitstatus_to_exitcode(status)) == FAILED:
                raise RuntimeError(f"the trial of {trial.about} could not be made")
            yield trial, Ended(broken=f"its process died ({code})", seconds=seconds)
        else:
            ended = msgspec.json.decode(target.read_bytes(), type=Ended)
            yield trial, msgspec.structs.replace(ended, seconds=round(seconds, 2))


def _kill(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _fork(trial: Trial, target: Path) -> int:
    pid = os.fork()
    if pid:
        os.setpgid(pid, pid)
        return pid
    try:
        os.setpgid(0, 0)
        for stream in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        ended = _run(trial)
        target.with_suffix(".part").write_bytes(msgspec.json.encode(ended))
        target.with_suffix(".part").rename(target)
        os._exit(0)
    finally:
        os._exit(FAILED)


def _run(trial: Trial) -> Ended:
    if trial.changed is not None:
        if trial.changed.module in sys.modules:
            raise RuntimeError(f"{trial.changed.module} is imported already")
        sys.meta_path.insert(0, _Instead(trial.changed))
    plugins = (*(name for name in PLUGINS if name != "xdist.plugin"), *(f"no:{name}" for name in (*UNUSED, "xdist")))
    options = ["-q", "-c", str(CONFIGURATION), "--rootdir", str(GENERATED), "--import-mode=importlib"]
    options += ["--continue-on-collection-errors", "--tb=short", f"--hfci-timeout={CASE_S}"]
    options += [part for plugin in plugins for part in ("-p", plugin)]
    os.environ |= own_environment()
    outcome = Outcome(trial.checks)
    measure = coverage.Coverage(data_file=None, config_file=False, include=[f"{trial.measured}/*"])
    if trial.measured is not None:
        measure.start()
    status = pytest.main([*options, *map(str, trial.files)], plugins=[outcome])
    whole = outcome.red or status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    broken = "" if whole else f"pytest exits with {status!r}"
    if trial.measured is None:
        return Ended(outcome.red, tuple(outcome.tests), outcome.asked, broken)
    measure.stop()
    data = measure.get_data()
    lines = {file: tuple(sorted(data.lines(file) or ())) for file in data.measured_files()}
    return Ended(outcome.red, tuple(outcome.tests), outcome.asked, broken, lines)


class _Instead(MetaPathFinder):
    """Finds the changed module in the place of the one that is installed."""

    def __init__(self, changed: Changed) -> None:
        self.changed = changed

    def find_spec(self, fullname: str, path: Any, _: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.changed.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and spec.origin is not None:
            spec.loader = _Source(fullname, spec.origin, self.changed.source)
        return spec


class _Source(importlib.machinery.SourceFileLoader):
    """Loads a module from a text, as if it stood in the file."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, _: str) -> CodeType | None:
        return compile(self.source, self.path, "exec", dont_inherit=True)
