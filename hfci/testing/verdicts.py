"""Verdicts: how an exception becomes the outcome of a case."""

from __future__ import annotations

import math
import sys
import traceback
import unittest
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hfci.backends.stages import STOPS, operator_in
from hfci.cases.outcome import Outcome
from hfci.catalog.requirements import absent_packages, needs
from hfci.errors import Broken, Deviates, Deviation, Differs, StageError
from hfci.testing.frames import library_frame
from hfci.testing.memory_guard import MEMORY, is_out_of_memory

if TYPE_CHECKING:
    import pytest

    from hfci.cases.ledger import Entry

__all__ = [
    "Unavailable",
    "Verdict",
    "against_ledger",
    "as_reported",
    "judge",
    "plain",
    "short_traceback",
    "unavailable",
]


ERROR_LENGTH = 4_000  # characters of a message, and of a traceback's tail, that a record keeps


class Unavailable(Exception):
    """This machine lacks something the case needs; the message names it."""


def unavailable(reason: str) -> NoReturn:
    """End the running case as `unavailable`. `reason` names the package, device or memory that is missing."""
    raise Unavailable(reason)


class Verdict(dict[str, Any]):
    """What one phase of a test adds to its record; a plain dict, so that it travels between processes."""

    @classmethod
    def failed(cls, kind: str, message: str, stage: str = "check", traceback: str = "") -> Verdict:
        """Return the verdict of a failure: `kind` is the exception's type or hfci's own word for it."""
        error = {
            "type": kind,
            "message": _both_ends(plain(message)),
            "traceback": plain(traceback)[-ERROR_LENGTH:],
        }
        return cls(outcome=Outcome.FAILED.value, stage=stage, error=error)

    def raised_by(self, error: BaseException) -> Verdict:
        """Return the verdict of a failure with where `error` comes from."""
        module = error.module if isinstance(error, Differs) else None
        found = {"frame": library_frame(error), "module": module}
        if self["stage"] in STOPS:
            found["operator"] = operator_in(self["error"]["message"])
        if isinstance(error, Deviates) and error.worst is not None:
            found["worst"] = _worst(error.worst)
        return Verdict(self, error={**self["error"], **plain(found)})

    def traced(self, traceback: str) -> Verdict:
        """Return the verdict of a failure with another traceback."""
        return Verdict(self, error={**self["error"], "traceback": plain(traceback)[-ERROR_LENGTH:]})


def _worst(worst: Deviation) -> dict[str, Any]:
    numbers = {"difference": worst.difference, "allowed": worst.allowed}
    finite = {name: value for name, value in numbers.items() if value is not None and math.isfinite(value)}
    return {"output": worst.output, **finite, "place": list(worst.place)}


def _both_ends(message: str) -> str:
    """Return a message that is no longer than a record keeps; what was wrong stands at its beginning or at its end."""
    half = ERROR_LENGTH // 2 - 2
    return message if len(message) <= ERROR_LENGTH else f"{message[:half]} … {message[-half:]}"


def judge(error: BaseException | None, building: bool) -> Verdict:
    """Return what it means here that a phase ended with `error`, or without.

    `building` says that the phase was to make the tiny model. A skip or an xfail is a failure: what cannot
    run says so by `unavailable(reason)`, what does not apply by `NotApplicable(reason)`.
    """
    import pytest  # here, since `unavailable` is imported by commands that run no test

    if error is None:
        return Verdict(outcome=Outcome.PASSED.value)
    if isinstance(error, Unavailable):
        return Verdict(outcome=Outcome.UNAVAILABLE.value, reason=plain(str(error)))
    if _is_not_applicable(error):
        return Verdict(outcome=Outcome.NOT_APPLICABLE.value, reason=plain(str(error)))
    if isinstance(error, pytest.skip.Exception | unittest.SkipTest):
        return Verdict.failed("Skipped", f"a skip must name what is missing, by unavailable(): {error}")
    stage = error.stage if isinstance(error, StageError) else "build" if building else "check"
    if is_out_of_memory(error):
        cause = error.__cause__ if isinstance(error, StageError) and error.__cause__ else error
        return Verdict.failed(type(cause).__name__, str(error), MEMORY).raised_by(error)
    if isinstance(error, StageError | ImportError) and (absent := absent_packages(error)):
        return Verdict(outcome=Outcome.UNAVAILABLE.value, stage=stage, reason=needs(absent))
    if isinstance(error, Broken):
        broken = Verdict.failed(AssertionError.__name__, str(error), stage).raised_by(error)
        return Verdict(broken, names=list(error.names))
    if isinstance(error, Deviates):
        return Verdict.failed(AssertionError.__name__, str(error), "compare").raised_by(error)
    cause = error.__cause__ if isinstance(error, StageError) and error.__cause__ else error
    kind = AssertionError if isinstance(cause, Differs) else type(cause)
    return Verdict.failed(kind.__name__, str(error), stage).raised_by(error)


def as_reported(verdict: Verdict, report: pytest.TestReport) -> Verdict:
    """Return the verdict in the light of pytest's `report`: marks have their say, the traceback is the one shown."""
    if hasattr(report, "wasxfail") or (verdict["outcome"] == Outcome.PASSED and report.failed):
        return Verdict.failed("Xfail", "xfail hides a failure; enter it in the ledger of known failures")
    if not report.failed or verdict["outcome"] != Outcome.FAILED:
        return verdict
    return verdict.traced(report.longreprtext)


def short_traceback(error: BaseException, file: Path) -> str:
    """Return Python's own traceback of `error`, from the frame of the test in `file` on.

    pytest's parses every file that it shows a line of, whatever its size.
    """
    every = frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != str(file):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames or every))


def against_ledger(verdict: Verdict, entries: Sequence[Entry], today: date, *, is_over: bool) -> Verdict:
    """Return what `verdict` is in the light of the ledger's `entries` on this case.

    A failure that one of them describes is a known failure, if all that it names is covered by those that do. A pass,
    once the test `is_over`, is a failure: the entry must go, if it names the model type. Any other failure stays one,
    with what the ledger has to say of it as its reason.
    """
    in_force = [entry for entry in entries if not entry.is_expired(today)]
    named = [entry for entry in in_force if entry.model_types]
    if verdict["outcome"] == Outcome.PASSED and is_over and named:
        entry = named[0]
        message = f"this passes, but {entry.title} says that it fails at {entry.stage}: the entry must go"
        return Verdict.failed("LedgerEntryMustGo", message)
    if verdict["outcome"] != Outcome.FAILED or not entries:
        return verdict
    stage, error = verdict["stage"], verdict["error"]
    described = [entry for entry in entries if entry.describes(stage, error["type"], error["message"])]
    valid = [entry for entry in described if entry in in_force]
    known = next(iter(valid), None)
    new = [name for name in verdict.get("names", ()) if not any(entry.covers(name) for entry in valid)]
    if known is not None and new:
        return Verdict(verdict, reason=f"{known.title} does not speak of {', '.join(new[:8])}")
    if known is not None:
        return Verdict(verdict, outcome=Outcome.KNOWN_FAILURE.value, reason=f"{known.name}: {known.reason}")
    entry = (*described, *entries)[0]
    if described:
        return Verdict(verdict, reason=f"{entry.title} described this until it expired on {entry.expires}")
    return Verdict(verdict, reason=f"{entry.title} speaks of another failure: {entry.error.type} at {entry.stage}")


def _is_not_applicable(error: BaseException | None) -> bool:
    # A test that raised it has imported hfci.checks; importing it here would bring torch.
    checks = sys.modules.get("hfci.checks")
    return checks is not None and isinstance(error, getattr(checks, "NotApplicable", ()))


def plain(data: Any) -> Any:
    """Return `data`, of the types that JSON has, without lone surrogates, which neither execnet nor UTF-8 takes."""
    if isinstance(data, str):
        return data if data.isascii() else data.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(data, dict):
        return {plain(name): plain(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return type(data)(map(plain, data))
    return data
