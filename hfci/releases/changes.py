"""What a comparison of two sides says: of each architecture its kind of change, and on which sources that depends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hfci.releases.measurements import Field, Forwarded, Interface, Row, Told
from hfci.releases.source_diff import SourceDiff

__all__ = [
    "SCHEMA_FILE",
    "ArchitectureChange",
    "CaseChange",
    "ChangeKind",
    "Changes",
    "ModelTypeChange",
    "config_changes",
    "interface_changes",
    "kind_of",
]

SCHEMA_FILE = Path(__file__).parent / "data" / "changes.schema.json"

Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class ChangeKind(StrEnum):
    """How an architecture is on the second side, as on the first one it is; the worst last."""

    SAME = "same bits"
    NOISE = "within float error"
    NUMERICS = "numerics changed"
    ADDED = "added"
    REMOVED = "removed"
    MENDED = "works now"
    FAILS = "fails now"
    BROKEN = "fails on both"


class ArchitectureChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One architecture.

    - `fields`: what it gives otherwise, the farthest first
    - `interface`: what it takes, gives, serves or is asked otherwise, a line each
    - `keys`: of its weights that are other ones once they are loaded
    - `stage`, `error`: where it stops, and why
    - `sources`: the keys of the sources that differ and that it executes; what it computes otherwise is in one of them
    - `note`: what else to know of how it was compared
    """

    name: str
    kind: ChangeKind
    family: str = ""
    fields: tuple[Field, ...] = ()
    interface: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    stage: str | None = None
    error: str | None = None
    sources: tuple[str, ...] = ()
    note: str | None = None
    seconds: Seconds = 0.0


class ModelTypeChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model type: whether it is `added` or `removed`, its configuration's changes, its architectures."""

    model_type: str
    is_there: Literal["both", "added", "removed"] = "both"
    config: tuple[str, ...] = ()
    config_sources: tuple[str, ...] = ()
    architectures: tuple[ArchitectureChange, ...] = ()
    error: str | None = None


class CaseChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case that ended otherwise on the second side."""

    case: str
    before: str
    after: str
    reason: str = ""
    reproduce: str = ""


class Changes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What changed from one side to the other.

    - `names`: what was asked about; nothing is everything
    - `sources`: the differing sources by key
    - `left`: the model types that were not compared, since somebody interrupted it
    - `tier`: which was run on both sides, if any; then `failing` and `fixed` are its cases
    - `seconds`: that it took, and `computing`: those of builds, loads and forwards, of all processes together
    """

    schema: Literal[1] = 1
    before: str
    after: str
    sides: tuple[Told, Told]
    names: tuple[str, ...] = ()
    model_types: tuple[ModelTypeChange, ...] = ()
    sources: dict[str, SourceDiff] = {}
    left: tuple[str, ...] = ()
    tier: str | None = None
    failing: tuple[CaseChange, ...] = ()
    fixed: tuple[CaseChange, ...] = ()
    seconds: Seconds = 0.0
    computing: Seconds = 0.0

    @property
    def counts(self) -> dict[ChangeKind, int]:
        """How many architectures are of each kind, none left out."""
        found = Counter(each.kind for _, each in self.each())
        return {kind: found[kind] for kind in ChangeKind}

    @property
    def is_red(self) -> bool:
        """Whether something works no more."""
        return bool(self.failing) or bool(self.counts[ChangeKind.FAILS])

    def each(self) -> Iterator[tuple[ModelTypeChange, ArchitectureChange]]:
        """Yield each architecture with its model type."""
        for row in self.model_types:
            for architecture in row.architectures:
                yield row, architecture


def kind_of(before: Forwarded, after: Forwarded, repeated: Forwarded | None) -> ChangeKind:
    """Return the kind of change of an architecture that is on both sides; `repeated` has what float error does."""
    if before.error is not None:
        return ChangeKind.BROKEN if after.error is not None else ChangeKind.MENDED
    if after.error is not None:
        # what cannot be loaded where it was saved either is no change
        return ChangeKind.BROKEN if repeated is not None and repeated.stage == after.stage else ChangeKind.FAILS
    if after.same:
        return ChangeKind.SAME
    allowed = {field.name: field.allowed for field in repeated.fields} if repeated is not None else {}
    for field in after.fields:
        limit = allowed.get(field.name)
        if field.what or field.moved is None or limit is None or field.moved > limit:
            return ChangeKind.NUMERICS
    return ChangeKind.NOISE


def interface_changes(before: Interface, after: Interface) -> Iterator[str]:
    """Yield how what an architecture takes, gives, serves and is asked differs, a line each."""
    if before.error or after.error:
        if before.error != after.error:
            yield f"can be imported: {before.error or 'yes'}, now {after.error or 'yes'}"
        return
    if before.family != after.family:
        yield f"family {before.family}, now {after.family}"
    yield from _of("argument", before.arguments, after.arguments)
    for word in before.arguments.keys() & after.arguments.keys():
        old, new = before.arguments[word], after.arguments[word]
        if old != new:
            yield f"argument {old} is spelled {new}; the old name is known"
    yield from _of("output field", before.outputs, after.outputs)
    yield from _of("pipeline task", before.tasks, after.tasks)
    yield from _of("check", before.checks, after.checks, gone="applies no more", new="applies now")


def config_changes(before: Row, after: Row) -> Iterator[str]:
    """Yield how the fields of the default configuration differ, a line each."""
    yield from _of("field", before.config, after.config)
    for name, value in before.config.items():
        if name in after.config and after.config[name] != value:
            yield f"field {name} is {after.config[name]} by default, was {value}" if name else after.config[name]


def _of(
    what: str,
    before: Mapping[str, str] | tuple[str, ...],
    after: Mapping[str, str] | tuple[str, ...],
    *,
    gone: str = "is gone",
    new: str = "is new",
) -> Iterator[str]:
    yield from (f"{what} {name} {gone}" for name in before if name not in after)
    yield from (f"{what} {name} {new}" for name in after if name not in before)
