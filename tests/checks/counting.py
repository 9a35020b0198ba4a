"""Whom each check is asked of, and, counted by what classes can be seen to be, whom it should be asked of."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

from hfci.cases.manifest import Manifest
from hfci.cases.variant import Variant
from hfci.checks.table import CHECKS

from . import seen
from .sight import see

__all__ = ["COUNTED", "asked", "is_seen"]

COUNTED: dict[str, Callable[..., bool]] = {
    name: function
    for name, function in inspect.getmembers(seen, inspect.isfunction)
    if function.__module__ == seen.__name__ and not name.startswith("_")
}


@functools.cache
def _named(variants: tuple[str, ...]) -> frozenset[str]:
    """Return the checks of `variants`, which many cases have alike."""
    return frozenset(Variant.parse(variant).check for variant in variants)


def asked(manifest: Manifest, check: str) -> dict[str, bool]:
    """Return each MODEL_TYPE/ARCHITECTURE of which a rule decided → whether `check` is asked of it."""
    found: dict[str, bool] = {}
    for row in manifest.model_types:
        for case in row.cases:
            name = f"{row.model_type}/{case.architecture or row.base}"
            if check in _named(case.checks):
                found[name] = True
            elif check in row.architecture(case.architecture).excluded:
                found.setdefault(name, False)
    return found


def is_seen(name: str, check: str) -> bool:
    """Return whether MODEL_TYPE/ARCHITECTURE can be seen to be one that `check` is meant for."""
    model_type, _, architecture = name.partition("/")
    count, cls = COUNTED[check], see()[architecture]
    return count(cls, model_type) if CHECKS[check].subject == "model_type" else count(cls)
