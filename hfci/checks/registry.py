"""The table of checks: which there are, in which tier, and where the function is.

It holds dotted names, so that planning and reporting can read it where torch is not installed.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hfci.errors import UsageError, nearest

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["CHECKS", "Check", "checks_of_tier", "load_check"]


@dataclass(frozen=True)
class Check:
    """One invariant: its stable name, the tier that asks for it, and one line on what must hold.

    `forwards` says whether it runs the model, or only looks at how it was built; `of_part`, whether it is of a model
    type without a class of its own, within a model that holds it.
    """

    name: str
    module: str
    tier: str
    description: str
    forwards: bool = True
    of_part: bool = False


CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        Check(
            "builds_tiny",
            "hfci.checks.building",
            "smoke",
            "the asked-for architecture, within its parameter budget, every weight finite and varied",
            forwards=False,
        ),
        Check(
            "forward_is_finite",
            "hfci.checks.forward",
            "smoke",
            "no NaN and no infinity in any floating tensor of the outputs",
        ),
        Check(
            "forward_is_deterministic",
            "hfci.checks.forward",
            "smoke",
            "the same inputs give the same bits twice, and are left unchanged",
        ),
        Check(
            "batch_is_independent",
            "hfci.checks.batching",
            "smoke",
            "a row alone gives what it gives in a batch",
        ),
        Check(
            "save_load_roundtrip",
            "hfci.checks.saving",
            "smoke",
            "saved as safetensors and loaded: same keys, values, ties and outputs",
        ),
        Check(
            "gradients_reach_every_parameter",
            "hfci.checks.gradients",
            "smoke",
            "every trainable parameter gets a gradient that is more than float error",
        ),
        Check(
            "component_is_exercised",
            "hfci.checks.components",
            "smoke",
            "the modules of a part run within its parent, are finite, and matter to the outputs",
            of_part=True,
        ),
    )
}


def checks_of_tier(tier: str) -> tuple[Check, ...]:
    """Return the checks of one tier on an architecture, in the order in which a test file runs them."""
    return tuple(check for check in CHECKS.values() if check.tier == tier and not check.of_part)


@functools.cache
def load_check(name: str) -> Callable[..., None]:
    """Import the function of a check; an unknown name is wrong use and names the nearest.

    It notes on the tiny model that it ran to its end: a test that passes without did not ask what it is named after.
    """
    if name not in CHECKS:
        raise UsageError(f"there is no check {name!r}.{nearest(name, CHECKS)}")
    function: Any = getattr(importlib.import_module(CHECKS[name].module), name)

    @functools.wraps(function)
    def noted(tiny: TinyModel, *arguments: Any, **options: Any) -> None:
        function(tiny, *arguments, **options)
        tiny.checked.add(name)

    return noted
