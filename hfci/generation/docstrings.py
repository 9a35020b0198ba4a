"""What the docstring of a structure says of it and of its fields."""

from __future__ import annotations

import inspect
import re

__all__ = ["told"]

# `- `name`, `other`: text; `third`: text`, over one line or more.
_BULLET = re.compile(r"^- (`[^`]+`.*(?:\n  .*)*)\n?", re.MULTILINE)
_NAMES = r"`[^`]+`(?:, `[^`]+`)*: "
_TOLD = re.compile(rf"(?:^|; )({_NAMES})(.*?)(?=; {_NAMES}|$)", re.DOTALL)


def told(docstring: str) -> tuple[str, list[tuple[tuple[str, ...], str]]]:
    """Return what a docstring says of the whole, in one line, and what it lists: names of fields, and what they are."""
    text = inspect.cleandoc(docstring).replace("None", "null")
    listed = [
        (tuple(re.findall(r"`([^`]+)`", names)), description)
        for bullet in _BULLET.findall(text)
        for names, description in _TOLD.findall(" ".join(bullet.split()))
    ]
    return " ".join(_BULLET.sub("", text).split()), listed
