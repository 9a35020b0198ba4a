"""Running generated tests: what they import, and the pytest plugin.

Nothing here imports torch or transformers before a test that carries the `hfci` marker is collected.
"""

from hfci.testing.verdicts import Unavailable, unavailable

__all__ = ["Unavailable", "unavailable"]
