"""Exceptions to checks: to what a check does not hold whom, and why; rows of data, a file a check.

A check says in its row of the table of which kinds its exceptions may be. The rest of the check stays asked, and where
it can it asks for a proof that an exception is needed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hfci.catalog import transformers_version
from hfci.catalog.whom import Whom
from hfci.checks.table import CHECKS, NOT_ASKED, Check
from hfci.configuration import load_configuration
from hfci.errors import UsageError, nearest
from hfci.parsing import Pattern, Reason, convert, entries_of, read_toml

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["FOLDER", "CheckException", "ExceptionFile", "excused", "names_excepted", "read_exceptions", "reason"]

FOLDER = files("hfci.checks") / "data" / "exceptions"


class CheckException(Whom, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One exception to a check, for those whom it covers.

    - `kind`: one of those that the check's row in the table has
    - `why`: what of the model makes the check wrong
    - `names`: outputs, or patterns of parameters' whole names, each with its own why; none where it is all of the model
    """

    kind: str
    why: Reason
    names: Mapping[str, Reason] = {}


class ExceptionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of `data/exceptions/`: the exceptions to the check that it is named for."""

    exception: tuple[CheckException, ...]


def read_exceptions(folder: Path | Traversable) -> dict[str, tuple[CheckException, ...]]:
    """Return check → the rows of its file in `folder`.

    Raises UsageError with file and row for a file that is no check's, a kind that the check does not know, and a row
    whose names are missing, too many, or no patterns.
    """
    by_check = {}
    for file in entries_of(folder, "exceptions"):
        name = file.name.removesuffix(".toml")
        if name not in CHECKS:
            raise UsageError(f"{file} holds the exceptions of no check.{nearest(name, CHECKS)}")
        by_check[name] = read_toml(file, ExceptionFile, "the exceptions").exception
        for index, row in enumerate(by_check[name]):
            _prove(row, CHECKS[name], f"{file}: exception[{index}]")
    return by_check


def _prove(row: CheckException, check: Check, where: str) -> None:
    """Raise UsageError if the row, which stands `where`, is none that the check may have."""
    kind = check.exceptions.get(row.kind)
    if kind is None:
        near = nearest(row.kind, check.exceptions)
        raise UsageError(f"{where}: {check.name} has no exceptions of the kind {row.kind!r}.{near}")
    if kind.of == "architecture" and row.names:
        raise UsageError(f"{where}: it is about the architecture as a whole, so that it has no names")
    if kind.of != "architecture" and not row.names:
        raise UsageError(f"{where}: it names none of the {kind.of} that it is about")
    for name in row.names if kind.of == "parameters" else ():
        convert(name, Pattern, f"{where}: names")


@functools.cache
def _rows() -> dict[str, tuple[CheckException, ...]]:
    """Return the rows for the installed transformers: the package's, then those of the repository that uses hfci."""
    version, own = transformers_version(), load_configuration(Path.cwd()).exceptions
    by_check = read_exceptions(FOLDER)
    for check, rows in (read_exceptions(own) if own is not None else {}).items():
        by_check[check] = (*by_check.get(check, ()), *rows)
    return {check: tuple(row for row in rows if row.holds_for(version)) for check, rows in by_check.items()}


def _about(check: str, kind: str, model_type: str, architecture: str) -> Iterable[CheckException]:
    if kind not in CHECKS[check].exceptions:
        raise LookupError(f"the table says of no exceptions {kind!r} to {check}")
    return (row for row in _rows().get(check, ()) if row.kind == kind and row.covers(model_type, architecture))


def reason(tiny: TinyModel, check: str, kind: str) -> str | None:
    """Return why `check` has an exception of a `kind` that is about whole architectures; None where it has none."""
    return next((row.why for row in _about(check, kind, tiny.config_type, tiny.architecture)), None)


def names_excepted(tiny: TinyModel, check: str, kind: str) -> dict[str, str]:
    """Return the names of outputs, or the patterns of parameters, that are excepted, each with why.

    What is excepted of the parameters of a model is so too where it is a part of another.
    """
    excepted: dict[str, str] = {}
    for row in _about(check, kind, tiny.config_type, tiny.architecture):
        excepted |= row.names
    if CHECKS[check].exceptions[kind].of == "parameters":
        for prefix, model_type, architecture in _parts(tiny):
            for row in _about(check, kind, model_type, architecture):
                excepted |= {rf"{re.escape(prefix)}\.(?:{pattern})": why for pattern, why in row.names.items()}
    return excepted


def excused(tiny: TinyModel, check: str) -> str | None:
    """Return why `check` is not asked at all, by an exception; None where it is."""
    return reason(tiny, check, NOT_ASKED) if NOT_ASKED in CHECKS[check].exceptions else None


def _parts(tiny: TinyModel) -> Iterable[tuple[str, str, str]]:
    """Yield the models within: where each stands, its model type and its class."""
    from transformers import PreTrainedModel

    for name, part in tiny.model.named_modules():
        if name and isinstance(part, PreTrainedModel):
            yield name, part.config.model_type, type(part).__name__
