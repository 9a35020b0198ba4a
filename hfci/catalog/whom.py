"""Whom a row of data is about: model types, and of those some classes, with some versions of transformers."""

from __future__ import annotations

import msgspec

from hfci.catalog import registries
from hfci.parsing import Names, Specifiers

__all__ = ["Whom"]


class Whom(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a row covers; what it does not say, it does not ask.

    - `model_types`: those that it is about
    - `architectures`: of them, these classes
    - `tables`: of them, the classes that stand in one of these auto tables
    - `transformers`: version specifiers, `<5.20`; the row is not there for other versions
    """

    model_types: Names | None = None
    architectures: Names | None = None
    tables: Names | None = None
    transformers: Specifiers | None = None

    def holds_for(self, version: str) -> bool:
        """Tell whether the row is there for transformers `version`."""
        return self.transformers is None or self.transformers.contains(version, prereleases=True)

    def covers(self, model_type: str, architecture: str | None) -> bool:
        """Tell whether the row is about `architecture` of `model_type`; None is any class of it."""
        if self.model_types is not None and model_type not in self.model_types:
            return False
        if self.architectures is not None and architecture not in self.architectures:
            return False
        if self.tables is None:
            return True
        return architecture is not None and not registries.tables_of_class(architecture).isdisjoint(self.tables)
