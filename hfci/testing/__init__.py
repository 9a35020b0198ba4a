"""Running generated tests: what they import, and the pytest plugin; and what other libraries may use in their own.

`API_VERSION`, `TinyArchitecture`, `architectures`, `assert_holds` and the fixture `hfci_tiny` are public, see
`hfci.testing.api`. Nothing here imports torch or transformers before a test that carries the `hfci` marker is collected
or the table of tiny models is asked for; nor pytest before one of these names is, since `hfci --help` is of this room
too.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfci.testing.api import API_VERSION, TinyArchitecture, architectures, assert_holds, hfci_tiny
    from hfci.testing.verdicts import Unavailable, unavailable

__all__ = [
    "API_VERSION",
    "TinyArchitecture",
    "Unavailable",
    "architectures",
    "assert_holds",
    "hfci_tiny",
    "unavailable",
]

_MODULES = dict.fromkeys(__all__, "hfci.testing.api") | dict.fromkeys(
    ("Unavailable", "unavailable"), "hfci.testing.verdicts"
)


def __getattr__(name: str) -> Any:
    """Return a name of `__all__`, from the module that has it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
