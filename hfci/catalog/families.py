"""The families: which template an architecture's tests come from, by rules over its facts, never over its name."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from importlib.resources import files

import msgspec

from hfci.catalog.facts import Modality
from hfci.catalog.rules import Rule
from hfci.errors import nearest
from hfci.parsing import read_toml

__all__ = ["Family", "FamilyFile", "families", "family_of", "rules"]


class Family(Rule, frozen=True, kw_only=True):
    """One family, and its rule. `template` is the file under `templates/` that its tests are rendered from.

    `inputs`, `outputs` and `tasks` are what its architectures may do: the
    modalities that they may take, the fields of which they give at least one, the pipeline tasks that they may serve.
    `examples` are the architectures, MODEL_TYPE/CLASS, that checks which take long are asked of.
    """

    name: str
    title: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """The file name of the family's template."""
        return f"{self.name}.py.jinja"

    def contradictions(self, inputs: Iterable[str], fields: Collection[str], tasks: Iterable[str]) -> Iterator[str]:
        """Yield what an architecture takes, gives or serves that the family rules out.

        `fields` are its output fields, empty where they cannot be told.
        """
        for kind, names, allowed in (("takes", inputs, self.inputs), ("serves", tasks, self.tasks)):
            for name in names:
                if name not in allowed:
                    yield f"{kind} {name}, and the family {self.name} allows only {', '.join(allowed) or 'none'}"
        if fields and not set(self.outputs).intersection(fields):
            given, expected = ", ".join(fields), ", ".join(self.outputs)
            yield f"gives {given}, and the family {self.name} expects one of {expected or 'none'}"


class FamilyRule(Rule, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule of the family `name`; a family may have several."""

    name: str
    title: str


class Allowed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a family allows its architectures.

    - `inputs`: the modalities that they may take
    - `outputs`: the fields of which each gives at least one
    - `tasks`: the pipeline tasks that they may serve
    - `examples`: the architectures, MODEL_TYPE/CLASS, that checks which take long are asked of
    """

    inputs: tuple[Modality, ...]
    outputs: tuple[str, ...]
    tasks: tuple[str, ...]
    examples: tuple[str, ...] = ()


class FamilyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `data/families.toml` holds: the rules in the order in which they are tried, and each family allows."""

    family: tuple[FamilyRule, ...]
    allowed: Mapping[str, Allowed]

    def __post_init__(self) -> None:
        """Raise ValueError for a family without a table of what it allows, and for such a table of no family."""
        names = dict.fromkeys(row.name for row in self.family)
        if lacking := [name for name in names if name not in self.allowed]:
            raise ValueError(f"there is no [allowed.{lacking[0]}]: what may its architectures take, give and serve?")
        if strange := [name for name in self.allowed if name not in names]:
            raise ValueError(f"allowed.{strange[0]}: there is no such family.{nearest(strange[0], names)}")


@functools.cache
def rules() -> tuple[Family, ...]:
    """Return the rules in the order in which they are tried; a family may have several."""
    table = read_toml(files("hfci.catalog") / "data" / "families.toml", FamilyFile, "the families")
    return tuple(
        Family(**msgspec.structs.asdict(row), **msgspec.structs.asdict(table.allowed[row.name])) for row in table.family
    )


def families() -> dict[str, Family]:
    """Return the families by name, most specific first. Needs neither torch nor transformers."""
    by_name: dict[str, Family] = {}
    for rule in rules():
        by_name.setdefault(rule.name, rule)
    return by_name


def family_of(facts: Set[str]) -> Family | None:
    """Return the first family whose rule `facts` satisfy, or None: an error of that architecture's row."""
    return next((rule for rule in rules() if rule.holds(facts)), None)
