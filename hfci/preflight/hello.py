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
    - `measured_bytes`: that, and what loading has added; `predicted_bytes`: of the weights and of a text so long
    - `error`: how far the prediction is from what was measured, of it; null where one of them is not known
    """

    greeting: Greeting
    peak_bytes: int | None
    measured_bytes: int | None = None
    predicted_bytes: int | None = None
    error: float | None = None


def hello(context: Context) -> Hello:
    """Have the model say hello; Diagnosed where what it gives is no text, or no number."""
    access, configuration, load = context.found.access, context.configuration, context.found.load
    assert access is not None
    assert load is not None
    loaded: Loaded = context.held[HELD]
    tokenizer = access.tokenizer
    context.progress("saying hello", None, None)
    with MemoryUse(str(loaded.model.device)) as used:
        greeting = greet(configuration, loaded, (tokenizer.folder or tokenizer.name, tokenizer.commit))
    measured = None if used.peak is None or load.memory_bytes is None else load.memory_bytes + used.peak
    predicted = _predicted(loaded, greeting, load.weight_bytes)
    return Hello(
        greeting=greeting,
        peak_bytes=used.peak,
        measured_bytes=measured,
        predicted_bytes=predicted,
        error=None if measured is None or predicted is None or measured <= 0 else round(predicted / measured - 1, 4),
    )


def _predicted(loaded: Loaded, greeting: Greeting, weights: int) -> int | None:
    """Return what weights and text take by the prediction that `size` makes; None of what cannot be predicted so."""
    model = loaded.model
    if not greeting.tokens or hasattr(model, "hf_device_map") or getattr(model, "hf_quantizer", None) is not None:
        return None
    from hfci.preflight.activations import Fake
    from hfci.preflight.architecture import build_empty

    fake = Fake(build_empty(type(model), model.config, model.dtype), model.device.type)
    return weights + fake.peak(1, greeting.prompt_tokens + greeting.tokens).forward
