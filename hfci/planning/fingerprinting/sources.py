"""The files that a fingerprint is made of, each under a label that is the same on every machine.

They are what lies in a few folders now, or what a git revision had there.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["File", "Folder", "files_in"]

# A file that was changed in the last moment may be changed again without a later time of change.
SETTLED_NS = 1_000_000_000

# Instead of the content of what is none: a folder of a file's name, a pipe, a link that leads nowhere. No Python.
NO_FILE = b"\0no file"


@dataclass(frozen=True, slots=True)
class File:
    """One file: where it lies, and its size and time of change, by which what was kept of it is known again.

    `content` is set where it is not that of the file on disk. `stamp` is None where nothing may be kept of it: it has
    no place on disk, it cannot be read, or it was changed just now.
    """

    path: Path
    stamp: tuple[int, int] | None = None
    content: bytes | None = None

    def read(self) -> bytes:
        """Return the content; OSError where it cannot be read."""
        return self.path.read_bytes() if self.content is None else self.content


@dataclass(frozen=True)
class Folder:
    """Files with one of `suffixes` in and below `path`; `label` stands for the folder in their labels."""

    label: str
    path: Path
    suffixes: tuple[str, ...] = (".py",)

    def label_of(self, path: Path) -> str | None:
        """Return the label of a file, whether or not it is there; None of one that is not the folder's."""
        if not path.is_relative_to(self.path) or not path.name.endswith(self.suffixes):
            return None
        return f"{self.label}/{path.relative_to(self.path).as_posix()}"


def files_in(folder: Folder) -> Mapping[str, File]:
    """Return the files of a folder by label; none where there is no folder.

    Links are followed, as Python's import does, but never back into a folder that is being gone through.
    """
    return dict(_walk(str(folder.path), folder.label, folder.suffixes, time.time_ns() - SETTLED_NS, ()))


def _walk(
    path: str, label: str, suffixes: tuple[str, ...], settled: int, above: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, File]]:
    try:
        status = os.stat(path)  # noqa: PTH116 -- a Path for each of thousands of folders costs more than this
        identity = (status.st_dev, status.st_ino)
        entries = [] if identity in above else sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        name = f"{label}/{entry.name}"
        if entry.name.endswith(suffixes):
            yield name, _file(entry, settled)
        elif not entry.name.startswith((".", "__pycache__")) and _is_folder(entry):
            yield from _walk(entry.path, name, suffixes, settled, (*above, identity))


def _file(entry: os.DirEntry[str], settled: int) -> File:
    path = Path(entry.path)
    try:
        status = entry.stat()
    except OSError:
        return File(path, content=NO_FILE)
    if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device may never end
        return File(path, content=NO_FILE)
    return File(path, (status.st_size, status.st_mtime_ns) if status.st_mtime_ns < settled else None)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
