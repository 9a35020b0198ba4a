"""A row of the catalogue becomes the text of its test files. Same row, same bytes."""

from __future__ import annotations

import importlib
import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec.structs import replace

from hfci.catalog.registries import config_class, find_class
from hfci.checks.table import CHECKS, TIERS, Applicable, Tier, asked_of
from hfci.errors import FOREIGN, HfciError, UsageError, in_one_line, nearest
from hfci.generation.expected import expected_outputs
from hfci.generation.names import file_name
from hfci.generation.shapes import shapes
from hfci.templating import environment, templates_dir

if TYPE_CHECKING:
    from hfci.catalog import Architecture, Family, ModelType

__all__ = [
    "FAMILY_OF_PARTS",
    "HEADER",
    "WHOLE",
    "Fault",
    "Rendered",
    "TemplateBroken",
    "fault_of",
    "header",
    "is_rendered",
    "render",
    "render_part",
]

HEADER = re.compile(
    r"# Rendered from templates/(?P<template>\w+\.py\.jinja) for transformers (?P<version>\S+)\. Do not edit:"
)
LONGEST_HEADER = 400  # bytes

# What a family's template fills: a whole file, in the smoke tier, and in the others the part of a file that tests one
# architecture.
_SMOKE, _ARCHITECTURE = "_smoke.py.jinja", "_architecture.py.jinja"
_ARCHITECTURES = "_architectures.py.jinja"
_MODEL_TYPE = "_model_type.py.jinja"
_PART = "_part.py.jinja"
FAMILY_OF_PARTS = "component"

# Stands for the name of an architecture where the model type as a whole is asked.
WHOLE = ""


@dataclass(frozen=True)
class Rendered:
    """One test file, not yet written: its place under the output folder, its text, and what it tests.

    By the names of its architectures, WHOLE for the model type itself: `families`; `asked`, what its tests ask of them,
    and whom the rules of other checks exclude; `outputs`, the fields that each gives, in words that are the same in
    every release. `parent` is the model type whose architecture it is where the file is about a part.
    """

    model_type: str
    tier: str
    path: str
    text: str
    header: str
    families: Mapping[str, str]
    asked: Mapping[str, Applicable]
    parent: str | None = None
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """Why an architecture that should have a test has none: the stage of its making, one of FAULTS, and the error."""

    model_type: str
    architecture: str
    stage: str
    error: str


class TemplateBroken(UsageError):
    """A template does not parse, or is not there: no fault of what it is filled with."""


def header(template: str, transformers: str) -> str:
    """Return the first line of every test file rendered from `template`."""
    return f"# Rendered from templates/{template} for transformers {transformers}. Do not edit:"


def is_rendered(place: Path) -> bool:
    """Say whether `place` is a file, no link to one, that begins as rendered tests do or holds nothing to lose."""
    if not place.is_file() or place.is_symlink():
        return False
    with place.open("rb") as file:
        first = file.readline(LONGEST_HEADER)
    return not first or HEADER.fullmatch(first.decode("utf-8", "replace").rstrip("\r\n")) is not None


def render(
    row: ModelType,
    families: Mapping[str, Family],
    stem: str,
    *,
    transformers: str,
    requires: Mapping[str, tuple[str, ...]],
    templates: Path | None = None,
) -> tuple[tuple[Rendered, ...], tuple[Fault, ...]]:
    """Return the test files of `row`: the smoke tests of its base, and the tests of its architectures in other tiers.

    Of these an architecture is in each that asks something of it, and so is the model type as a whole.

    `requires` has the packages that an architecture is known to want. An architecture without a family, which is an
    error of the row, has no tests; nor has one of which a template makes none: why is its fault. Raises TemplateBroken,
    naming the template and the line, where a template cannot be read at all.
    """
    base, folder = row.base, templates or templates_dir()
    known = [arch for arch in row.architectures if arch.family]
    if base is None or not known:
        return (), ()
    shapes()  # a table that cannot be read is the fault of no architecture
    outputs: dict[str, tuple[str, ...]] = {}
    asked: dict[tuple[str, str], Applicable] = {}
    faults: list[Fault] = []

    def filled(arch: Architecture, tier: Tier) -> str:
        try:
            text = fill(arch, tier)
            outputs[arch.name] = arch.outputs
        except TemplateBroken:
            raise
        except FOREIGN as error:
            faults.append(fault_of(row.model_type, arch.name, error))
            return ""
        return text

    def fill(arch: Architecture, tier: Tier) -> str:
        family = families[arch.family]
        role: Literal["base", "head"] = "base" if arch == base else "head"
        applicable = asked[arch.name, tier] = asked_of(arch.known_facts, tier, role, arch.tasks)
        if not applicable.variants:
            return ""
        variables = {
            "layout": _SMOKE if tier == "smoke" else _ARCHITECTURE,
            "model_type": row.model_type,
            "architecture": arch,
            "family": family,
            "header": header(family.template, transformers),
            "requires": requires.get(arch.name, ()),
            "invariants": _invariants(applicable),
            "written_out": [variant.check for variant in applicable.variants if CHECKS[variant.check].written_out],
            "module": _importable_from(find_class(row.model_type, arch.name)),
            "config_type": config_class(row.model_type).model_type,
            "expected": expected_outputs(arch, role),
        }
        return _fill(folder, family.template, variables)

    def exclude(architecture: str, tier: Tier, checks: tuple[str, ...]) -> None:
        known = asked[architecture, tier]
        asked[architecture, tier] = replace(known, excluded=known.excluded + checks)

    def file(tier: Tier, template: str, text: str, names: Iterable[str]) -> Rendered:
        of = {name: base.family if name == WHOLE else family_of[name] for name in names}
        due = {name: asked[name, tier] for name in of}
        fields = {name: outputs[name] for name in of if name != WHOLE}
        path = f"{base.family or known[0].family}/{file_name(stem, tier)}"
        return Rendered(row.model_type, tier, path, text, header(template, transformers), of, due, outputs=fields)

    family_of = {arch.name: arch.family for arch in known}
    sections: dict[Tier, dict[str, str]] = {tier: {} for tier in TIERS}
    for tier, arch in product(TIERS, known):
        if any(fault.architecture == arch.name for fault in faults):
            continue
        if text := filled(arch, tier):
            sections[tier][arch.name] = text
        elif first := next((asked_in for asked_in in TIERS if arch.name in sections[asked_in]), None):
            # The tests of that tier tell whom the rules of this one exclude.
            exclude(arch.name, first, asked[arch.name, tier].excluded)
    for tier in TIERS:
        whole = asked_of(base.known_facts, tier, "model_type", base.tasks)
        if first := next((asked_in for asked_in in TIERS if base.name in sections[asked_in]), None):
            exclude(base.name, first, whole.excluded)
        if whole.variants and base.family:  # whatever a template makes of the base
            asked[WHOLE, tier] = Applicable(whole.variants)
            variables = {
                "family": families[base.family],
                "requires": requires.get(base.name, ()),
                "processors": [*row.processors],
                "invariants": _invariants(whole),
            }
            sections[tier] = {WHOLE: _fill(folder, _MODEL_TYPE, variables), **sections[tier]}
    files = []
    for tier, texts in sections.items():
        if tier == "smoke":
            files += [file(tier, families[family_of[name]].template, text, [name]) for name, text in texts.items()]
        elif texts:
            variables = {
                "model_type": row.model_type,
                "tier": tier,
                "base": base.name,
                "header": header(_ARCHITECTURES, transformers),
                "sections": list(texts.values()),
            }
            files.append(file(tier, _ARCHITECTURES, _fill(folder, _ARCHITECTURES, variables), texts))
    return tuple(files), tuple(faults)


def _invariants(applicable: Applicable) -> list[str]:
    """Return what is a parameter of one test: what is not written out."""
    return [str(variant) for variant in applicable.variants if not CHECKS[variant.check].written_out]


def fault_of(model_type: str, architecture: str, error: BaseException) -> Fault:
    """Return the fault of an architecture whose rendering ended in `error`."""
    return Fault(model_type, architecture, "render", str(error) if isinstance(error, HfciError) else in_one_line(error))


def render_part(
    part: str,
    parent: str,
    architecture: Architecture,
    stem: str,
    *,
    transformers: str,
    requires: tuple[str, ...] = (),
    templates: Path | None = None,
) -> Rendered:
    """Return the smoke test file of `part`, a model type without a class, within an architecture of `parent`."""
    folder, family = templates or templates_dir(), FAMILY_OF_PARTS
    variables = {
        "model_type": part,
        "parent": parent,
        "architecture": architecture,
        "family": family,
        "header": header(_PART, transformers),
        "requires": requires,
    }
    return Rendered(
        model_type=part,
        tier="smoke",
        path=f"{family}/{file_name(stem)}",
        text=_fill(folder, _PART, variables),
        header=header(_PART, transformers),
        families={architecture.name: family},
        asked={architecture.name: asked_of(architecture.known_facts, "smoke", "part")},
        parent=parent,
    )


def _importable_from(cls: type[Any]) -> str:
    """Return `transformers` where it exports `cls`, and else the module of `cls`."""
    package = cls.__module__.partition(".")[0]
    return package if hasattr(importlib.import_module(package), cls.__name__) else cls.__module__


def _fill(templates: Path, template: str, variables: dict[str, Any]) -> str:
    import jinja2

    try:
        return environment(templates).get_template(template).render(variables)
    except jinja2.TemplateNotFound as error:
        known = [path.name for path in templates.glob("*.jinja")]
        raise TemplateBroken(f"no template {error.name} in {templates}.{nearest(str(error.name), known)}") from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateBroken(f"templates/{error.name}:{error.lineno}: {error.message}") from error
    except jinja2.UndefinedError as error:
        unknown = re.search(r"'(\w+)' is undefined", str(error))
        hint = nearest(unknown[1], variables) if unknown else ""
        raise UsageError(
            f"{_place(templates, error)}: {error}. A template may use {', '.join(sorted(variables))}.{hint}"
        ) from error
    except Exception as error:  # an expression of the template, of what this row gives it
        raise UsageError(f"{_place(templates, error)}: {in_one_line(error)}") from error


def _place(templates: Path, error: BaseException) -> str:
    """Return `templates/NAME:LINE` of the innermost template line that `error` passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((frame for frame in reversed(frames) if Path(frame.filename).parent == templates), frames[-1])
    return f"templates/{Path(frame.filename).name}:{frame.lineno}"
