"""The side of the plugin that records: one process, the only writer, with xdist or without.

It knows what was planned, so that what never reports is `not-run` and the run is red.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hfci.cases.case import SETTINGS, Case, unusual
from hfci.cases.executed_lines import lines_file
from hfci.cases.outcome import EXECUTED, Outcome
from hfci.cases.records import Error, Record, records_file
from hfci.errors import EnvironmentUnfit, UsageError
from hfci.interruption import EXIT_INTERRUPTED, uninterrupted
from hfci.testing.executed_lines import LineMeter
from hfci.testing.machine import Process, kernel_variables, with_variables
from hfci.testing.phases import Phase, fields_of, record_of
from hfci.testing.record_writer import RecordWriter, new_header, new_run_id, set_up_seconds
from hfci.testing.verdicts import Verdict
from hfci.testing.workers import Death, death_of, end_worker
from hfci.workflow import run_attempt

__all__ = ["Recorder"]

EXIT_TESTS_FAILED, EXIT_UNFIT = 1, EnvironmentUnfit.exit_code

# What a worker leaves in files of its own: the cases that it has collected, the file that it is importing, and the
# stack that faulthandler writes where it dies.
LEFT = ("plan", "note", "stacks")

# So many seconds there are, after Ctrl-C, to read what workers, now ended, have reported.
READING_S = 1.0

# So many workers that die before their first test, one after the other, say that the next one will too.
STILLBORN = 3


class Recorder:
    """Collects the reports on each case into its record.

    `expected` are the cases that this run must have, whatever is collected; `known` are records of model
    types without a test; `reproduce` gives the command that repeats one case (default: plain pytest);
    `results` is the folder for the records (default: --hfci-results, or none); `about` is what the header says of
    the run beyond that: its ID, shard, runner, tier and the names that were asked for; `fingerprints` are those of
    cases, by ID, where they are known.
    """

    NAME = "hfci-recorder"

    def __init__(
        self,
        expected: Iterable[Case] = (),
        known: Sequence[Record] = (),
        reproduce: Callable[[Case], str] | None = None,
        results: Path | None = None,
        about: Mapping[str, Any] | None = None,
        fingerprints: Mapping[str, str] | None = None,
    ) -> None:
        """Take what is known before pytest starts."""
        self.planned = {case.id: case for case in expected}
        self.known = known
        self.strict = bool(self.planned)  # a worker runs only what was expected
        self.reproduce = reproduce or self._pytest_command
        self.results = results
        self.about = {"run": new_run_id(), **(about or {})}
        if self.about.get("shard") is not None:  # what a job does before anything else; otherwise who knows what it did
            self.about["set_up_s"] = set_up_seconds()
        self._began = time.monotonic()
        self.fingerprints = fingerprints or {}
        self.writer: RecordWriter | None = None
        self.records: dict[str, Record] = {}
        self.unfit: str | None = None
        self.interrupted = False
        self._nodes: dict[str, str] = {}  # node ID → case ID
        self._nodeids: dict[str, str] = {}  # case ID → node ID
        self._phases: dict[str, list[Phase]] = {}
        self._not_collected: dict[str, Error] = {}  # by file
        self._deaths: dict[str, Death] = {}  # by worker
        self._running: list[Any] = []  # workers
        self._arrived: dict[int, pytest.TestReport] = {}  # what came from workers, until it is taken in
        self._stillborn = 0
        self._is_unwritable = False
        self._process: Process | None = None  # what each of the processes is that run cases
        self._workers = 1
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    # What is planned.

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Find out where to write, and what to say of the run that nobody has said yet."""
        self.config = config
        self.about = {**{name: config.getoption(f"hfci_{name}") for name in ("seed", "layout")}, **self.about}
        folder = config.getoption("hfci_results")
        if folder is not None:
            self.results = Path(config.invocation_params.dir, folder)
        try:
            self.about.setdefault("attempt", 1 if self.results is None else run_attempt())
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error
        measured = self._lines_file("main")
        if measured is not None and not config.getoption("numprocesses", None):
            config.pluginmanager.register(LineMeter(measured, self.about["run"]), LineMeter.NAME)

    def _lines_file(self, worker: str) -> Path | None:
        """Return where `worker` writes which lines its cases execute; None where nobody asked."""
        if not self.config.getoption("hfci_executed_lines"):
            return None
        if self.results is None:
            raise pytest.UsageError("--hfci-executed-lines needs --hfci-results: they lie beside the records")
        return self.results / lines_file(self.about, worker)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without xdist: what was collected here is what is planned."""
        from hfci.testing.executor import Executor
        from hfci.testing.subject import CASE

        if not self._is_dry():
            executor: Executor = session.config.pluginmanager.getplugin(Executor.NAME)
            cases = {item.nodeid: item.stash[CASE] for item in session.items if CASE in item.stash}
            self._plan(cases, executor.process if cases else None)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """With xdist: tell a worker which cases to keep, and where to say what it collected."""
        self._running.append(node)
        self._scratch = self._scratch or tempfile.TemporaryDirectory(prefix="hfci-")
        self._workers = node.workerinput["workercount"]
        for left in LEFT:
            node.workerinput[f"hfci_{left}"] = str(self._left_by(node, left))
        node.workerinput["hfci_left_out"] = list(self._not_collected)
        if self.strict:
            node.workerinput["hfci_cases"] = list(self.planned)
            files = (case.file for case in self.planned.values() if case.file is not None)
            node.workerinput["hfci_files"] = list(dict.fromkeys(files))
        if (measured := self._lines_file(node.gateway.id)) is not None:
            node.workerinput["hfci_executed_lines"] = [str(measured), self.about["run"]]

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """With xdist: read what a worker collected, and what it is; they all are the same."""
        self._stillborn = 0
        plan = self._left_by(node, "plan")
        if not self._nodes.keys() >= set(ids) and plan.exists():
            content = json.loads(plan.read_text(encoding="utf-8"))
            cases = msgspec.convert(content["cases"], dict[str, Case])
            self._plan(cases, msgspec.convert(content["process"], Process | None))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Give hfci's runs a scheduler that does not repeat what killed a worker."""
        if config.getvalue("dist") == "loadfile" and self.results is not None:
            from hfci.testing.scheduler import FileScheduling

            return FileScheduling(config, log)
        return None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember why a file was not collected."""
        if report.failed:
            lines = [line for line in report.longreprtext.strip().splitlines() if line.strip()]
            reason = lines[-1].removeprefix("E ").strip() if lines else "an error"
            verdict = fields_of(Verdict.failed("NotCollected", reason, traceback=report.longreprtext))
            self._not_collected[report.nodeid.partition("::")[0]] = verdict["error"]

    def _plan(self, cases: dict[str, Case], process: Process | None) -> None:
        self._process = process
        self._nodes |= {nodeid: case.id for nodeid, case in cases.items()}
        self._nodeids |= {case.id: nodeid for nodeid, case in cases.items()}
        for case in cases.values():
            expected = self.planned.get(case.id, case)
            self.planned[case.id] = replace(case, file=expected.file)
        if self.planned:
            self._open()

    def _left_by(self, node: Any, what: str) -> Path:
        assert self._scratch is not None
        return Path(self._scratch.name, f"{node.gateway.id}.{what}")

    def _is_dry(self) -> bool:
        return bool(self.config.option.collectonly)

    # What happens.

    @pytest.hookimpl(wrapper=True)
    def pytest_report_from_serializable(self) -> Generator[None, Any, Any]:
        """Keep what a worker reports, which xdist's loop may be late to hand on, or lose where it is interrupted."""
        report = yield
        if isinstance(report, pytest.TestReport):
            self._arrived[id(report)] = report
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in one phase of a case, or all of them; after its last, write the record."""
        with uninterrupted():  # it is no longer kept exactly when it has been taken in
            self._arrived.pop(id(report), None)
            self._take_in(report)

    def _take_in(self, report: pytest.TestReport) -> None:
        case = self._case_of(report.nodeid)
        if case is None or case.id in self.records:
            return
        if report.failed:
            report.sections.append(("reproduce", self.reproduce(case)))
        phases = self._phases.setdefault(case.id, [])
        phases += Phase.of(report)
        if phases[-1].when == "teardown":
            self._record(record_of(case, self._phases.pop(case.id), worker=getattr(report, "worker_id", "main")))

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Note how a worker ended: unfit, interrupted, or dead."""
        worker: str = node.gateway.id
        self.unfit = self.unfit or getattr(node, "workeroutput", {}).get("hfci_unfit")
        if error == "keyboard-interrupt":
            self.interrupted = True
        elif error:
            self._deaths[worker] = death_of(node, self._left_by(node, "stacks"))
            if not self._left_by(node, "plan").exists():
                self._died_collecting(node)

    def _died_collecting(self, node: Any) -> None:
        """Blame the file that was being imported: those that follow leave it out. Or what all of them will die of."""
        death, note = self._deaths[node.gateway.id], self._left_by(node, "note")
        file = note.read_text(encoding="utf-8") if note.exists() else ""
        if file and file not in node.workerinput["hfci_left_out"]:
            if file not in self._not_collected:  # another may have died of it at the same time
                report = pytest.CollectReport(file, "failed", death.while_doing(f"importing {file}"), [])
                self.config.hook.pytest_collectreport(report=report)
            return
        self._stillborn += 1
        if self._stillborn >= STILLBORN:
            self.unfit = f"{STILLBORN} workers in a row died before their first test; the last {death.manner}"
            self.config.pluginmanager.getplugin("dsession").shouldstop = "workers die at their start"

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: Any) -> None:
        """Record the case that a worker died of; after Ctrl-C it is not its fault."""
        case = self._case_of(crashitem)
        if case is None or case.id in self.records or self.interrupted:
            return
        worker = report.node.gateway.id
        death = self._deaths.get(worker, Death(worker))
        report.longrepr = death.while_doing(f"running {crashitem}")
        report.sections.append(("reproduce", self.reproduce(case)))
        verdict = Verdict.failed("WorkerDied", str(death), traceback=death.stack)
        spent = sum(phase.duration for phase in self._phases.pop(case.id, []))
        self._record(Record.of(case, **fields_of(verdict), duration_s=round(spent, 4), worker=worker))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell Ctrl-C from pytest's other ways to stop, which are kinds of KeyboardInterrupt too."""
        self.interrupted |= excinfo.type is KeyboardInterrupt

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what has not run, and let the exit status say so."""
        if self._is_dry() or not (self.planned or self.unfit):
            return
        if self.interrupted:
            self._end_workers()
        self._open()
        missing = self._complete()
        if self.unfit:
            session.exitstatus = EXIT_UNFIT
        elif self.interrupted:
            session.exitstatus = EXIT_INTERRUPTED
        elif missing:
            session.exitstatus = EXIT_TESTS_FAILED

    def interrupt(self) -> None:
        """Complete the records of a run that was interrupted where pytest does not see it: at its start or its end."""
        self.interrupted = True
        self._end_workers()
        if self.writer is not None:
            self._complete()

    def _end_workers(self) -> None:
        """Not waiting for what they are doing, there is no time; but what they have reported is taken in."""
        for worker in self._running:
            end_worker(worker)
        deadline = time.monotonic() + READING_S
        for worker in self._running:
            worker.gateway.join(timeout=max(0.0, deadline - time.monotonic()))
        for report in list(self._arrived.values()):
            self._take_in(report)
        self._arrived.clear()

    def _complete(self) -> list[Case]:
        """Write what has not run, and return it."""
        missing = [case for case in self.planned.values() if case.id not in self.records]
        for case in missing:
            error = self._not_collected.get(case.file or "")
            self._record(Record.of(case, Outcome.NOT_RUN, reason=self._why_not_run(case), error=error))
        return missing

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what pytest itself cannot know."""
        missing = sum(record.outcome == Outcome.NOT_RUN for record in self.records.values())
        if self.unfit:
            terminalreporter.write_line(f"hfci: {self.unfit}", red=True)
        if missing:
            terminalreporter.write_line(f"hfci: {missing} of {len(self.planned)} planned cases did not run", red=True)

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind but the records."""
        if self.writer is not None:
            self.writer.close()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    # Writing.

    @property
    def executed(self) -> int:
        """How many cases really ran to an outcome."""
        return sum(record.outcome in EXECUTED for record in self.records.values())

    def open(self, device: str) -> None:
        """Begin the records file: the header, now that the plan is known, and the records known already."""
        if self.results is None:
            return
        planned = len(self.planned) + len(self.known)
        head = new_header(
            device=device,
            planned=planned,
            folder=Path.cwd(),
            process=self._process,
            workers=self._workers if self.planned else None,
            start_up_s=round(time.monotonic() - self._began, 3) if self._nodes else None,
            **self.about,
        )
        with uninterrupted():
            self.writer = RecordWriter(self.results / records_file(head))
            self.writer.write(head)
            for record in self.known:
                self.writer.write(record)

    def _open(self) -> None:
        if self.writer is not None or self._is_unwritable:
            return
        try:
            self.open(self.config.getoption("hfci_device"))
        except EnvironmentUnfit as error:
            self._give_up(error)

    def _record(self, record: Record) -> None:
        record = msgspec.structs.replace(
            record,
            reproduce=self.reproduce(self.planned[record.case]),
            attempt=self.about["attempt"],
            fingerprint=self.fingerprints.get(record.case),
        )
        try:
            with uninterrupted():  # it is known to be written exactly when it is
                self.records[record.case] = record
                if self.writer is not None and not self._is_unwritable:
                    self.writer.write(record)
        except EnvironmentUnfit as error:
            self._give_up(error)

    def _give_up(self, error: EnvironmentUnfit) -> None:
        self.unfit = str(error)
        self._is_unwritable = True
        pytest.exit("hfci: no record can be written", returncode=error.exit_code)

    def _case_of(self, nodeid: str) -> Case | None:
        identity = self._nodes.get(nodeid)
        return self.planned[identity] if identity is not None else None

    def _why_not_run(self, case: Case) -> str:
        if self.unfit:
            return self.unfit
        if self.interrupted:
            return "the run was interrupted"
        if case.file is not None and case.file in self._not_collected:
            return "its file was not collected"
        return "planned, but no worker reported it" if case.id in self._nodeids else "planned, not collected"

    def _pytest_command(self, case: Case) -> str:
        nodeid = self._nodeids.get(case.id, case.file or "")
        file, separator, rest = nodeid.partition("::")
        path = os.path.relpath(self.config.rootpath / file, self.config.invocation_params.dir)
        command = ["pytest", path + separator + rest, "--hfci-device", case.device]
        command += unusual({name: self.config.getoption(f"hfci_{name}") for name in SETTINGS}, "--hfci-")
        return with_variables(shlex.join(command), kernel_variables())
