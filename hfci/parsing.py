"""Reading TOML files into msgspec structures: one way, and one kind of error."""

from __future__ import annotations

import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

import msgspec

from hfci.errors import UsageError

__all__ = ["read_toml"]

T = TypeVar("T")


def read_toml(path: Path | Traversable, kind: type[T], what: str) -> T:
    """Return the structure that the TOML file at `path` holds; `what` is what people call such a file.

    Raises UsageError with the file and the row where it cannot be read, is no TOML, or is not what `kind` says.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot read {what} {path}: {error}") from error
