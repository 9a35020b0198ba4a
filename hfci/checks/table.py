"""The table of checks, `data/checks.toml`: which there are, to whom each applies, and where its function is.

It is read without torch, by planning and reporting too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import product
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from hfci.cases.variant import AXES, Variant
from hfci.catalog.rules import Rule
from hfci.errors import UsageError, nearest
from hfci.parsing import read_toml

if TYPE_CHECKING:
    from pathlib import Path

    from hfci.cases.case import Case

__all__ = [
    "CHECKS",
    "FILE",
    "NOT_ASKED",
    "TIERS",
    "Applicable",
    "Check",
    "CheckFile",
    "ExceptionKind",
    "Role",
    "Tier",
    "asked_of",
    "asked_with",
    "read_checks",
]

FILE = files("hfci.checks") / "data" / "checks.toml"

# What an architecture is to its model type: the base that the smoke tier tests, another one, the one that holds a
# part without a class, or the base once more, where the model type as a whole is asked.
Role = Literal["base", "head", "part", "model_type"]

Needs = Literal["forward", "gradient", "copy", "processor", "generation"]
Tier = Literal["smoke", "functional", "deep"]
TIERS: tuple[Tier, ...] = get_args(Tier)

# The kind of exception by which a check is not asked at all; any check may have it.
NOT_ASKED = "not_asked"

# In `axes`: of tasks every one that an architecture can serve; of backends every other one too, where a run names it.
EVERY = "*"

# The axes of which a run may name any other value, than those that are asked without.
_OPEN = ("backend",)


class ExceptionKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What exceptions of a kind are about, and what they mean: the rest of a sentence about them."""

    of: Literal["architecture", "outputs", "parameters", "inputs", "tasks"]
    means: str


class Check(Rule, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One check, a row of the table; the file's head says what each column is."""

    name: str
    theme: str
    tiers: tuple[Tier, ...]
    invariant: str
    excluded: str = ""
    subject: Literal["architecture", "base", "part", "model_type"] = "architecture"
    needs: tuple[Needs, ...] = ()
    packages: tuple[str, ...] = ()
    axes: Mapping[str, tuple[str, ...]] = {}
    only: Mapping[str, frozenset[str]] = {}
    exceptions: Mapping[str, ExceptionKind] = {}
    videos: bool = False
    data: str = ""
    asks: tuple[str, ...] = ()
    written_out: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError where a row contradicts itself."""
        super().__post_init__()
        if not self.tiers:
            raise ValueError(f"{self.name} is of no tier: nobody would ask it")
        if self.subject == "model_type" and "smoke" in self.tiers:
            raise ValueError(f"{self.name}: the smoke tier asks architectures, not model types as a whole")
        if bool(self.all or self.any or self.none) != bool(self.excluded.strip()):
            raise ValueError(f"{self.name}: a rule, and what those are told whom it excludes, go together")
        if (not_asked := self.exceptions.get(NOT_ASKED)) is not None and not_asked.of != "architecture":
            raise ValueError(f"{self.name}: exceptions of the kind {NOT_ASKED} are of an architecture")
        for axis, values in self.axes.items():
            if axis not in AXES:
                raise ValueError(f"{self.name}: no axis {axis!r}; there are {', '.join(AXES)}.{nearest(axis, AXES)}")
            if not values or (EVERY in values and axis not in (*_OPEN, "task")):
                raise ValueError(f"{self.name}: {axis} must name its values; only tasks and backends may be '{EVERY}'")
        known = {value for values in self.axes.values() for value in values}
        if strange := sorted(self.only.keys() - known):
            raise ValueError(f"{self.name}: only {strange[0]!r}: no axis has it.{nearest(strange[0], known)}")

    @property
    def forwards(self) -> bool:
        """Whether it runs the model, or only looks at how it was built."""
        return "forward" in self.needs

    @property
    def module(self) -> str:
        """The dotted name of the module that holds its function."""
        return f"hfci.checks.{self.theme}"

    def is_of(self, tier: str, role: Role) -> bool:
        """Tell whether `tier` asks it of what plays `role` in its model type."""
        if {self.subject, role} & {"part", "model_type"} and self.subject != role:
            return False
        if self.subject == "base" and role != "base":
            return False
        if tier == "smoke":
            return role != "head" and "smoke" in self.tiers
        return tier in self.tiers and not (tier == "functional" and role != "head" and "smoke" in self.tiers)

    @property
    def takes_backends(self) -> bool:
        """Whether a run may have it asked with any backend."""
        return EVERY in self.axes.get("backend", ())

    def variants(self, tasks: Sequence[str] = (), facts: Set[str] = frozenset()) -> Iterator[Variant]:
        """Yield the check with each combination of its axes' values; of an architecture that can serve `tasks`.

        With a value that is of some only, where they have these `facts`.
        """
        named: dict[str, tuple[str, ...]] = {}
        for axis, values in self.axes.items():
            due = (value for value in values if value != EVERY or axis not in _OPEN)
            named[axis] = tuple(value for value in due if self.only.get(value, frozenset()) <= facts)
        if "task" in named:
            named["task"] = tuple(task for task in tasks if {task, EVERY} & {*named["task"]})
        for combination in product(*named.values()):
            yield Variant(self.name, **dict(zip(named, combination, strict=True)))


class CheckFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `data/checks.toml` holds, in the order in which a test file asks them."""

    check: tuple[Check, ...]


def read_checks(path: Path | Traversable) -> dict[str, Check]:
    """Return the checks of a table by name, in its order.

    Raises UsageError with file and row where it is wrong, two rows bear one name, or one names no function.
    """
    rows = read_toml(path, CheckFile, "the table of checks").check
    by_name: dict[str, Check] = {}
    for index, row in enumerate(rows):
        where = f"{path}: check[{index}] ({row.name})"
        if row.name in by_name:
            raise UsageError(f"{where}: another row bears this name")
        by_name[row.name] = row
        if not _defines(row):
            file = f"hfci/checks/{row.theme.replace('.', '/')}.py"
            raise UsageError(f"{where}: {file} defines no function {row.name}")
    for index, row in enumerate(rows):
        if unknown := next((name for name in row.asks if name not in by_name or name == row.name), None):
            near = nearest(unknown, by_name)
            raise UsageError(f"{path}: check[{index}] ({row.name}) asks {unknown!r}, which is no other check.{near}")
    return by_name


def _defines(check: Check) -> bool:
    """Tell whether the module of its theme defines the function, without importing it, which would bring torch."""
    module = files("hfci.checks") / f"{check.theme.replace('.', '/')}.py"
    return module.is_file() and f"\ndef {check.name}(" in module.read_text(encoding="utf-8")


CHECKS: Mapping[str, Check] = read_checks(FILE)


class Applicable(msgspec.Struct, frozen=True):
    """What a tier asks of an architecture: the checks with their axes, and those whose rules exclude it."""

    variants: tuple[Variant, ...]
    excluded: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The variants as they are written in tests and in the manifest."""
        return tuple(map(str, self.variants))


def asked_with(case: Case, backend: str | None) -> Case:
    """Return the case as it is where a run names a `backend`, if its check takes any; as it is where it names none."""
    check = CHECKS.get(case.check or "")
    return replace(case, backend=backend) if backend and check is not None and check.takes_backends else case


def asked_of(facts: Set[str], tier: str, role: Role, tasks: Sequence[str] = ()) -> Applicable:
    """Return what `tier` asks of an architecture with these facts, which can serve `tasks`, in the table's order."""
    due = [check for check in CHECKS.values() if check.is_of(tier, role)]
    return Applicable(
        tuple(variant for check in due if check.holds(facts) for variant in check.variants(tasks, facts)),
        tuple(check.name for check in due if not check.holds(facts)),
    )
