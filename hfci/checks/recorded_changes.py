"""What each change of a tiny configuration does: a committed file a model type, as when somebody last looked.

They are hfci's own, in `data/changes/`, and go with the package. What does the same stands in one line, so that a
change reads as one. Read without torch.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from hfci.confined import inside, plain_name
from hfci.errors import UsageError
from hfci.parsing import Text, read_json
from hfci.tiny.changes import parse_change
from hfci.writing import replacing

__all__ = ["FOLDER", "SCHEMA", "ChangesFile", "Does", "Effect", "Group", "read_changes", "versions"]

FOLDER = Path(__file__).parent / "data" / "changes"
SCHEMA = 1

# The checks hold; they do, and weights and outputs are as they were; an error names the field; something else goes
# wrong; a package is missing here.
Does = Literal["runs", "nothing", "refused", "fails", "unavailable"]
_NEEDS_WORDS = ("fails", "unavailable")


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a change does; `what` fails, in words without numbers or the cause in the ledger, or is missing."""

    does: Does
    what: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError where it says too little or too much."""
        if bool(self.what.strip()) != (self.does in _NEEDS_WORDS):
            raise ValueError(f"what {' or is '.join(_NEEDS_WORDS)} is said, and nothing of other effects")

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.does}: {self.what}" if self.what else self.does


class Group(Effect, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The changes, `FIELD=VALUE`, that do the same."""

    changes: tuple[Text, ...]


class ChangesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the changes of the configuration of an `architecture` do, on the transformers that they were tried on.

    - `unreached`: the fields of the configuration that no change is of
    """

    schema: Literal[1] = 1
    transformers: str
    model_type: str
    architecture: str
    effects: tuple[Group, ...]
    unreached: tuple[Text, ...]

    def __post_init__(self) -> None:
        """Raise ValueError where a change stands there twice, or is none."""
        every = [change for group in self.effects for change in group.changes]
        if twice := next((change for change in every if every.count(change) > 1), None):
            raise ValueError(f"the change {twice!r:.100} stands there twice")
        try:
            for change in every:
                parse_change(change)
        except UsageError as error:
            raise ValueError(str(error)) from error

    @classmethod
    def of(
        cls,
        transformers: str,
        model_type: str,
        architecture: str,
        effects: Mapping[str, Effect],
        unreached: tuple[str, ...],
    ) -> ChangesFile:
        """Return the file of changes with their effects, grouped in the order in which effects come first."""
        groups: dict[Effect, list[str]] = {}
        for change, effect in effects.items():
            groups.setdefault(effect, []).append(change)
        return cls(
            transformers=transformers,
            model_type=model_type,
            architecture=architecture,
            effects=tuple(Group(effect.does, effect.what, changes=tuple(names)) for effect, names in groups.items()),
            unreached=unreached,
        )

    @property
    def by_change(self) -> dict[str, Effect]:
        """The effect of each change."""
        return {change: Effect(group.does, group.what) for group in self.effects for change in group.changes}

    def write(self, folder: Path) -> Path:
        """Write it into `folder` and return where."""
        path = _path(self.model_type, folder)
        head = {
            "schema": self.schema,
            "transformers": self.transformers,
            "model_type": self.model_type,
            "architecture": self.architecture,
        }
        lines = ["{", *(f" {_line(key)}: {_line(value)}," for key, value in head.items())]
        groups = ",\n".join(f"  {_line(group)}" for group in self.effects)
        lines += [' "effects": [', *([groups] if groups else []), " ],", f' "unreached": {_line(self.unreached)}', "}"]
        with replacing(path) as file:
            file.write("\n".join([*lines, ""]).encode())
        return path


def read_changes(model_type: str, folder: Path = FOLDER) -> ChangesFile | None:
    """Return what the changes of `model_type` do; None where `folder` does not hold it.

    Raises UsageError with the file for what cannot be read, is of another schema, or is another model type's.
    """
    path = _path(model_type, folder)
    if not path.exists():
        return None
    mend = f"remove it, then `hfci changes accept {model_type}`"
    file = read_json(path, ChangesFile, "file of changes", schema=SCHEMA, mend=mend)
    if file.model_type != model_type:
        raise UsageError(f"{path} holds the changes of {file.model_type!r:.100}, not of {model_type}")
    return file


@functools.cache
def versions(folder: Path = FOLDER) -> frozenset[str]:
    """Return the versions of transformers that the changes in `folder` were tried on."""
    files = (read_changes(path.stem, folder) for path in sorted(folder.glob("*.json")))
    return frozenset(file.transformers for file in files if file is not None)


def _path(model_type: str, folder: Path) -> Path:
    try:
        return inside(folder, f"{plain_name(model_type)}.json")
    except ValueError as error:
        raise UsageError(f"no changes can be of {model_type!r:.100}: {error}") from error


def _line(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
