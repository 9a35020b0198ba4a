"""How a check says that it has nothing to ask of an architecture."""

from __future__ import annotations

from hfci.errors import HfciError

__all__ = ["NUMERICS_CHANGED", "NotApplicable"]

# How the reason begins of whom another transformers gives other numbers than those that were measured.
NUMERICS_CHANGED = "numerics changed"


class NotApplicable(HfciError):
    """The architecture lacks by design what the check asks for; the message is the reason.

    The pytest plugin records such a case as `not-applicable` with this reason, never as passed.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason; an empty one is a ValueError."""
        if not reason.strip():
            raise ValueError("a check that does not apply needs a reason")
        self.reason = reason
        super().__init__(reason)
