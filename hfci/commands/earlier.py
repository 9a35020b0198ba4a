"""What is known from earlier, where a run goes on without it: a history, measured times, green records, popularity."""

from __future__ import annotations

from argparse import _ArgumentGroup
from collections.abc import Callable
from typing import TypeVar

from hfci.errors import EnvironmentUnfit, UsageError

__all__ = ["Earlier", "add_if_readable"]

Known = TypeVar("Known")


def add_if_readable(group: _ArgumentGroup, options: str) -> None:
    """Declare --if-readable, for what `options` name."""
    purpose = f"what {options} name and cannot be read is a warning, and unknown: it grants nothing (default: an error)"
    group.add_argument("--if-readable", action="store_true", help=purpose)


class Earlier:
    """Reads what is known from earlier; `unread` says of each file that it went on without, what is wrong with it."""

    def __init__(self, if_readable: bool) -> None:
        """Go on without what cannot be read, or else raise what is wrong."""
        self._if_readable = if_readable
        self.unread: list[str] = []

    def read(self, load: Callable[[], Known], unknown: Known) -> Known:
        """Return what `load` reads, which must be nothing of this run's own; `unknown` where it cannot be read."""
        try:
            return load()
        except (UsageError, EnvironmentUnfit) as error:
            if not self._if_readable:
                raise
            self.unread.append(str(error))
            return unknown
