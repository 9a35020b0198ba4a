"""Since which release transformers has a model type, by data/first_releases.toml.

`nox -s first-releases` adds new releases to it.
"""

from __future__ import annotations

import functools
from importlib.resources import files

import msgspec

from hfci.parsing import Release, Text, read_toml

__all__ = ["FirstReleaseFile", "ReleaseRow", "first_release", "read_first_releases"]

FILE = files("hfci.releases") / "data" / "first_releases.toml"


class ReleaseRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A release, and the model types that it was the first to have."""

    version: Release
    model_types: tuple[Text, ...]


class FirstReleaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The releases after `since`, oldest first; what that had already stands in no row."""

    since: Release
    release: tuple[ReleaseRow, ...]


@functools.cache
def read_first_releases() -> FirstReleaseFile:
    """Return the file of the package."""
    return read_toml(FILE, FirstReleaseFile, "the first releases")


def first_release(model_type: str) -> str | None:
    """Return the first release that has `model_type`, None where none has that is known here."""
    rows = read_first_releases().release
    return next((str(row.version) for row in rows if model_type in row.model_types), None)
