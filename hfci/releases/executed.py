"""Which functions of a package a process executes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from hfci.releases.measurements import Function

__all__ = ["functions_of", "recording"]


@contextlib.contextmanager
def recording(codes: set[CodeType]) -> Iterator[None]:
    """Note the code of each function that is called meanwhile, in this thread."""

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            codes.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


def functions_of(codes: Iterable[CodeType], package: Path) -> Iterator[Function]:
    """Yield the functions in `package` that have these codes; one within a function is that function's."""
    for code in codes:
        path = Path(code.co_filename)
        if path.is_relative_to(package):
            yield Function(path.relative_to(package).as_posix(), code.co_qualname.partition(".<locals>")[0])
