"""What a repository that uses hfci says in its `pyproject.toml`: the table `[tool.hfci]`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from hfci.errors import UsageError, nearest

__all__ = ["Configuration", "load_configuration"]

FILE = "pyproject.toml"


@dataclass(frozen=True)
class Configuration:
    """The table's keys, with what holds where they are left out. Paths are relative to the file.

    - `ledger`: a ledger of known failures, added to hfci's own
    """

    ledger: Path | None = None


def load_configuration(folder: Path) -> Configuration:
    """Read the nearest `pyproject.toml` of `folder` and those above it; without one, everything is at its default.

    Raises UsageError for a file that is no TOML, an unknown key (with the nearest known one) or a wrong value.
    """
    folder = folder.resolve()
    file = next((place / FILE for place in (folder, *folder.parents) if (place / FILE).is_file()), None)
    if file is None:
        return Configuration()
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    tool = content.get("tool")
    table = tool.get("hfci", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{file}: [tool.hfci] must be a table, not {table!r:.60}")
    known = [field.name for field in fields(Configuration)]
    for key, value in table.items():
        if key not in known:
            takes = f"it takes {', '.join(known)}.{nearest(key, known)}"
            raise UsageError(f"{file}: [tool.hfci] has no key {key!r}; {takes}")
        if not isinstance(value, str) or not value:
            raise UsageError(f"{file}: [tool.hfci] {key} must be a path, not {value!r:.60}")
    return Configuration(**{key: file.parent / value for key, value in table.items()})
