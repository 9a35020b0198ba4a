"""What each file was when records were made, kept beside them: so that a later plan can say which one changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from hfci.confined import inside
from hfci.parsing import UNREADABLE
from hfci.planning.fingerprinting.fingerprints import Fingerprints
from hfci.writing import replacing

__all__ = ["Past", "read_past", "write_past"]

SCHEMA = 1
PATTERN = "sources-*.json"


class Past(msgspec.Struct, frozen=True):
    """The digest or version of all that any fingerprint of a run was made of, by label."""

    schema: int
    run: str
    parts: dict[str, str]

    def changes(self, parts: Mapping[str, str]) -> set[str]:
        """Return which of `parts` were different or not there."""
        return {label for label, digest in parts.items() if self.parts.get(label) != digest}


def write_past(folder: Path, run: str, fingerprints: Fingerprints) -> Path:
    """Write it into the folder of a run's records; EnvironmentUnfit where that fails. Return the file."""
    path = folder / f"sources-{run}.json"
    with replacing(path) as file:
        file.write(msgspec.json.encode(Past(SCHEMA, run, fingerprints.contents())))
    return path


def read_past(folder: Path) -> Past | None:
    """Return the newest below `folder`; None where there is none that can be read: it only explains."""
    for path in sorted(folder.rglob(PATTERN), key=lambda path: path.name, reverse=True):
        try:
            past = msgspec.json.decode(inside(folder, path.relative_to(folder)).read_bytes(), type=Past)
        except (OSError, *UNREADABLE):
            continue
        if past.schema == SCHEMA:
            return past
    return None
