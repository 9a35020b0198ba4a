"""The stage `hello`: the model that `load` has left says something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hfci.preflight.greeting import Greeting, greet
from hfci.preflight.load import HELD, MemoryUse

if TYPE_CHECKING:
    from hfci.preflight.loading import Loaded
    from hfci.preflight.stages import Context

__all__ = ["Hello", "hello"]


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What `hello` finds.

    - `greeting`: what was said; `peak_bytes`: the memory that this added at its peak, null where nobody counts
    """

    greeting: Greeting
    peak_bytes: int | None


def hello(context: Context) -> Hello:
    """Have the model say hello; Diagnosed where what it gives is no text, or no number."""
    access, configuration = context.found.access, context.configuration
    assert access is not None
    loaded: Loaded = context.held[HELD]
    tokenizer = access.tokenizer
    context.progress("saying hello", None, None)
    with MemoryUse(str(loaded.model.device)) as used:
        greeting = greet(configuration, loaded, (tokenizer.folder or tokenizer.name, tokenizer.commit))
    return Hello(greeting=greeting, peak_bytes=used.peak)
