"""Where in the tested library an exception comes from."""

from __future__ import annotations

import linecache
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hfci.catalog.registered import registered
from hfci.errors import StageError

__all__ = ["library_frame"]

LIBRARY = "transformers"
AUTO = "transformers.models.auto.configuration_auto"
LONGEST = 200  # characters of a line's text


def library_frame(error: BaseException) -> dict[str, Any] | None:
    """Return the innermost frame of transformers in `error`, or in what it was raised from, as a record's fields.

    A frame of what was imported beside it, which has registered a model, is one too. None where none of them passed
    through transformers. What a stage reports is the exception that stopped it.
    """
    package = getattr(sys.modules.get(LIBRARY), "__file__", None)
    if package is None:
        return None
    folder = Path(package).parent
    # Where transformers itself cannot be imported, nothing is registered.
    beside = registered().packages if AUTO in sys.modules else frozenset()
    for raised in _chain(error):
        frames = list(traceback.walk_tb(raised.__traceback__))
        for frame, line in reversed(frames):
            code = frame.f_code
            path = Path(code.co_filename)
            module = str(frame.f_globals.get("__name__"))
            is_own = path.is_relative_to(folder)
            if is_own or module.partition(".")[0] in beside:
                source = linecache.getline(code.co_filename, line).strip()[:LONGEST]
                where = path.relative_to(folder.parent).as_posix() if is_own else f"{module.replace('.', '/')}.py"
                return {"path": where, "line": line, "function": code.co_qualname, "source": source}
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it was raised from; of a stage's, those alone."""
    raised: BaseException | None = error.__cause__ if isinstance(error, StageError) and error.__cause__ else error
    seen: set[int] = set()
    while raised is not None and id(raised) not in seen:
        seen.add(id(raised))
        yield raised
        raised = raised.__cause__
