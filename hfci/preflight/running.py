"""Running the stages: one after the other in a child process, each within its time, until one that is named."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from hfci.errors import EnvironmentUnfit, UsageError, nearest
from hfci.interruption import EXIT_INTERRUPTED
from hfci.preflight.child import Child, Ended, Lacking, TimeUp
from hfci.preflight.configuration import Request
from hfci.preflight.diagnosis import SMALLER, Diagnosed, Diagnosis
from hfci.preflight.masking import Masking, known_secrets
from hfci.preflight.result import Outcome, Result, StageResult
from hfci.preflight.stages import STAGES, Found, Stage, stage_names
from hfci.preflight.worker import Order, Passed, Progress

__all__ = ["Interrupted", "Listener", "Silent", "preflight"]


class Interrupted(KeyboardInterrupt):
    """A preflight was interrupted; its `result` holds what was found by then."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result


class Listener(Protocol):
    """Who wants to know how it goes; all texts are without secrets."""

    def begins(self, stage: str) -> None:
        """Take note that a stage begins."""

    def progresses(self, stage: str, progress: Progress) -> None:
        """Take note of what it does."""

    def ends(self, result: StageResult) -> None:
        """Take note of how it ended, or that it does not run."""


class Silent:
    """Listens to nothing."""

    def begins(self, stage: str) -> None:
        """Do nothing."""

    def progresses(self, stage: str, progress: Progress) -> None:
        """Do nothing."""

    def ends(self, result: StageResult) -> None:
        """Do nothing."""


def preflight(
    request: Request,
    *,
    until: str = "report",
    limits: Mapping[str, float] | None = None,
    log: Path | None = None,
    listener: Listener | None = None,
    python: str = sys.executable,
) -> Result:
    """Run the stages up to `until`, and return what they found; nothing raises but wrong use and an interruption.

    `limits` are seconds for some stages, instead of their own; `log` takes all that is printed, without secrets;
    `python` is the interpreter that runs the stages. Raises UsageError where no stage has such a name, and Interrupted
    on Ctrl-C: the child has ended then.
    """
    limits = limits or {}
    for name in (until, *limits):
        if name not in stage_names():
            raise UsageError(f"no stage {name!r}; there are {', '.join(stage_names())}.{nearest(name, stage_names())}")
    try:
        msgspec.json.encode(request)
    except UnicodeEncodeError as error:
        raise UsageError(f"what is asked for is no text: {error.object!a:.80}") from error
    masking = Masking(known_secrets())
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    with _log(log, masking) as write:
        run = _Run(request, limits, listener or Silent(), masking, write, python)
        try:
            for stage in STAGES[: [*stage_names()].index(until) + 1]:
                run.stage(stage)
        except KeyboardInterrupt:
            raise Interrupted(run.result(until, begun)) from None
        finally:
            run.end()
    return run.result(until, begun)


class _Run:
    """One preflight under way."""

    def __init__(
        self,
        request: Request,
        limits: Mapping[str, float],
        listener: Listener,
        masking: Masking,
        log: Callable[[bytes], None],
        python: str,
    ) -> None:
        self.request = request
        self.limits = limits
        self.listener = listener
        self.masking = masking
        self.log = log
        self.python = python
        self.found = Found()
        self.results: list[StageResult] = []
        self.said: str | None = None  # what the stage that runs said last
        self.child: Child | None = None

    def stage(self, stage: Stage) -> None:
        """Run `stage`, if what it needs has passed."""
        passed = {result.stage for result in self.results if result.outcome == "passed"}
        if missing := [name for name in stage.needs if name not in passed]:
            self._ended(StageResult(stage=stage.name, outcome="not-run", reason=f"{missing[0]} has not passed"))
            return
        self.listener.begins(stage.name)
        self.log(f"\n=== {stage.name}\n".encode())
        # Where a stage may take as long as it makes progress, what is given limits the silence.
        given = self.limits.get(stage.name)
        if given is not None:
            is_silence = stage.silence_s is not None
            stage = replace(stage, silence_s=given) if is_silence else replace(stage, limit_s=given)
        self.said = None
        begun = time.monotonic()

        def result(outcome: Outcome, diagnosis: Diagnosis | None = None) -> StageResult:
            duration_s = round(time.monotonic() - begun, 3)
            return StageResult(
                stage=stage.name,
                outcome=outcome,
                duration_s=duration_s,
                limit_s=stage.limit_s if stage.silence_s is None else stage.silence_s,
                reason=self.said if outcome == "interrupted" else None,
                diagnosis=diagnosis,
            )

        try:
            diagnosis = self._diagnosis(stage)
        except KeyboardInterrupt:
            self.end()
            self._ended(result("interrupted"))
            raise
        self._ended(result("passed" if diagnosis is None else "failed", diagnosis))

    def result(self, until: str, begun: str) -> Result:
        """Return what there is by now."""
        return Result(
            request=self.request,
            until=until,
            begun=begun,
            python=self.python,
            stages=tuple(self.results),
            found=self.found,
            exit_code=self._exit_code(),
        )

    def end(self) -> None:
        """End the child, if there is one."""
        child, self.child = self.child, None
        if child is not None:
            child.end()

    def _ended(self, result: StageResult) -> None:
        self.results.append(result)
        self.listener.ends(msgspec.convert(self.masking.data(msgspec.to_builtins(result)), StageResult))

    def _exit_code(self) -> int:
        if any(result.outcome == "interrupted" for result in self.results):
            return EXIT_INTERRUPTED
        return next((result.diagnosis.exit_code for result in self.results if result.diagnosis is not None), 0)

    def _diagnosis(self, stage: Stage) -> Diagnosis | None:
        """Run `stage` in the child; return why it failed, None where it passed."""
        tries = [{}, *([stage.second_try] if stage.second_try is not None else [])]
        for environment in tries:
            try:
                return self._verdict(stage, environment)
            except TimeUp as up:
                self.child = None
                if not up.is_silence:
                    return Diagnosed("timeout", stage=stage.name, seconds=up.seconds).at(stage.name)
                self.log(f"--- no progress for {up.seconds:g} s\n".encode())
            except Lacking as lacking:
                self.child = None
                return Diagnosed("package_missing", f"of {self.python}", package=lacking.package).at(stage.name)
            except Ended as ended:
                self.child = None
                return _of_death(ended.status).at(stage.name)
        assert stage.silence_s is not None
        return Diagnosed("download_stalled", seconds=stage.silence_s).at(stage.name)

    def _verdict(self, stage: Stage, environment: Mapping[str, str]) -> Diagnosis | None:
        if self.child is None:
            self.child = Child(self.python, {**os.environ, **environment}, self.log)
        order = Order(stage.name, self.request, self.found)
        verdict = self.child.run(order, stage.limit_s, stage.silence_s, lambda said: self._progressed(stage.name, said))
        if isinstance(verdict, Passed):
            self.found = verdict.found
            return None
        return verdict.diagnosis

    def _progressed(self, stage: str, progress: Progress) -> None:
        self.said = progress.text
        self.listener.progresses(stage, msgspec.structs.replace(progress, text=self.masking.text(progress.text)))


def _of_death(status: int) -> Diagnosed:
    """Return what it means that the child ended by itself."""
    name = signal.Signals(-status).name if status < 0 else f"the exit code {status}"
    if status == -signal.SIGKILL:  # nobody here did: it is how the kernel takes memory back
        return Diagnosed("memory_too_small", "ended by SIGKILL", needed="more than there is", has="less", fits=SMALLER)
    return Diagnosed("unexpected", error=f"the process that ran the stages ended by {name}")


@contextlib.contextmanager
def _log(path: Path | None, masking: Masking) -> Iterator[Callable[[bytes], None]]:
    """Yield what writes to the file at `path`, if any, without secrets; EnvironmentUnfit where it cannot be written."""
    if path is None:
        yield lambda _content: None
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("wb", buffering=0)
    except OSError as error:
        raise EnvironmentUnfit(f"cannot write {path}: {error.strerror}") from error
    rest = b""

    def write(content: bytes) -> None:
        nonlocal rest
        *lines, rest = (rest + content).split(b"\n")  # whole lines: a secret may come in two parts
        said = "".join(f"{masking.text(line.decode('utf-8', 'replace'))}\n" for line in lines)
        try:
            file.write(said.encode())
        except OSError as error:
            raise EnvironmentUnfit(f"cannot write {path}: {error.strerror}") from error

    with file:
        yield write
        write(b"\n")
