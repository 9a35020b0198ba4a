"""Running generated tests: what they import, and the pytest plugin; and what other libraries may use in their own.

`API_VERSION`, `TinyArchitecture`, `architectures`, `assert_holds` and the fixture `hfci_tiny` are public, see
`hfci.testing.api`. Nothing here imports torch or transformers before a test that carries the `hfci` marker is collected
or the table of tiny models is asked for.
"""

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
