"""Hides the packages that an emulated environment is without, HIDDEN: as if they were not installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder
from types import ModuleType

HIDDEN = frozenset(os.environ.get("HIDDEN", "").split())


class Without(PathFinder):
    """The usual finder, without what is hidden."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module."""
        return None if name.partition(".")[0] in HIDDEN else PathFinder.find_spec(name, path, target)

    @classmethod
    def find_distributions(cls, context: DistributionFinder.Context | None = None) -> Iterable[Distribution]:
        """Find what is known of packages."""
        found = PathFinder.find_distributions(context or DistributionFinder.Context())
        return (one for one in found if one.metadata["Name"] not in HIDDEN)


sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
