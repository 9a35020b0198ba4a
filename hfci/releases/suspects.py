"""Whether a case, or what an architecture computes, is as it was: what a bisection asks of each candidate."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hfci.cases.case import Case, run_command
from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.cases.variant import Variant
from hfci.checks.table import CHECKS
from hfci.errors import HfciError, NothingToDo, UsageError, nearest
from hfci.releases.bisection import Verdict
from hfci.releases.cases import run_cases
from hfci.releases.changes import ChangeKind
from hfci.releases.comparing import compared
from hfci.releases.environments import Store
from hfci.releases.measurements import Function, Question
from hfci.releases.processes import SideProcess, link_hfci
from hfci.releases.sides import Side, SideKind, full_name
from hfci.releases.source_diff import SourceDiff, differing
from hfci.results import read_results
from hfci.results.identities import identity_of
from hfci.results.text import first_line

__all__ = [
    "Suspect",
    "failing_cases",
    "of_case",
    "of_numbers",
    "parse_suspect",
    "release_of",
    "reproducing",
    "suspected_sources",
]

_CASE = re.compile(
    r"(?P<model_type>[^/\s]+)/(?P<architecture>[^/\s\[\]]+)(?:/(?P<check>[^/\s\[\]]+(?:\[[^\[\]\s]*\])?))?"
)


@dataclass
class Suspect:
    """A case by its ID, or, without a check, what an architecture computes; `tier` is where the case was found."""

    case: str
    model_type: str
    architecture: str | None
    variant: Variant | None
    device: str = "cpu"
    tier: str | None = None

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers in which it may be asked, the likeliest first."""
        assert self.variant is not None
        return (self.tier,) if self.tier is not None else CHECKS[self.variant.check].tiers


def parse_suspect(text: str) -> Suspect:
    """Return what the ID of a case says: `bert/BertModel/forward_is_finite[device=cpu]`, or its first two parts.

    UsageError where it is none, or there is no such check.
    """
    match = _CASE.fullmatch(text) if len(text) < 1_000 and text.isprintable() else None
    if match is None or text.startswith("-"):
        raise UsageError(f"{text!r:.200} is no case: it is MODEL_TYPE/ARCHITECTURE/CHECK, as a report says it")
    architecture = None if match["architecture"] == "-" else match["architecture"]
    if match["check"] is None:
        if architecture is None:
            raise UsageError(f"{text!r:.200} names no architecture")
        return Suspect(text, match["model_type"], architecture, None)
    device = re.search(r"\bdevice=([a-z]+(?::\d+)?)", match["check"])
    variant = Variant.of_case(text)
    if variant.check not in CHECKS:
        raise UsageError(f"there is no check {variant.check!r:.100}.{nearest(variant.check, CHECKS)}")
    return Suspect(text, match["model_type"], architecture, variant, device[1] if device else "cpu")


def failing_cases(records: Path, baseline: Path | None = None) -> list[str]:
    """Return one case of each cause for which some failed in `records`, of those that passed in `baseline`, if given.

    Raises NothingToDo where nothing failed so.
    """
    passed = None
    if baseline is not None:
        passed = {record.case for record in read_results([baseline]) if record.outcome == Outcome.PASSED}
    by_cause: dict[object, str] = {}
    for record in read_results([records]):
        if record.outcome == Outcome.FAILED and record.check and (passed is None or record.case in passed):
            by_cause.setdefault(identity_of(record), record.case)
    if not by_cause:
        raise NothingToDo("no case failed there" + ("" if baseline is None else " that passed in the baseline"))
    return list(by_cause.values())


def release_of(records: Path) -> str | None:
    """Return the release of transformers that the newest of these records is of; None where they do not say."""
    return read_results([records]).headers[-1].versions.get("transformers")


def of_case(store: Store, suspect: Suspect) -> Callable[[Side], tuple[Verdict, str]]:
    """Return what runs the case on a side: good where it passes, bad where it fails, known or not."""

    def test(side: Side) -> tuple[Verdict, str]:
        try:
            with store.environment(side) as environment, tempfile.TemporaryDirectory(prefix="hfci-") as folder:
                for tier in suspect.tiers:
                    assert suspect.variant is not None
                    # The model type: to find an architecture by its name, all model types are looked at.
                    options = (
                        suspect.model_type,
                        "--check",
                        suspect.variant.exact,
                        "--tier",
                        tier,
                        "--device",
                        suspect.device,
                    )
                    for record in run_cases(environment, options, Path(folder) / tier):
                        if _is(record, suspect):
                            suspect.tier = tier
                            return _verdict(record)
        except HfciError as error:
            return Verdict.UNTESTABLE, first_line(str(error))
        return Verdict.UNTESTABLE, "it has no such case"

    return test


def of_numbers(store: Store, suspect: Suspect, good: Side) -> Callable[[Side], tuple[Verdict, str]]:
    """Return what compares an architecture on a side with `good`: good where no number moved beyond float error."""

    def test(side: Side) -> tuple[Verdict, str]:
        wanted = {suspect.model_type: {suspect.architecture or ""}}
        try:
            with (
                store.environment(good) as first,
                store.environment(side) as second,
                compared(first, second, 1) as comparer,
            ):
                rows = [each for row in comparer.compare(wanted) for each in row.architectures]
        except HfciError as error:
            return Verdict.UNTESTABLE, first_line(str(error))
        for each in rows:
            if each.kind in (ChangeKind.SAME, ChangeKind.NOISE):
                return Verdict.GOOD, each.kind
            if each.kind in (ChangeKind.NUMERICS, ChangeKind.FAILS):
                return Verdict.BAD, each.error or f"{each.kind}: {each.fields[0].name}"
            return Verdict.UNTESTABLE, f"{each.kind}: {each.error or ''}"
        return Verdict.UNTESTABLE, "it has no such architecture"

    return test


def suspected_sources(store: Store, suspect: Suspect, good: Side, bad: Side) -> tuple[SourceDiff, ...]:
    """Return how the functions differ that the case, or the architecture, executes on either side."""
    functions: set[Function] = set()
    places = []
    check = suspect.variant.check if suspect.variant is not None else "forward_is_finite"
    question = Question("check", suspect.model_type, (suspect.architecture or "",), check=check)
    for side in (good, bad):
        with store.environment(side) as environment, tempfile.TemporaryDirectory(prefix="hfci-") as folder:
            process = SideProcess(environment, link_hfci(Path(folder)))
            try:
                places.append(Path(process.tell().path))
                for found in process.ask(question).functions.values():
                    functions |= set(found)
            finally:
                process.stop()
    return differing(functions, places[0], places[1])


def reproducing(suspect: Suspect, good: Side, bad: Side) -> list[str]:
    """Return the commands that show it on the last good release, or commit, and on the first bad one."""
    if suspect.variant is None:
        return [shlex.join(["hfci", "compare", full_name(good), full_name(bad), str(suspect.architecture)])]
    lines = []
    for side in (good, bad):
        if side.kind == SideKind.RELEASE:
            lines.append(f"pip install transformers=={side.release} && {_run_command(suspect, suspect.variant)}")
        else:
            checkout = shlex.join(["git", "-C", str(side.path), "checkout", str(side.commit)])
            lines.append(f"{checkout} && {_run_command(suspect, suspect.variant, side.path)}")
    return lines


def _run_command(suspect: Suspect, variant: Variant, source: Path | None = None) -> str:
    case = Case(
        suspect.model_type,
        suspect.architecture,
        None,
        variant.check,
        suspect.tiers[0],
        suspect.device,
        variant.task,
        variant.backend,
        variant.dtype,
    )
    # As a run does that asks for all of its axes.
    return run_command(case, varied=(variant.check,) if CHECKS[variant.check].axes else (), source=source)


def _is(record: Record, suspect: Suspect) -> bool:
    assert suspect.variant is not None
    same = (record.model_type, record.architecture) == (suspect.model_type, suspect.architecture)
    return same and record.check is not None and Variant.of_case(record.case) == suspect.variant


def _verdict(record: Record) -> tuple[Verdict, str]:
    error = record.error
    said = f"{error.type}: {first_line(error.message)}" if error is not None else record.reason or ""
    if record.outcome == Outcome.PASSED:
        return Verdict.GOOD, ""
    if record.outcome in (Outcome.FAILED, Outcome.KNOWN_FAILURE):
        return Verdict.BAD, said
    return Verdict.UNTESTABLE, f"{record.outcome}: {first_line(record.reason or said)}"
