"""A row of the catalogue becomes the text of its test file. Same row, same bytes."""

from __future__ import annotations

import functools
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfci.errors import UsageError, nearest
from hfci.generation.names import file_name
from hfci.generation.promises import promises_of
from hfci.templating import environment, templates_dir

if TYPE_CHECKING:
    from hfci.catalog import Family, ModelType

__all__ = ["HEADER", "Rendered", "header", "promised_checks", "render"]

HEADER = re.compile(
    r"# Rendered from templates/(?P<template>\w+\.py\.jinja) for transformers (?P<version>\S+)\. Do not edit:"
)
_TEST = re.compile(r"^def test_(\w+)\(", re.MULTILINE)
_EXTENDS = re.compile(r"""{%-?\s*extends\s+["']([^"']+)["']""")


@dataclass(frozen=True)
class Rendered:
    """One test file, not yet written: its place under the output folder and its text."""

    model_type: str
    architecture: str
    family: str
    path: str
    text: str
    checks: tuple[str, ...]


def header(template: str, transformers: str) -> str:
    """Return the first line of every test file rendered from `template`."""
    return f"# Rendered from templates/{template} for transformers {transformers}. Do not edit:"


def render(row: ModelType, family: Family, stem: str, *, transformers: str, templates: Path | None = None) -> Rendered:
    """Return the smoke test file of `row`'s base architecture, which belongs to `family`.

    Raises UsageError, naming the template and the line, where the template is wrong.
    """
    base = row.base
    if base is None:
        raise UsageError(f"{row.model_type} has no architecture to test: {row.reason or row.error}")
    folder = templates or templates_dir()
    variables = {
        "model_type": row.model_type,
        "architecture": base,
        "family": family,
        "header": header(family.template, transformers),
        **promises_of(row.model_type, base.name),
    }
    return Rendered(
        model_type=row.model_type,
        architecture=base.name,
        family=family.name,
        path=f"{family.name}/{file_name(stem)}",
        text=_fill(folder, family.template, variables),
        checks=promised_checks(folder, family.template),
    )


@functools.cache
def promised_checks(templates: Path, template: str) -> tuple[str, ...]:
    """Return the checks that files rendered from `template` have, a test each, in the base's order."""
    sources = list(_with_parents(templates, template))
    return tuple(dict.fromkeys(name for source in reversed(sources) for name in _TEST.findall(source)))


def _with_parents(templates: Path, template: str) -> Iterator[str]:
    name: str | None = template
    while name:
        source = (templates / name).read_text(encoding="utf-8")
        yield source
        parent = _EXTENDS.search(source)
        name = parent[1] if parent else None


def _fill(templates: Path, template: str, variables: dict[str, Any]) -> str:
    import jinja2

    try:
        return environment(templates).get_template(template).render(variables)
    except jinja2.TemplateNotFound as error:
        known = [path.name for path in templates.glob("*.jinja")]
        raise UsageError(f"no template {error.name} in {templates}.{nearest(str(error.name), known)}") from error
    except jinja2.TemplateSyntaxError as error:
        raise UsageError(f"templates/{error.name}:{error.lineno}: {error.message}") from error
    except jinja2.UndefinedError as error:
        unknown = re.search(r"'(\w+)' is undefined", str(error))
        hint = nearest(unknown[1], variables) if unknown else ""
        raise UsageError(
            f"{_place(templates, error)}: {error}. A template may use {', '.join(sorted(variables))}.{hint}"
        ) from error


def _place(templates: Path, error: BaseException) -> str:
    """Return `templates/NAME:LINE` of the innermost template line that `error` passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next(frame for frame in reversed(frames) if Path(frame.filename).parent == templates)
    return f"templates/{Path(frame.filename).name}:{frame.lineno}"
