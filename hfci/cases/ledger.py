"""The ledger: failures that are transformers' own, entered with reason, link, versions, expiry and a reproducer.

A case that fails as an entry says is a `known-failure`; one that passes although an entry speaks of it fails,
since the entry must go. hfci's own entries stand in `data/ledger.toml`, those of a repository that uses hfci in
the file that `[tool.hfci] ledger` names: it adds to hfci's own, and replaces nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hfci.cases.outcome import Stage
from hfci.configuration import load_configuration
from hfci.parsing import Names, Specifiers, Text, convert, read_toml

__all__ = ["OWN", "Entry", "Failure", "Ledger", "LedgerFile", "load_ledger", "parse_ledger", "read_ledger"]

OWN = Path(__file__).parent / "data" / "ledger.toml"

# The stages that say where transformers itself stops, whatever is asked of the model; the others belong to a check.
BEFORE_CHECKS = ("config", "build", "inputs", "forward")

# What the schema asks of hfci's own entries, and reading of nobody's.
NAMED = {"allOf": [{"pattern": "^[a-z0-9]+([-_.][a-z0-9]+)*$"}]}
TOLD = {"allOf": [{"pattern": "^https://github\\.com/huggingface/transformers/\\S+$"}]}


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An error: the exception's type, and a text that its message contains."""

    type: Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]*$", title="the name of an exception's class")]
    message: Annotated[Text, Meta(extra_json_schema={"minLength": 5})]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One known failure: whom it strikes, where, with which error, in which versions, and until when.

    - `model_types`: left empty, every one that fails so; whoever passes then is no error, since none was named
    - `architectures`, `checks`: left empty they mean every one; a check that never forwards (`builds_tiny`) is not
      among them where the inputs or the forward fail
    - `tasks`: of a check that is asked once a task, of which it fails; left empty, of every one
    - `names`: patterns of what fails, of a check that names it (parameters, say): what else fails so is no known
      failure; left empty, whatever it names
    - `changes`: patterns of `FIELD=VALUE`: the failure is of a configuration so changed, and of no case; by it
      `configuration_changes_do_as_recorded` says why what such a change does fails
    - `without`: packages that are all missing where it fails so; where one is installed it speaks of no case
    - `link`: where it was told to transformers
    - `expires`: the entry holds until the end of this day
    - `reproducer`: a program that fails in this way, with transformers alone
    """

    name: Annotated[Text, Meta(extra_json_schema=NAMED)]
    model_types: Names = ()
    architectures: Names = ()
    checks: Names = ()
    tasks: Names = ()
    names: Names = ()
    changes: Names = ()
    without: Names = ()
    stage: Stage
    error: Failure
    reason: Annotated[Text, Meta(extra_json_schema={"minLength": 20})]
    link: Annotated[Text, Meta(extra_json_schema=TOLD)]
    transformers: Specifiers
    expires: Annotated[date, Meta(title="a date such as 2027-03-31, without quotes")]
    reproducer: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError where it does not say which check fails."""
        if self.stage not in BEFORE_CHECKS and not self.checks:
            raise ValueError(f"what fails at {self.stage} is a check; `checks` must name which")
        if not self.model_types and not self.checks:
            raise ValueError("it names neither `model_types` nor `checks`, and would speak of every case")
        if self.changes and not self.model_types:
            raise ValueError("it is of changes of a configuration; `model_types` must name whose")


class Entry(Row, frozen=True, kw_only=True):
    """A known failure, and the file that holds it."""

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
        self,
        model_type: str,
        architecture: str | None,
        check: str | None = None,
        task: str | None = None,
        *,
        forwards: bool = True,
    ) -> bool:
        """Tell whether the entry speaks of a check, of its `task`, on an architecture; of any, where `check` is None.

        `forwards` says whether the check runs the model: one that does not never gets to the inputs or the forward.
        """
        of_type = model_type in (self.model_types or (model_type,))
        of_model = of_type and architecture in (self.architectures or (architecture,))
        gets_there = forwards or self.stage not in ("inputs", "forward")
        asked = check in (self.checks or (check,)) and task in (self.tasks or (task,))
        return of_model and gets_there and (check is None or asked)

    def covers(self, name: str) -> bool:
        """Tell whether `name`, of what a check says that fails, is among what was entered."""
        return not self.names or any(fnmatchcase(name, pattern) for pattern in self.names)

    def describes(self, stage: str, kind: str, message: str) -> bool:
        """Tell whether an error of type `kind` at `stage` is the one that was entered.

        An assertion of a check is hfci's own, in words that change with what it measured: there the check and the
        stage say which failure it is.
        """
        is_own = self.stage in ("check", "compare") and kind == "AssertionError"
        return stage == self.stage and kind == self.error.type and (is_own or self.error.message in message)


# What `Row` asks of its fields together.
RULES: dict[str, Any] = {
    "if": {"properties": {"stage": {"enum": list(BEFORE_CHECKS)}}},
    "else": {"required": ["checks"]},
    "anyOf": [{"required": ["model_types"]}, {"required": ["checks"]}],
    "dependentRequired": {"changes": ["model_types"]},
}


class LedgerFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The failures that are transformers' own."""

    schema: Literal[1]
    entry: Annotated[tuple[Annotated[Row, Meta(extra_json_schema=RULES)], ...], Meta(title="tables, [[entry]]")] = ()

    def __post_init__(self) -> None:
        """Raise ValueError where two entries bear one name."""
        called = [row.name for row in self.entry]
        if twice := next((name for name in called if called.count(name) > 1), None):
            raise ValueError(f"two entries are named {twice!r:.80}")


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
        task: str | None = None,
        *,
        forwards: bool = True,
    ) -> tuple[Entry, ...]:
        """Return the entries that speak of transformers `version` and of this check and task on this architecture.

        Those of changed configurations are not among them.
        """
        return tuple(
            entry
            for entry in self._that_may_strike(model_type)
            if not entry.changes
            and entry.strikes(model_type, architecture, check, task, forwards=forwards)
            and entry.is_for(version)
        )

    def of_change(
        self, version: str, model_type: str, architecture: str, check: str | None, change: str
    ) -> tuple[Entry, ...]:
        """Return the entries that speak of `change`, `FIELD=VALUE`, of a configuration of this architecture.

        And of the check that fails then, or of any, where it is not at a check that it fails.
        """
        return tuple(
            entry
            for entry in self._that_may_strike(model_type)
            if any(fnmatchcase(change, pattern) for pattern in entry.changes)
            and entry.strikes(model_type, architecture, check)
            and entry.is_for(version)
        )

    def _that_may_strike(self, model_type: str) -> tuple[Entry, ...]:
        """Keep the entries of a model type, and of every one: of each of its cases, some hundred, they are asked."""
        if model_type not in self._by_model_type:
            named = (entry for entry in self.entries if model_type in (entry.model_types or (model_type,)))
            self._by_model_type[model_type] = tuple(named)
        return self._by_model_type[model_type]

    @functools.cached_property
    def _by_model_type(self) -> dict[str, tuple[Entry, ...]]:
        return {}


def read_ledger(folder: Path | None = None) -> Ledger:
    """Return hfci's own entries and those that the `[tool.hfci]` next to `folder` (default: here) points at."""
    own, added = load_ledger(OWN), load_configuration(folder or Path.cwd()).ledger
    return own if added is None else Ledger((*own, *load_ledger(added)))


def load_ledger(path: Path) -> Ledger:
    """Read a ledger file; UsageError says what is wrong with it and where.

    A missing or bad reproducer, unknown names and an expiry that is over are no errors here: `hfci ledger check` says
    them of each entry.
    """
    return _ledger(read_toml(path, LedgerFile, "the ledger"), path)


def parse_ledger(content: Mapping[str, Any], path: Path) -> Ledger:
    """Return the ledger in decoded TOML, as `load_ledger` does."""
    return _ledger(convert(content, LedgerFile, str(path)), path)


def _ledger(file: LedgerFile, path: Path) -> Ledger:
    return Ledger(tuple(Entry(**msgspec.structs.asdict(row), file=path) for row in file.entry))
