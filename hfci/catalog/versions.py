"""What two versions of transformers do not share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Difference", "difference"]


@dataclass(frozen=True)
class Difference:
    """The model types that transformers `version` lacks of those of `against`, and what it has beside them."""

    version: str
    against: str
    lacks: tuple[str, ...]
    adds: tuple[str, ...]


def difference(version: str, names: Iterable[str], against: str, others: Iterable[str]) -> Difference:
    """Compare the model types `names` of `version` with those of `against`, `others`, each in its registry's order."""
    names, others = dict.fromkeys(names), dict.fromkeys(others)
    return Difference(
        version,
        against,
        tuple(name for name in others if name not in names),
        tuple(name for name in names if name not in others),
    )
