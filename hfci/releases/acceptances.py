"""The accepted losses: what a release took from an architecture on purpose, each read in its source, with the reason.

hfci's own stand in `data/accepted.toml`, those of a repository that uses hfci in the file that `[tool.hfci] accepted`
names: it adds to hfci's own, and replaces nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from hfci.cases.manifest import Manifest
from hfci.configuration import load_configuration
from hfci.errors import UsageError, nearest
from hfci.parsing import names, rows_of, text, values_of
from hfci.releases.losses import Kind, Loss, losses, shows
from hfci.testing.audit import supported, unknown

__all__ = [
    "OWN",
    "SCHEMA",
    "SCHEMA_FILE",
    "Acceptance",
    "Judgement",
    "is_older",
    "judge",
    "load_acceptances",
    "read_acceptances",
]

SCHEMA = 1
OWN = Path(__file__).parent / "data" / "accepted.toml"
SCHEMA_FILE = Path(__file__).parent / "data" / "accepted.schema.json"

# The kinds of loss that name no part of an architecture, but it all.
WHOLE = (Kind.MODEL_TYPE, Kind.ARCHITECTURE, Kind.BUILD)


@dataclass(frozen=True)
class Acceptance:
    """Losses of one kind, accepted from one version of transformers to another.

    They are all that `model_types`, their `architectures` (none: the model types themselves) and `names` (none: the
    architectures themselves) make together.
    """

    model_types: tuple[str, ...]
    kind: Kind
    reason: str
    transformers: tuple[Version, Version]
    architectures: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    where: str = ""

    def speaks_of(self, old: Version, new: Version) -> bool:
        """Tell whether the step from one version to the other contains this one's."""
        return old <= self.transformers[0] and self.transformers[1] <= new

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
    acceptances, step = tuple(acceptances), (Version(old.transformers), Version(new.transformers))
    lost = losses(old, new)
    speaking = [each for each in acceptances if each.speaks_of(*step)]
    told = ((loss, next((each.reason for each in speaking if each.accepts(loss)), None)) for loss in lost)
    wrong = (f"{each.where}: {text}" for each in acceptances for text in _problems(each, old, new, set(lost)))
    return Judgement(tuple(told), tuple(wrong))


def _problems(acceptance: Acceptance, old: Manifest, new: Manifest, lost: set[Loss]) -> Iterator[str]:
    """Yield what is wrong with an acceptance: versions that are over, unknown names, what is not lost."""
    start, end = acceptance.transformers
    if not supported().contains(end, prereleases=True):
        yield f"hfci no longer supports transformers {end}: it must go"
    # Where it is of one version alone, either manifest may be from after the loss.
    if start < end and acceptance.transformers == (Version(old.transformers), Version(new.transformers)):
        yield from _stale(acceptance, old, new, lost)


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
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot read the accepted losses {path}: {error}") from error
    return tuple(_acceptance(row, where) for where, row in rows_of(content, "loss", SCHEMA, path, "accepted losses"))


def _acceptance(row: Mapping[str, Any], where: str) -> Acceptance:
    values = values_of(row, _FIELDS, _OPTIONAL, where)
    kind = values["kind"]
    for name, is_due in (("architectures", kind != Kind.MODEL_TYPE), ("names", kind not in WHOLE)):
        if (name in values) != is_due:
            raise UsageError(f"{where}: a lost {kind} {'must have' if is_due else 'has no'} `{name}`")
    return Acceptance(**values, where=where)


# What each field must be: a value of TOML becomes one of Acceptance, or a UsageError.


def _kind(value: Any, where: str) -> Kind:
    if text(value, where) not in list(Kind):
        raise UsageError(f"{where} is no kind of loss: {value!r}; there are {', '.join(Kind)}.{nearest(value, Kind)}")
    return Kind(value)


def _versions(value: Any, where: str) -> tuple[Version, Version]:
    if not isinstance(value, dict) or value.keys() != {"from", "to"}:
        raise UsageError(f"{where} must be {{ from = …, to = … }}, not {value!r:.60}")
    try:
        old, new = (Version(text(value[end], f"{where}.{end}")) for end in ("from", "to"))
    except InvalidVersion as error:
        raise UsageError(f"{where}: {error}") from error
    if new < old:
        raise UsageError(f"{where}: a loss is from an older version to a newer one, not from {old} to {new}")
    return old, new


_FIELDS: dict[str, Callable[[Any, str], Any]] = {
    "model_types": names,
    "architectures": names,
    "kind": _kind,
    "names": names,
    "transformers": _versions,
    "reason": text,
}
_OPTIONAL = ("architectures", "names")
