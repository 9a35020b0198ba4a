"""Reading the files of this room: JSON of one schema each, and an error that says what is wrong and where."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from hfci.errors import UsageError

__all__ = ["load_document"]

Document = TypeVar("Document", bound=msgspec.Struct)


def load_document(path: Path, kind: type[Document], what: str, *, schema: int, mend: str = "") -> Document:
    """Return the file at `path`, a `what` of this `schema`; UsageError says why not, and how to `mend` that."""
    after = f"; {mend}" if mend else ""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the {what} {path}: {error.strerror}{after}") from error
    try:
        # Of another schema it may have other fields, which is not what is wrong with it.
        head = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        found = msgspec.json.decode(head.get("schema", b"null"))
        if found != schema:
            raise UsageError(f"{path}: a {what} of schema {found!r}, this hfci reads {schema}{after}")
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no {what}: {error}") from error
