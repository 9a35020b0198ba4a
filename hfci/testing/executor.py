"""The side of the plugin that runs cases: in each xdist worker, or in the only process there is."""

from __future__ import annotations

import ast
import faulthandler
import gc
import json
import os
import signal
import sys
from collections.abc import Generator
from dataclasses import asdict
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import pytest_timeout

from hfci.cases.case import Case, case_from_marker
from hfci.cases.ledger import Ledger, read_ledger
from hfci.cases.outcome import Outcome
from hfci.catalog.registries import transformers_version
from hfci.catalog.requirements import is_absent
from hfci.checks.table import CHECKS, asked_with
from hfci.errors import HfciError, UsageError, in_one_line
from hfci.imports import adopt
from hfci.testing.collecting import note
from hfci.testing.machine import Process
from hfci.testing.markers import mark, packages_of
from hfci.testing.memory_guard import MEMORY, MemoryGuard, forget_failure
from hfci.testing.network import attempts_since, close_gate, open_gate
from hfci.testing.phases import OneReport
from hfci.testing.process_setup import missing_packages, prepare, used_device
from hfci.testing.subject import CASE
from hfci.testing.verdicts import Verdict, against_ledger, as_reported, judge, plain, short_traceback, unavailable
from hfci.testing.workers import become_worker

if TYPE_CHECKING:
    from hfci.tiny.devices import Device

__all__ = ["Executor"]

# A file that uses the marker is hfci's. Looked for before its import, which must find the process prepared.
SIGN = b"mark.hfci"

# How much later than the signal, which code stuck in C never sees, the whole process is ended.
BACKSTOP_FACTOR, BACKSTOP_GRACE = 1.25, 5.0

# Seconds that the import of a file may take, however few a case is given: the first one imports much else with it.
IMPORT_S = 20.0


class Executor:
    """Finds hfci's cases among the tests, runs them as the manifest says, and adds a verdict to each report."""

    NAME = "hfci-executor"

    def __init__(self, config: pytest.Config) -> None:
        """Read the options; nothing is prepared before a case is seen."""
        self.config = config
        self.worker: dict[str, Any] = getattr(config, "workerinput", {})
        self.device: str = config.getoption("hfci_device")
        self.backend: str = config.getoption("hfci_backend")
        self.timeout: float = config.getoption("hfci_timeout")
        files: list[str] | None = self.worker.get("hfci_files")  # relative to pytest's root
        self.files = None if files is None else {config.rootpath / file for file in files}
        self.left_out = {config.rootpath / file for file in self.worker.get("hfci_left_out", ())}
        self.ledger = Ledger()
        self.prepared = False
        self.process: Process | None = None  # what this process is, once it is fit for cases
        self.stacks: int | None = None

    # Collection.

    def pytest_configure(self) -> None:
        """Keep a place for the stack of a process that is stuck or dies: the recorder's, or the real stderr."""
        if "hfci_cases" in self.worker:
            become_worker()
            self.config.pluginmanager.register(OneReport(), OneReport.NAME)
        if "hfci_stacks" in self.worker:
            self.stacks = os.open(self.worker["hfci_stacks"], os.O_WRONLY | os.O_CREAT, 0o600)
        elif sys.__stderr__ is not None:
            self.stacks = os.dup(sys.__stderr__.fileno())  # later it is captured

    def pytest_unconfigure(self) -> None:
        """Give it back."""
        if self.worker:
            gc.freeze()  # what there is ends with this process, which would look through all of it thrice more
        if self.stacks is not None:
            os.close(self.stacks)
            self.stacks = None

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out the files of which this run has no case, and those that could not be collected before."""
        is_other = self.files is not None and collection_path.suffix == ".py" and collection_path not in self.files
        return True if is_other or collection_path in self.left_out else None

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """Prepare the process before the first file of hfci's is imported."""
        if not self.prepared and isinstance(collector, pytest.Module) and _uses_marker(collector.path):
            self._prepare(collector.session)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Import a file of hfci's, noted and with the backstop armed: what it does to this process is its own error."""
        if not (self.prepared and isinstance(collector, pytest.Module) and _may_use_marker(collector.path)):
            return (yield)
        if "hfci_note" in self.worker:
            note(collector, Path(self.worker["hfci_note"]))
        self._arm(max(self.timeout, IMPORT_S))
        try:
            return (yield)
        except SystemExit as error:
            return pytest.CollectReport(collector.nodeid, "failed", in_one_line(error), [])
        finally:
            faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """Make each marked test a case; a wrong marker is an error of its file."""
        collected = yield
        for item in collected if isinstance(collected, list) else [collected]:
            if isinstance(item, pytest.Function) and item.get_closest_marker("hfci"):
                try:
                    case = item.stash[CASE] = self._case(item)
                except UsageError as error:
                    raise collector.CollectError(f"{item.nodeid}: {error}") from error
                if "hfci_cases" not in self.worker:  # there it is chosen already
                    mark(item, case)
        return collected

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Keep what this run asks for, and give each case its timeout."""
        wanted = self.worker.get("hfci_cases")
        if wanted is not None:
            keep = set(wanted)
            items[:] = [item for item in items if CASE in item.stash and item.stash[CASE].id in keep]
        # By itself and not by a name, of which it has two: of its entry point and of its module.
        is_timed = hasattr(signal, "SIGALRM") and self.config.pluginmanager.is_registered(pytest_timeout)
        if self.backend:  # with it, what is asked of several backends is one case
            items[:] = list(
                {item.stash[CASE].id if CASE in item.stash else item.nodeid: item for item in items}.values()
            )
        timeout = pytest.mark.timeout(self.timeout, method="signal")
        seen: dict[str, str] = {}
        for item in items:
            if CASE not in item.stash:
                continue
            other = seen.setdefault(item.stash[CASE].id, item.nodeid)
            if other != item.nodeid:
                raise pytest.UsageError(f"two tests of {item.stash[CASE].id}: {other} and {item.nodeid}")
            if is_timed and not item.get_closest_marker("timeout"):
                item.add_marker(timeout)
        if seen and not self.prepared:
            self._prepare(session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell the controller, which imports no test and no torch, what the node IDs mean and what this process is."""
        gc.freeze()  # the tests collected stay until the end, as the libraries do
        target = self.worker.get("hfci_plan")
        if target is not None:
            cases = {item.nodeid: asdict(item.stash[CASE]) for item in session.items if CASE in item.stash}
            process = msgspec.to_builtins(self.process)
            Path(target).write_text(json.dumps({"cases": cases, "process": process}), encoding="utf-8")

    @cached_property
    def _device(self) -> Device:
        from hfci.tiny.devices import find_device

        return find_device(self.device)

    def _case(self, item: pytest.Function) -> Case:
        marks = list(item.iter_markers("hfci"))
        fields = {name: value for mark in reversed(marks) for name, value in mark.kwargs.items()}
        positional = tuple(value for mark in marks for value in mark.args)
        parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        case = case_from_marker(
            fields,
            positional,
            parameters,
            check=item.originalname.removeprefix("test_"),
            device=self.device,
            file=item.nodeid.partition("::")[0],
        )
        return asked_with(case, self.backend)

    def _prepare(self, session: pytest.Session) -> None:
        self.prepared = True
        try:
            self.ledger = read_ledger()
            adopt(Path.cwd())
            prepare(self.device, self.config.getoption("hfci_threads"))
            self.process = Process.here(self.device)
            self.config.pluginmanager.register(MemoryGuard(self._device), MemoryGuard.NAME)
            if "hfci_stacks" in self.worker and self.stacks is not None:
                faulthandler.enable(self.stacks)  # until now it is pytest's, which writes to stderr
        except HfciError as error:
            if self.worker:
                self.config.workeroutput["hfci_unfit"] = str(error)  # type: ignore[attr-defined]
                session.shouldstop = "the environment is unfit"
            pytest.exit(f"hfci: {error}", returncode=error.exit_code)

    # Running.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Close the network gate and arm the backstop around a case."""
        if CASE not in item.stash:
            return (yield)
        self._device.forget_peak()
        close_gate()
        self.arm_for(self.timeout)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()
            open_gate()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Seed, and find out what is missing before the attempt."""
        if CASE in item.stash:
            self._seed()
            if absent := missing_packages(packages_of(item.stash[CASE])):
                unavailable(absent)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Seed again, so that a test does not see if its model was built just before; forget what others checked."""
        if CASE in item.stash:
            self._seed()
            _checked(item).clear()

    @pytest.hookimpl(trylast=True)
    def pytest_exception_interact(self, node: pytest.Item | pytest.Collector) -> None:
        """Arm the backstop anew for the rest of the case: pytest has disarmed it, since it has seen an exception."""
        if isinstance(node, pytest.Item) and CASE in node.stash:
            self.arm_for(self.timeout)

    def _seed(self) -> None:
        from hfci.tiny.random_numbers import seed_generators

        seed_generators(self.config.getoption("hfci_seed"), self.device)

    def arm_for(self, seconds: float) -> None:
        """Arm the backstop for what a signal is to end in `seconds`."""
        self._arm(seconds * BACKSTOP_FACTOR + BACKSTOP_GRACE)

    def _arm(self, limit: float) -> None:
        """End this process in `limit` seconds, be it stuck in C code, and keep the stack that it has then."""
        if self.timeout > 0 and self.stacks is not None and not self.config.getoption("usepdb"):
            faulthandler.dump_traceback_later(limit, exit=True, file=self.stacks)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn pytest's report into hfci's outcome, and pytest's colour with it."""
        if CASE not in item.stash:
            return (yield)
        is_over = call.when == "call"
        tiny = getattr(item, "funcargs", {}).get("tiny")
        used = used_device(tiny.model) if tiny is not None and is_over else None
        error = call.excinfo.value if call.excinfo else None
        verdict = judge(error, call.when == "setup" and "tiny" in getattr(item, "fixturenames", ()))
        if error is not None and self._is_expected(verdict, item):
            if verdict["outcome"] == Outcome.FAILED:
                verdict = verdict.traced(short_traceback(error, item.path))
            call.excinfo = _not_shown(error)
        report = yield
        verdict = self._overruled(as_reported(verdict, report), report, item, used)
        if is_over or verdict["outcome"] == Outcome.FAILED:
            verdict = self._against_ledger(verdict, item, is_over=is_over)
        _show(report, verdict, item)
        if tiny is not None and used is not None:
            verdict |= {"device": used, "dtype": str(tiny.model.dtype).removeprefix("torch.")}
        if is_over:
            verdict["peak_memory_bytes"] = self._device.peak_memory()
        report.hfci = dict(verdict)  # type: ignore[attr-defined]
        if verdict.get("stage") == MEMORY:
            self._make_room(item, error)
        return report

    def _make_room(self, item: pytest.Item, error: BaseException | None) -> None:
        """Have the next case begin with what memory there is: nothing of this one is kept, its model neither."""
        if (models := getattr(item, "funcargs", {}).get("tiny_models")) is not None:
            models.forget()
        forget_failure(error)
        self._device.release()

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self) -> Generator[None, Any, Any]:
        """Let nothing that a test has said stop its report on the way to the controller."""
        return plain((yield))

    def _is_expected(self, verdict: Verdict, item: pytest.Item) -> bool:
        """Tell whether what a test ended with is not red; of what stops at a stage pytest sees first who hides it."""
        is_hidden = "stage" in verdict and item.get_closest_marker("xfail") is not None
        return not is_hidden and self._against_ledger(verdict, item)["outcome"] != Outcome.FAILED

    def _against_ledger(self, verdict: Verdict, item: pytest.Item, *, is_over: bool = False) -> Verdict:
        case = item.stash[CASE]
        forwards = (check := CHECKS.get(case.check or "")) is None or check.forwards
        on_what = (case.model_type, case.architecture, case.check, case.task)
        known = self.ledger.on(transformers_version(), *on_what, forwards=forwards)
        entries = [entry for entry in known if all(map(is_absent, entry.without))]
        return against_ledger(verdict, entries, date.today(), is_over=is_over)

    def _overruled(self, verdict: Verdict, report: pytest.TestReport, item: pytest.Item, used: str | None) -> Verdict:
        """Return the verdict, or that of a failure which the test itself has not seen; its model `used` a device."""
        attempts = attempts_since()
        if attempts:
            message = f"tests run without network; attempted: {', '.join(dict.fromkeys(attempts))}"
            if verdict["outcome"] != Outcome.FAILED:
                return Verdict.failed("NetworkRefused", message)
            report.sections.append(("network", message))
        if report.when != "call" or verdict["outcome"] != Outcome.PASSED:
            return verdict
        check = item.stash[CASE].check
        if check in CHECKS and check not in _checked(item):
            return Verdict.failed("AssertsNothing", f"the test passed without running checks.{check} on its tiny model")
        if used is not None and used != self.device and used.partition(":")[0] != self._device.place.type:
            return Verdict.failed("WrongDevice", f"asked for {self.device}, the parameters are on {used}")
        return verdict


def _checked(item: pytest.Item) -> set[str]:
    """Return the checks that held of the test's tiny model; of a test without one, none."""
    checked: set[str] = getattr(getattr(item, "funcargs", {}).get("tiny"), "checked", set())
    return checked


def _not_shown(error: BaseException) -> pytest.ExceptionInfo[BaseException]:
    """Return what pytest makes a report of in no time: nobody looks at where something ended that is not red."""
    return pytest.ExceptionInfo.from_exception(pytest.skip.Exception().with_traceback(error.__traceback__))


def _show(report: pytest.TestReport, verdict: Verdict, item: pytest.Item) -> None:
    """Give pytest's own report the colour of the verdict."""
    outcome = verdict["outcome"]
    if outcome in (Outcome.UNAVAILABLE, Outcome.NOT_APPLICABLE):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), (item.location[1] or 0) + 1, f"{outcome}: {verdict['reason']}")
    elif outcome == Outcome.KNOWN_FAILURE:
        report.outcome = "skipped"
        report.wasxfail = verdict["reason"]  # so pytest counts it apart from skips
    elif outcome == Outcome.FAILED and not (report.failed and report.longrepr):
        error: Any = verdict["error"]
        report.outcome = "failed"
        report.longrepr = f"{error['type']}: {error['message']}"
        vars(report).pop("wasxfail", None)


def _may_use_marker(path: Path) -> bool:
    """Tell whether the text of a file uses the marker."""
    try:
        return SIGN in path.read_bytes()
    except OSError:
        return False


def _uses_marker(path: Path) -> bool:
    """Tell whether the code of a file, not only its text, uses the marker; a wrong file is left to pytest."""
    try:
        nodes = ast.walk(ast.parse(path.read_bytes())) if _may_use_marker(path) else iter(())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "hfci"
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "mark"
        for node in nodes
    )
