"""What the architectures of one manifest have lost in another: what was asked of them, and is asked no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestRow

__all__ = ["Kind", "Loss", "losses", "shows"]


class Kind(StrEnum):
    """What can be lost."""

    MODEL_TYPE = "model type"
    ARCHITECTURE = "architecture"
    BUILD = "build"
    FAMILY = "family"
    CHECK = "check"
    OUTPUT = "output"


@dataclass(frozen=True)
class Loss:
    """One thing that was there and is not.

    `name` is that of the check or of the output's field; of a family it is `text_encoder to text_decoder`, so that
    another change is another loss. `architecture` is None for a model type that is gone, `name` for what is gone or
    built no more as a whole.
    """

    model_type: str
    architecture: str | None
    kind: Kind
    name: str | None = None

    @property
    def whose(self) -> str:
        """The model type, and the architecture if it is one's."""
        return " ".join(filter(None, (self.model_type, self.architecture)))

    @property
    def what(self) -> str:
        """The kind, and the name if it has one."""
        return " ".join(filter(None, (self.kind, self.name)))


def losses(old: Manifest, new: Manifest) -> tuple[Loss, ...]:
    """Return what `new` lacks of what `old` asks of each architecture, in the order of `old`.

    What is gone as a whole is one loss. A manifest of a schema without outputs has none to lose, and a model that was
    not tried in `new` (a folder rendered with `--scratch`) has not stopped building.
    """
    rows = {row.model_type: row for row in new.model_types}
    return tuple(loss for row in old.model_types for loss in _of_row(row, rows.get(row.model_type)))


def _of_row(old: ManifestRow, new: ManifestRow | None) -> Iterator[Loss]:
    if new is None:
        yield Loss(old.model_type, None, Kind.MODEL_TYPE)
        return
    for before in old.architectures:
        if before.name not in new.names:
            yield Loss(old.model_type, before.name, Kind.ARCHITECTURE)
            continue
        after = new.architecture(before.name)
        for kind, name in _of_architecture(before, after):
            yield Loss(old.model_type, before.name, kind, name)
        left = _checks(new, before.name)
        for check in _checks(old, before.name):
            if check not in left:
                yield Loss(old.model_type, before.name, Kind.CHECK, check)


def _of_architecture(old: ManifestArchitecture, new: ManifestArchitecture) -> Iterator[tuple[Kind, str | None]]:
    if old.parameters is not None and new.parameters is None and _was_tried(new):
        yield Kind.BUILD, None
    if old.family is not None and old.family != new.family:
        yield Kind.FAMILY, f"{old.family} to {new.family or 'none'}"
    for field in old.outputs:
        if field not in new.outputs:
            yield Kind.OUTPUT, field


def shows(manifest: Manifest, loss: Loss) -> bool:
    """Tell whether `manifest` says of the loss's architecture what the loss is of, so that its absence is known."""
    if loss.kind == Kind.BUILD:
        rows = (row for row in manifest.model_types if row.model_type == loss.model_type)
        return any(_was_tried(row.architecture(loss.architecture)) for row in rows)
    if loss.kind == Kind.OUTPUT:  # a schema without outputs has none anywhere
        return any(architecture.outputs for row in manifest.model_types for architecture in row.architectures)
    return True


def _was_tried(architecture: ManifestArchitecture) -> bool:
    return architecture.parameters is not None or architecture.stage is not None or bool(architecture.requires)


def _checks(row: ManifestRow, architecture: str) -> tuple[str, ...]:
    """Return the checks of an architecture in all tiers, each once."""
    return tuple(
        dict.fromkeys(check for case in row.cases if case.architecture == architecture for check in case.checks)
    )
