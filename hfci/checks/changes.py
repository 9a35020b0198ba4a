"""Does each change of a configuration do what it did when somebody last looked?"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.cases.ledger import OWN, Ledger, load_ledger
from hfci.catalog import read_row, transformers_version
from hfci.catalog.kept import UNKEPT, kept_in
from hfci.catalog.requirements import absent_packages, needs
from hfci.checks.applicability import NotApplicable
from hfci.checks.asking import load_check
from hfci.checks.floor import different
from hfci.checks.recorded_changes import FOLDER, ChangesFile, Effect, read_changes, versions
from hfci.checks.running import reference
from hfci.checks.table import CHECKS
from hfci.checks.tensors import same_bits
from hfci.errors import Differs, StageError, without_places
from hfci.tiny.changes import Change, changes_of, fields_of, parse_change
from hfci.tiny.model import changed

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["asked_of_changes", "configuration_changes_do_as_recorded", "differences", "effect_of", "effects_of"]

CHECK = "configuration_changes_do_as_recorded"

# Numbers that stand alone, which differ from machine to machine; those in names (`float32`) do not.
_NUMBER = re.compile(r"(?<![A-Za-z_\d])-?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
_PATH = re.compile(r"(?<![\w./])/(?:[\w.+-]+/)*[\w.+-]+")
_LONGEST = 200

_VERBS = {"nothing": "does nothing", "refused": "is refused", "unavailable": "is unavailable"}


def configuration_changes_do_as_recorded(tiny: TinyModel, folder: Path | None = None) -> None:
    """Assert that each change of its configuration, one at a time, does what stands in `folder`.

    It runs, and the checks hold that the table says are asked; it does nothing, up to float error; it is refused by an
    error that names the field; or it fails, with these words or by this cause in the ledger. A field that is None is
    given the value that it was given then, and every field that no change is of is known.

    Raises `NotApplicable` on another device or from another seed than they were tried on, and on another transformers
    where they do something else, or where they were never tried. On the same one both are failures. So it does of what
    is imported where nobody has named a folder for it. StageError where nothing was tried of a model because its own
    forward stops.
    """
    if tiny.device.type != "cpu" or tiny.seed:
        raise NotApplicable("what changes of a configuration do was tried on the CPU, from seed 0")
    folder = folder or kept_in("changes", tiny.model_type, FOLDER)
    if folder is None:
        raise NotApplicable(UNKEPT.format(kind="changes"))
    accept = f"`hfci changes accept {tiny.model_type}` takes a deliberate change over"
    file, version = read_changes(tiny.model_type, folder), transformers_version()
    if file is None and version not in versions(folder):
        raise NotApplicable(f"no changes of its configuration were tried on transformers {version}, nor on another")
    if file is None:
        tiny.forward()  # of a model that stops here itself no change is tried
        raise AssertionError(f"what changes of the configuration of {tiny.model_type} do is not written down; {accept}")
    problems = differences(tiny, file)
    if problems and version != file.transformers:
        raise NotApplicable(f"the configuration is another than on transformers {file.transformers}: {problems[0]}")
    if problems:
        raise AssertionError(f"changes of its configuration do something else: {'; '.join(problems)}. {accept}")


def differences(tiny: TinyModel, file: ChangesFile) -> list[str]:
    """Say in what the changes of the configuration of `tiny` are other ones than in `file`, or do something else."""
    if tiny.architecture != file.architecture:
        return [f"they were tried on {file.architecture}, and this is {tiny.architecture}"]
    recorded = file.by_change
    changes = changes_of(tiny.config, _values_of(recorded))
    problems = [f"{name} cannot be asked any more" for name in recorded if name not in set(map(str, changes))]
    problems += [f"{name} is a field that no change is of" for name in _new(unreached(tiny, changes), file.unreached)]
    for change, effect in effects_of(tiny, changes):
        name = str(change)
        if name not in recorded:
            problems.append(f"{name} is new, and {_in_words(effect)}")
        elif effect != recorded[name]:
            reproduce = f"`hfci tiny {tiny.model_type} --set {shlex.quote(name)}` builds it"
            problems.append(f"{name} {_in_words(effect)}, where it {_in_words(recorded[name])} ({reproduce})")
    return problems


def unreached(tiny: TinyModel, changes: Iterable[Change]) -> tuple[str, ...]:
    """Return the fields of the configuration of `tiny` that none of `changes` is of."""
    reached = {change.field for change in changes}
    return tuple(name for name in fields_of(tiny.config) if name not in reached)


def effects_of(tiny: TinyModel, changes: Sequence[Change]) -> Iterator[tuple[Change, Effect]]:
    """Yield each of `changes` with its effect, alone, on `tiny`.

    Raises StageError where the unchanged model itself does not run.
    """
    reference(tiny)
    checks = asked_of_changes(tiny)
    for change in changes:
        yield change, effect_of(tiny, change, checks)


def asked_of_changes(tiny: TinyModel) -> tuple[str, ...]:
    """Return the checks that are asked of a changed `tiny`: those that apply, and hold of it unchanged."""
    row = read_row(tiny.model_type)
    facts = next(arch.known_facts for arch in row.architectures if arch.name == tiny.architecture)
    due = (CHECKS[name] for name in CHECKS[CHECK].asks)
    return tuple(check.name for check in due if check.holds(facts) and _stopped(tiny, check.name) is None)


def effect_of(tiny: TinyModel, change: Change, checks: Sequence[str]) -> Effect:
    """Return what a change of the configuration of `tiny` does, as far as `checks` see.

    It is the same with other kernels and threads, and whatever was asked before.
    """
    try:
        other = changed(tiny, [change])
        reference(other)
    except StageError as error:
        return _refusal(change, error) or _failure(tiny, change, None, error)
    for name in checks:  # of one with the same outputs too: some fields are read where it is loaded or trained alone
        if (failure := _stopped(other, name)) is not None:
            return _failure(tiny, change, name, failure)
    return Effect("nothing" if _same(tiny, other) else "runs")


def _stopped(tiny: TinyModel, check: str) -> Exception | None:
    """Return what a check ends with, of a model; None where it holds or does not apply."""
    try:
        load_check(check)(tiny)
    except NotApplicable:
        return None
    except Exception as error:  # whatever transformers raises is what the change does
        return error
    return None


def _same(tiny: TinyModel, other: TinyModel) -> bool:
    """Tell whether two models have the same parameters, to the bit, and the same outputs, up to float error.

    Not to the bit: attention in chunks of another size gives the same bits with some kernels, and with others does not.
    """
    before, after = (dict(one.model.named_parameters()) for one in (tiny, other))
    if before.keys() != after.keys() or not all(same_bits(before[name], after[name]) for name in before):
        return False
    was, now = reference(tiny), reference(other)
    return was.keys() == now.keys() and not different(tiny, now, was)


def _refusal(change: Change, error: StageError) -> Effect | None:
    """Return that it is refused, or wants a package, where an error says so; None where it is another one."""
    if absent := absent_packages(error):
        return Effect("unavailable", needs(absent))
    message = str(error.__cause__)
    words = {change.field, change.value} if isinstance(change.value, str) else {change.field}
    named = any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", message) for word in words)
    # `'XConfig' object has no attribute 'field'` names it, and refuses nothing
    return Effect("refused") if named and not isinstance(error.__cause__, AttributeError) else None


def _failure(tiny: TinyModel, change: Change, check: str | None, error: Exception) -> Effect:
    """Return what fails: its cause in the ledger, or else the check, or the stage before any, and in which words."""
    cause = error.__cause__ if isinstance(error, StageError) and error.__cause__ else error
    stage = error.stage if isinstance(error, StageError) else "check"
    kind = AssertionError if isinstance(cause, Differs) else type(cause)  # as the verdict of a test calls it
    about = (transformers_version(), tiny.model_type, tiny.architecture, check, str(change))
    for entry in _ledger().of_change(*about):
        if not entry.is_expired(date.today()) and entry.describes(stage, kind.__name__, str(error)):
            return Effect("fails", f"ledger: {entry.name}")
    return Effect("fails", f"{check or stage}: {_words(cause)}")


@functools.cache
def _ledger() -> Ledger:
    return load_ledger(OWN)


def _words(error: BaseException) -> str:
    """Return what an error says without what differs between machines: of several things the first, no numbers."""
    first, *rest = str(error).partition(";")[0].splitlines() or [""]
    if isinstance(error, AssertionError):  # what it lists, without what it measured there
        text = f"{first} {rest[0].partition(': ')[0] if rest else ''}"
    else:  # what it prints in between is the module or the signature that it is about
        text = f"{type(error).__name__}: {first} {rest[-1].strip() if rest else ''}"
    return _NUMBER.sub("#", _PATH.sub("…", without_places(text)))[:_LONGEST].strip()


def _values_of(recorded: Iterable[str]) -> dict[str, object]:
    """Return the value that each field was given."""
    return {change.field: change.value for change in map(parse_change, recorded)}


def _new(names: Iterable[str], known: Iterable[str]) -> list[str]:
    return [name for name in names if name not in set(known)]


def _in_words(effect: Effect) -> str:
    """Return an effect as the end of a sentence."""
    verb = _VERBS.get(effect.does, effect.does)
    return f"{verb} ({effect.what})" if effect.what else verb
