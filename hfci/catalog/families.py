"""The families: which template an architecture's tests come from, by rules over its facts, never over its name."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["Family", "families", "family_of", "rules"]


@dataclass(frozen=True)
class Family:
    """One family. `template` is the file under `templates/` that its tests are rendered from.

    `all`, `any` and `none` are its rule. `inputs`, `outputs` and `tasks` are what it promises of its architectures: the
    modalities that they may take, the fields of which they give at least one, the pipeline tasks that they may serve.
    """

    name: str
    title: str
    all: frozenset[str] = frozenset()
    any: frozenset[str] = frozenset()
    none: frozenset[str] = frozenset()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """The file name of the family's template."""
        return f"{self.name}.py.jinja"

    def holds(self, facts: Set[str]) -> bool:
        """Say whether `facts` satisfy this family's rule."""
        return self.all <= facts and not self.none & facts and (not self.any or bool(self.any & facts))

    def contradictions(self, inputs: Iterable[str], fields: Collection[str], tasks: Iterable[str]) -> Iterator[str]:
        """Yield what an architecture takes, gives or serves that the family's promises rule out.

        `fields` are its output fields, empty where they cannot be told.
        """
        for kind, found, promised in (("takes", inputs, self.inputs), ("serves", tasks, self.tasks)):
            for one in found:
                if one not in promised:
                    yield f"{kind} {one}, and the family {self.name} promises only {', '.join(promised) or 'none'}"
        if fields and not set(self.outputs).intersection(fields):
            given, expected = ", ".join(fields), ", ".join(self.outputs)
            yield f"gives {given}, and the family {self.name} promises one of {expected or 'none'}"


@functools.cache
def rules() -> tuple[Family, ...]:
    """Return the rules in the order in which they are tried; a family may have several."""
    data = tomllib.loads((files("hfci.catalog") / "data" / "families.toml").read_text(encoding="utf-8"))
    found = []
    for row in data["family"]:
        all_, any_, none = (frozenset(row.get(part, ())) for part in ("all", "any", "none"))
        inputs, outputs, tasks = (tuple(data["promises"][row["name"]][part]) for part in ("inputs", "outputs", "tasks"))
        found.append(Family(row["name"], row["title"], all_, any_, none, inputs, outputs, tasks))
    return tuple(found)


def families() -> dict[str, Family]:
    """Return the families by name, most specific first. Needs neither torch nor transformers."""
    found: dict[str, Family] = {}
    for rule in rules():
        found.setdefault(rule.name, rule)
    return found


def family_of(facts: Set[str]) -> Family | None:
    """Return the first family whose rule `facts` satisfy, or None: an error of that architecture's row."""
    return next((rule for rule in rules() if rule.holds(facts)), None)
