"""What differs between a folder and what should be in it, as a unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hfci.generation.problems import strays

__all__ = ["drift"]


def drift(out: Path, texts: Mapping[str, str], others: Iterable[str] = ()) -> str:
    """Return the diff from `out` to `texts` (by path relative to `out`), empty where there is none.

    A file of `out` that is neither in `texts` nor among `others`, which are left alone, is told too.
    """
    lines = [line for path in sorted(texts) for line in _changes(out, path, texts[path])]
    lines += [line for path in strays(out, {*texts, *others}) for line in _changes(out, path, None)]
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _changes(out: Path, path: str, wanted: str | None) -> Iterator[str]:
    place = out / path
    if place.is_symlink():
        yield f"{out / path}: a symbolic link, not a file\n"
        return
    is_there = place.is_file()
    # Bytes that are no text still show where they are; newlines are compared as they stand.
    now = place.read_bytes().decode("utf-8", errors="backslashreplace") if is_there else ""
    yield from difflib.unified_diff(
        now.splitlines(keepends=True),
        (wanted or "").splitlines(keepends=True),
        fromfile=f"{out / path}" if is_there else "/dev/null",
        tofile=f"{out / path} (rendered)" if wanted is not None else "/dev/null",
    )
    if is_there and wanted is None and not now:
        yield f"{out / path}: an empty file that is not recorded\n"
