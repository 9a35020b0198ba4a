"""What no rule can know of a processor class, read from `data/settings.toml`: rows with reasons."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from msgspec import Struct

from hfci.catalog import registries
from hfci.catalog.whom import Whom
from hfci.parsing import Names, Reason, read_toml

__all__ = ["Setting", "SettingFile", "settings_of"]

FILE = files("hfci.tiny") / "processors" / "data" / "settings.toml"


class Setting(Whom, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is said of processor classes, or of all those of some model types.

    - `classes`: the classes, by the names that they have with torchvision
    - `reason`: why any of it
    - `default`: argument → what checkpoints have in place of the class's default; the rules make it tiny
    - `set`: argument → its value
    """

    reason: Reason
    classes: Names | None = None
    default: Mapping[str, Any] = {}
    set: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        """Raise ValueError for a row that is about nobody, or says nothing."""
        if self.classes is None and self.model_types is None:
            raise ValueError("it names neither classes nor model_types")
        if not self.default and not self.set:
            raise ValueError("it changes nothing; it may change default, set")


class SettingFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The file `data/settings.toml`, whose head explains the columns."""

    setting: tuple[Setting, ...]


@functools.cache
def _rows() -> tuple[Setting, ...]:
    version = registries.transformers_version()
    rows = read_toml(FILE, SettingFile, "the settings of processors").setting
    return tuple(row for row in rows if row.holds_for(version))


def settings_of(cls: type[Any], model_type: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the `default` and the `set` that the rows about a `cls` of `model_type` say together."""
    name = cls.__name__.removesuffix("Pil")
    default: dict[str, Any] = {}
    fixed: dict[str, Any] = {}
    for row in _rows():
        if (row.classes is None or name in row.classes) and row.covers(model_type, None):
            default |= copy.deepcopy(dict(row.default))
            fixed |= copy.deepcopy(dict(row.set))
    return default, fixed
