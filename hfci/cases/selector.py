"""What a person names: model types, patterns of them, `family:NAME`, `import:NAME`, architectures.

It means the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hfci.errors import UsageError, nearest

__all__ = ["FAMILY", "Known", "choose", "match_names"]

FAMILY = "family:"
IMPORT = "import:"


@dataclass(frozen=True)
class Known:
    """What there is to choose from: of a manifest, or of the catalog, which is read only as far as a name asks.

    - `model_types`: their names, in order
    - `architectures`: gives the names of each model type's architectures
    - `families`: gives the family of each architecture by its name, by model type
    - `imports`: gives the import that registers each model type that transformers has not
    """

    model_types: Sequence[str]
    architectures: Callable[[], Mapping[str, Iterable[str]]]
    families: Callable[[], Mapping[str, Mapping[str, str | None]]]
    imports: Callable[[], Mapping[str, str]] = dict


def choose(patterns: Sequence[str], known: Known) -> dict[str, set[str]]:
    """Return the model types that `patterns` name, none is all, each with the architectures asked for; none is all.

    A pattern is one of model types or, where it matches none, of architectures; `family:` and `import:` take one too.
    Raises UsageError for a pattern that names nothing, with the nearest that would.
    """
    if not patterns:
        return {name: set() for name in known.model_types}
    chosen: dict[str, set[str]] = {}
    whole: set[str] = set()
    for pattern in patterns:
        for name, architectures in _match(pattern, known).items():
            chosen.setdefault(name, set()).update(architectures)
            if not architectures:
                whole.add(name)
    return {name: set() if name in whole else own for name, own in chosen.items()}


def match_names(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the names that equal `pattern` or match it as a shell-style pattern."""
    return [name for name in names if name == pattern or fnmatchcase(name, pattern)]


def _match(pattern: str, known: Known) -> dict[str, set[str]]:
    if pattern.startswith(FAMILY):
        wanted, families = pattern.removeprefix(FAMILY), known.families()
        every = {family for of_type in families.values() for family in of_type.values() if family}
        named = match_names(wanted, every)
        if not named:
            raise UsageError(f"no family matches {wanted!r}.{nearest(wanted, every)}")
        of_family = {name: {arch for arch, family in own.items() if family in named} for name, own in families.items()}
        return {name: architectures for name, architectures in of_family.items() if architectures}
    if pattern.startswith(IMPORT):
        wanted, imports = pattern.removeprefix(IMPORT), known.imports()
        imported = match_names(wanted, set(imports.values()))
        if not imported:
            near = nearest(wanted, imports.values()) or " There is none; `--import PACKAGE` names one." * (not imports)
            raise UsageError(f"no import matches {wanted!r}.{near}")
        return {name: set() for name in known.model_types if imports.get(name) in imported}
    if model_types := match_names(pattern, known.model_types):
        return {name: set() for name in model_types}
    architectures = {name: set(own) for name, own in known.architectures().items()}
    classes = sorted(set().union(*architectures.values()))
    matching = {*match_names(pattern, classes)}
    if not matching:
        near = nearest(pattern, [*known.model_types, *classes])
        raise UsageError(f"no model type or architecture matches {pattern!r}.{near}")
    return {name: chosen for name, own in architectures.items() if (chosen := own & matching)}
