"""What must hold: the invariants, plain functions on a tiny model.

Reading the table of checks needs neither torch nor transformers; the functions are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hfci.checks.applicability import NotApplicable
from hfci.checks.asking import assert_holds, load_check
from hfci.checks.table import CHECKS, Check

if TYPE_CHECKING:
    from hfci.checks.batching import batch_is_independent
    from hfci.checks.building import builds_tiny
    from hfci.checks.components import component_is_exercised
    from hfci.checks.forward import forward_is_deterministic, forward_is_finite
    from hfci.checks.gradients import gradients_reach_every_parameter
    from hfci.checks.running import reference_forward
    from hfci.checks.saving import save_load_roundtrip

__all__ = [
    "CHECKS",
    "Check",
    "NotApplicable",
    "assert_holds",
    "batch_is_independent",
    "builds_tiny",
    "component_is_exercised",
    "forward_is_deterministic",
    "forward_is_finite",
    "gradients_reach_every_parameter",
    "load_check",
    "reference_forward",
    "save_load_roundtrip",
]


def __getattr__(name: str) -> Any:
    if name == "reference_forward":
        from hfci.checks.running import reference_forward

        return reference_forward
    if name not in CHECKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load_check(name)
