"""The folder in which hfci keeps what it can make again, in the current folder: no part of anybody's repository."""

from __future__ import annotations

from pathlib import Path

from hfci.errors import UsageError

__all__ = ["SCRATCH", "make_scratch"]

SCRATCH = Path(".hfci")
IGNORED = "# Made by hfci; it can be removed.\n*\n"


def make_scratch() -> Path:
    """Return the folder, made where there is none, of which git sees nothing; UsageError where it cannot be."""
    mark = SCRATCH / ".gitignore"
    try:
        SCRATCH.mkdir(exist_ok=True)
        if not mark.exists():
            mark.write_text(IGNORED, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {SCRATCH} in the current folder: {error.strerror}") from error
    return SCRATCH
