"""The families: which template an architecture's tests come from, by rules over its facts, never over its name."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Set
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["Family", "families", "family_of"]


@dataclass(frozen=True)
class Family:
    """One family. `template` is the file under `templates/` that its tests are rendered from."""

    name: str
    title: str
    all: frozenset[str] = frozenset()
    any: frozenset[str] = frozenset()
    none: frozenset[str] = frozenset()

    @property
    def template(self) -> str:
        """The file name of the family's template."""
        return f"{self.name}.py.jinja"

    def holds(self, facts: Set[str]) -> bool:
        """Say whether `facts` satisfy this family's rule."""
        return self.all <= facts and not self.none & facts and (not self.any or bool(self.any & facts))


@functools.cache
def _rules() -> tuple[Family, ...]:
    data = tomllib.loads((files("hfci.catalog") / "data" / "families.toml").read_text(encoding="utf-8"))
    return tuple(
        Family(row["name"], row["title"], *(frozenset(row.get(part, ())) for part in ("all", "any", "none")))
        for row in data["family"]
    )


def families() -> dict[str, Family]:
    """Return the families by name, most specific first. Needs neither torch nor transformers."""
    return {rule.name: rule for rule in reversed(_rules())}


def family_of(facts: Set[str]) -> Family | None:
    """Return the first family whose rule `facts` satisfy, or None: an error of that architecture's row."""
    return next((rule for rule in _rules() if rule.holds(facts)), None)
