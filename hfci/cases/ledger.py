"""The ledger: failures that are transformers' own, entered with reason, link, versions, expiry and a reproducer.

A case that fails as an entry says is a `known-failure`; one that passes although an entry speaks of it fails,
since the entry must go. hfci's own entries stand in `data/ledger.toml`, those of a repository that uses hfci in
the file that `[tool.hfci] ledger` names: it adds to hfci's own, and replaces nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hfci.cases.outcome import STAGES
from hfci.configuration import load_configuration
from hfci.errors import UsageError, nearest
from hfci.parsing import names, rows_of, text, values_of

__all__ = ["OWN", "SCHEMA", "SCHEMA_FILE", "Entry", "Ledger", "load_ledger", "parse_ledger", "read_ledger"]

SCHEMA = 1
OWN = Path(__file__).parent / "data" / "ledger.toml"
SCHEMA_FILE = Path(__file__).parent / "data" / "ledger.schema.json"

# The stages that say where transformers itself stops, whatever is asked of the model; the others belong to a check.
BEFORE_CHECKS = ("config", "build", "inputs", "forward")


@dataclass(frozen=True)
class Entry:
    """One known failure: whom it strikes, where, with which error, in which versions, and until when.

    `architectures` and `checks` left empty mean every one; a check that never forwards (`builds_tiny`) is not among
    them where the inputs or the forward fail. `error` is the exception's type and a text that its message contains.
    """

    name: str
    model_types: tuple[str, ...]
    stage: str
    error: tuple[str, str]
    reason: str
    link: str
    transformers: SpecifierSet
    expires: date
    architectures: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    reproducer: str = ""
    file: Path = OWN

    @property
    def title(self) -> str:
        """The entry's name and where it stands."""
        return f"the ledger's entry {self.name} ({self.file.name})"

    def is_for(self, version: str) -> bool:
        """Tell whether the entry speaks of transformers `version`, pre-releases of it too."""
        return self.transformers.contains(version, prereleases=True)

    def is_expired(self, today: date) -> bool:
        """Tell whether the day of expiry is over."""
        return self.expires < today

    def strikes(
        self, model_type: str, architecture: str | None, check: str | None = None, *, forwards: bool = True
    ) -> bool:
        """Tell whether the entry speaks of a check on an architecture; of any check, where `check` is None.

        `forwards` says whether the check runs the model: one that does not never gets to the inputs or the forward.
        """
        of_model = model_type in self.model_types and architecture in (self.architectures or (architecture,))
        gets_there = forwards or self.stage not in ("inputs", "forward")
        return of_model and gets_there and (check is None or check in (self.checks or (check,)))

    def describes(self, stage: str, kind: str, message: str) -> bool:
        """Tell whether an error of type `kind` at `stage` is the one that was entered.

        An assertion of a check is hfci's own, in words that change with what it measured: there the check and the
        stage say which failure it is.
        """
        is_own = self.stage == "check" and kind == "AssertionError"
        return stage == self.stage and kind == self.error[0] and (is_own or self.error[1] in message)


@dataclass(frozen=True)
class Ledger:
    """Entries, hfci's own first."""

    entries: tuple[Entry, ...] = ()

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries."""
        return iter(self.entries)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.entries)

    def on(
        self,
        version: str,
        model_type: str,
        architecture: str | None,
        check: str | None = None,
        *,
        forwards: bool = True,
    ) -> tuple[Entry, ...]:
        """Return the entries that speak of transformers `version` and of this check on this architecture."""
        return tuple(
            entry
            for entry in self.entries
            if entry.strikes(model_type, architecture, check, forwards=forwards) and entry.is_for(version)
        )


def read_ledger(folder: Path | None = None) -> Ledger:
    """Return hfci's own entries and those that the `[tool.hfci]` next to `folder` (default: here) points at."""
    own, added = load_ledger(OWN), load_configuration(folder or Path.cwd()).ledger
    return own if added is None else Ledger((*own, *load_ledger(added)))


def load_ledger(path: Path) -> Ledger:
    """Read a ledger file; UsageError says what is wrong with it and where."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot read the ledger {path}: {error}") from error
    return parse_ledger(content, path)


def parse_ledger(content: Mapping[str, Any], path: Path) -> Ledger:
    """Return the ledger in decoded TOML.

    A missing or bad reproducer, unknown names and an expiry that is over are no errors here: `hfci ledger check` says
    them of each entry.
    """
    entries = [_entry(row, where, path) for where, row in rows_of(content, "entry", SCHEMA, path, "entries")]
    called = [entry.name for entry in entries]
    for name in called:
        if called.count(name) > 1:
            raise UsageError(f"{path}: two entries are named {name!r}")
    return Ledger(tuple(entries))


def _entry(row: Mapping[str, Any], where: str, path: Path) -> Entry:
    where = f"{where} ({row['name']})" if isinstance(row.get("name"), str) else where
    values = values_of(row, _FIELDS, _OPTIONAL, where)
    if values["stage"] not in BEFORE_CHECKS and not values.get("checks"):
        raise UsageError(f"{where}: what fails at {values['stage']} is a check; `checks` must name which")
    return Entry(**values, file=path)


# What each field must be: a value of TOML becomes one of Entry, or a UsageError.


def _stage(value: Any, where: str) -> str:
    if text(value, where) not in STAGES:
        raise UsageError(f"{where} is no stage: {value!r}; there are {', '.join(STAGES)}.{nearest(value, STAGES)}")
    return str(value)


def _error(value: Any, where: str) -> tuple[str, str]:
    if not isinstance(value, dict) or value.keys() != {"type", "message"}:
        raise UsageError(f"{where} must be {{ type = …, message = … }}, not {value!r:.60}")
    return text(value["type"], f"{where}.type"), text(value["message"], f"{where}.message")


def _versions(value: Any, where: str) -> SpecifierSet:
    try:
        return SpecifierSet(text(value, where))
    except InvalidSpecifier as error:
        raise UsageError(f"{where} must be PEP 440 specifiers such as '>=5.17,<5.24', not {value!r:.60}") from error


def _day(value: Any, where: str) -> date:
    # A date and time of TOML is a `datetime`, which is a `date` too.
    if not isinstance(value, date) or isinstance(value, datetime):
        raise UsageError(f"{where} must be a date such as 2027-03-31, without quotes, not {value!r:.60}")
    return value


_FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "name": text,
    "model_types": names,
    "architectures": names,
    "checks": names,
    "stage": _stage,
    "error": _error,
    "reason": text,
    "link": text,
    "transformers": _versions,
    "expires": _day,
    "reproducer": text,
}
_OPTIONAL = ("architectures", "checks", "reproducer")
