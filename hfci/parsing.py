"""Reading TOML files: into structures or, where a field says more than its kind, by functions; one kind of error."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hfci.errors import UsageError, require_keys

__all__ = ["names", "read_toml", "rows_of", "text", "values_of"]

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


# Tables whose fields are checked in words of their own: more than a kind can say.


def rows_of(
    content: Mapping[str, Any], key: str, schema: int, path: Path, called: str
) -> list[tuple[str, dict[str, Any]]]:
    """Return the tables `[[key]]` in decoded TOML, each with where it stands; `called` is what people call them.

    Raises UsageError for another schema, another key beside it, and what is no table.
    """
    if content.get("schema") != schema:
        raise UsageError(f"{path}: schema {content.get('schema')!r}, this hfci reads {schema}")
    require_keys(content, ("schema", key), str(path))
    rows = content.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{path}: {called} are tables, [[{key}]]")
    return [(f"{path}: {key}[{index}]", row) for index, row in enumerate(rows)]


def values_of(
    row: Mapping[str, Any], fields: Mapping[str, Callable[[Any, str], Any]], optional: Collection[str], where: str
) -> dict[str, Any]:
    """Return the values of a row, each made by its field's function; UsageError for unknown and missing fields."""
    require_keys(row, fields, where)
    missing = [name for name in fields if name not in row and name not in optional]
    if missing:
        raise UsageError(f"{where} lacks {', '.join(missing)}")
    return {name: fields[name](value, f"{where}: {name}") for name, value in row.items()}


def text(value: Any, where: str) -> str:
    """Return `value`, which must be a text with something in it; UsageError, with `where`, for anything else."""
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where} must be a text, not {value!r:.60}")
    return value


def names(value: Any, where: str) -> tuple[str, ...]:
    """Return `value`, which must be a list of texts, one at least; UsageError, with `where`, for anything else."""
    if not isinstance(value, list) or not value:
        raise UsageError(f"{where} must be a list of names, not {value!r:.60}")
    return tuple(text(item, where) for item in value)
