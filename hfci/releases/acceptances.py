"""The accepted losses: what a release took from an architecture on purpose, each read in its source, with the reason.

hfci's own stand in `data/accepted.toml`, those of a repository that uses hfci in the file that `[tool.hfci] accepted`
names: it adds to hfci's own, and replaces nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from packaging.version import InvalidVersion, Version

from hfci.cases.manifest import Manifest
from hfci.configuration import load_configuration
from hfci.errors import UsageError
from hfci.parsing import Names, Release, Text, read_toml
from hfci.releases.losses import Kind, Loss, losses, shows
from hfci.testing.ledger_check import supported, unknown

__all__ = [
    "OWN",
    "Acceptance",
    "AcceptanceFile",
    "Judgement",
    "Step",
    "is_older",
    "judge",
    "load_acceptances",
    "read_acceptances",
]

OWN = Path(__file__).parent / "data" / "accepted.toml"

# The kinds of loss that name no part of an architecture, but it all.
WHOLE = (Kind.MODEL_TYPE, Kind.ARCHITECTURE, Kind.BUILD)


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"old": "from", "new": "to"}):
    """From one version of transformers to another."""

    old: Release
    new: Release

    def __post_init__(self) -> None:
        """Raise ValueError where it goes back."""
        if self.new < self.old:
            raise ValueError(f"a loss is from an older version to a newer one, not from {self.old} to {self.new}")

    def __le__(self, other: Step) -> bool:
        """Tell whether `other` contains this one."""
        return other.old <= self.old and self.new <= other.new


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Losses of one kind, accepted from one version of transformers to another.

    They are all that `model_types`, their `architectures` (none: the model types themselves) and `names` (none: the
    architectures themselves) make together.
    """

    model_types: Names
    architectures: Names = ()
    kind: Kind
    names: Names = ()
    transformers: Step
    reason: Annotated[Text, msgspec.Meta(extra_json_schema={"minLength": 20})]

    def __post_init__(self) -> None:
        """Raise ValueError where its kind does not fit what it names."""
        for name, is_due in (("architectures", self.kind != Kind.MODEL_TYPE), ("names", self.kind not in WHOLE)):
            if bool(getattr(self, name)) != is_due:
                raise ValueError(f"a lost {self.kind} {'must have' if is_due else 'has no'} `{name}`")


# What `Row` asks of its fields together.
RULES: dict[str, Any] = {
    "allOf": [
        {
            "if": {"properties": {"kind": {"enum": kinds}}},
            "then": {"properties": {name: False}},
            "else": {"required": [name]},
        }
        for name, kinds in (("architectures", [Kind.MODEL_TYPE]), ("names", list(WHOLE)))
    ]
}


class AcceptanceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The losses that are accepted, each read in the source of transformers."""

    schema: Literal[1]
    loss: Annotated[
        tuple[Annotated[Row, msgspec.Meta(extra_json_schema=RULES)], ...], msgspec.Meta(title="tables, [[loss]]")
    ] = ()


class Acceptance(Row, frozen=True, kw_only=True):
    """Accepted losses, and where that is said."""

    where: str = ""

    def speaks_of(self, step: Step) -> bool:
        """Tell whether the step from one version to another contains this one's."""
        return self.transformers <= step

    def accepts(self, loss: Loss) -> bool:
        """Tell whether a loss is among those that are accepted."""
        return (
            loss.kind == self.kind
            and loss.model_type in self.model_types
            and loss.architecture in (self.architectures or (None,))
            and loss.name in (self.names or (None,))
        )


@dataclass(frozen=True)
class Judgement:
    """Every loss with the reason for which it is accepted, if it is, and what is wrong with the acceptances."""

    losses: tuple[tuple[Loss, str | None], ...]
    problems: tuple[str, ...]

    @property
    def is_red(self) -> bool:
        """Whether something is lost and not accepted, or accepted and not lost."""
        return bool(self.problems) or bool(self.open)

    @property
    def open(self) -> tuple[Loss, ...]:
        """The losses that nobody has accepted."""
        return tuple(loss for loss, reason in self.losses if reason is None)

    @property
    def verdict(self) -> str:
        """The judgement in one line."""
        counts = f"{len(self.losses)} losses, {len(self.open)} not accepted"
        return f"{'Red' if self.is_red else 'Green'}: {counts}, {len(self.problems)} problems of acceptances"

    def to_json(self) -> dict[str, Any]:
        """Return it for programs: each loss with `accepted`, the reason or null."""
        return {
            "losses": [{**vars(loss), "accepted": reason} for loss, reason in self.losses],
            "problems": list(self.problems),
        }


def is_older(version: str, other: str) -> bool:
    """Tell whether one version of transformers is older than the other; UsageError where one of them is no version."""
    try:
        return Version(version) < Version(other)
    except InvalidVersion as error:
        raise UsageError(f"cannot tell which transformers is the newer one: {error}") from error


def judge(old: Manifest, new: Manifest, acceptances: Iterable[Acceptance]) -> Judgement:
    """Return what `new` lacks of `old`, and which of it is accepted.

    What an acceptance says of other versions than these two cannot be tried here: neither are its names looked up, nor
    whether it still holds.
    """
    acceptances, step = tuple(acceptances), _step(old, new)
    lost = losses(old, new)
    speaking = [each for each in acceptances if each.speaks_of(step)]
    judged = ((loss, next((each.reason for each in speaking if each.accepts(loss)), None)) for loss in lost)
    wrong = (f"{each.where}: {text}" for each in acceptances for text in _problems(each, old, new, set(lost)))
    return Judgement(tuple(judged), tuple(wrong))


def _problems(acceptance: Acceptance, old: Manifest, new: Manifest, lost: set[Loss]) -> Iterator[str]:
    """Yield what is wrong with an acceptance: versions that are over, unknown names, what is not lost."""
    own = acceptance.transformers
    if not supported().contains(own.new, prereleases=True):
        yield f"hfci no longer supports transformers {own.new}: it must go"
    # Where it is of one version alone, either manifest may be from after the loss.
    if own.old < own.new and own == _step(old, new):
        yield from _stale(acceptance, old, new, lost)


def _step(old: Manifest, new: Manifest) -> Step:
    return Step(Version(old.transformers), Version(new.transformers))


def _stale(acceptance: Acceptance, old: Manifest, new: Manifest, lost: set[Loss]) -> Iterator[str]:
    rows = {row.model_type: row for row in old.model_types}
    yield from unknown(acceptance.model_types, rows, "model type")
    known = [rows[name] for name in acceptance.model_types if name in rows]
    yield from unknown(acceptance.architectures, {name for row in known for name in row.names}, "class of theirs")
    for row in known:
        own = [name for name in acceptance.architectures or (None,) if name is None or name in row.names]
        if not own:
            yield f"{row.model_type} has none of the classes {', '.join(acceptance.architectures)}"
        for architecture in own:
            for name in acceptance.names or (None,):
                loss = Loss(row.model_type, architecture, acceptance.kind, name)
                if loss not in lost and all(shows(manifest, loss) for manifest in (old, new)):
                    yield f"{loss.whose}: {loss.what} is not lost: it must go"


def read_acceptances(folder: Path | None = None) -> tuple[Acceptance, ...]:
    """Return hfci's own acceptances and those that the `[tool.hfci]` next to `folder` (default: here) points at."""
    added = load_configuration(folder or Path.cwd()).accepted
    return load_acceptances(OWN) + (() if added is None else load_acceptances(added))


def load_acceptances(path: Path) -> tuple[Acceptance, ...]:
    """Read a file of accepted losses; UsageError says what is wrong with it and where."""
    rows = read_toml(path, AcceptanceFile, "the accepted losses").loss
    return tuple(
        Acceptance(**msgspec.structs.asdict(row), where=f"{path}: loss[{index}]") for index, row in enumerate(rows)
    )
