"""Writing a file whole or not at all: the earlier one stays until the new one is complete."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from hfci.errors import EnvironmentUnfit, UsageError

__all__ = ["replacing", "write_json"]


def write_json(path: Path, value: object) -> None:
    """Write a structure, or what is made of plain values, as JSON that people can read too; raises as `replacing`."""
    import msgspec

    with replacing(path) as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file beside `path`, which it replaces once it is written and on the disk.

    The folder is made where there is none; of a link, what it points to is replaced. Whatever fails or is killed
    before the end leaves `path` as it was. Raises EnvironmentUnfit where it cannot be written, UsageError where it
    is a folder, a device or a pipe.
    """
    target = path.resolve()
    new = target.with_name(f".{uuid.uuid4().hex}.new")
    try:
        if target.exists() and not target.is_file():
            raise UsageError(f"cannot write {path}: it is no regular file")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Not tempfile: the file is for others to read, as far as the umask lets them.
            with new.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        # What is written and what is read for it can both fail; only the latter has a name.
        named = error.filename if error.filename != str(new) else None
        where = f" ({os.fsdecode(named)})" if isinstance(named, (str, bytes)) else ""
        kept = "; the earlier file is as it was" if os.access(target, os.F_OK) else ""
        raise EnvironmentUnfit(f"cannot write {path}: {error.strerror or error}{where}{kept}") from error
