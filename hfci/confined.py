"""Paths that a file names: they stay in the folder that they are relative to, however they are written.

A manifest, a plan or a folder of records may come from anybody: nothing outside their folder is read, run or removed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from hfci.errors import UsageError

__all__ = ["PlainName", "RelativePath", "inside", "plain_name", "relative_path"]

# A part of a path on any system. Without a separator of Windows, the colon of a drive or a stream, control characters,
# surrogates; Windows drops dots and spaces at the end, which makes `.. ` the parent.
_FORBIDDEN = r"\\/:\x00-\x1f\x7f\ud800-\udfff"
_NAME = rf"[^{_FORBIDDEN}]*[^{_FORBIDDEN}. ]"
_PART = re.compile(_NAME)

# What a file says of them. Whole: in Python `$` alone would let a line feed follow.
_WHOLE = r"$(?!\n)"
PlainName = Annotated[
    str, Meta(pattern=rf"^{_NAME}{_WHOLE}", title="a plain name, without slashes, colons or a dot at its end")
]
RelativePath = Annotated[
    str,
    Meta(
        pattern=rf"^{_NAME}(/{_NAME})*{_WHOLE}", title="a path within the folder: relative, with slashes, without '..'"
    ),
]


def relative_path(text: str) -> str:
    """Return `text`, a path with slashes that goes down only; ValueError says that it is none."""
    if not all(map(_PART.fullmatch, text.split("/"))):
        raise ValueError(f"{text!r:.200} is no path within the folder: it must be relative, with slashes, without '..'")
    return text


def plain_name(text: str) -> str:
    """Return `text`, the name of something that stands in a folder; ValueError says that it is none."""
    if not _PART.fullmatch(text):
        raise ValueError(f"{text!r:.200} is no plain name: it must not have slashes, colons or end with a dot")
    return text


def inside(folder: Path, path: str | Path) -> Path:
    """Return `path` in `folder`, be there such a file or not; UsageError where a symbolic link on it leads out."""
    place = folder / path
    if not _stays(folder, place):
        raise UsageError(f"{place} leads out of {folder} by a symbolic link; put what it points to in its place")
    return place


def _stays(folder: Path, place: Path) -> bool:
    try:
        return place.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a circle of links: older Pythons raise RuntimeError
        return False
