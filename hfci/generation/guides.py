"""The guides that state facts: rendered from the families, the recipes, the checks and the manifest, without torch.

Pages written by hand stand beside them in the same folder; a rendered page begins with `MARK`.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from hfci.cases.manifest import MANIFEST, Manifest, ManifestRow, load_manifest
from hfci.cases.variant import Variant
from hfci.catalog.families import Family, rules
from hfci.catalog.rules import KINDS
from hfci.catalog.whom import Whom
from hfci.checks.exceptions import FOLDER, CheckException, read_exceptions
from hfci.checks.table import CHECKS, Check
from hfci.confined import inside
from hfci.errors import UsageError
from hfci.generation.docstrings import told
from hfci.generation.drift import drift
from hfci.generation.staging import is_on_disk, require_own, staged
from hfci.preflight.configuration import Model, Performance
from hfci.preflight.diagnosis import diagnoses
from hfci.preflight.stages import STAGES
from hfci.results import text as texts
from hfci.templating import environment, templates_dir
from hfci.tiny.recipes import recipe_rows
from hfci.tiny.specs import OMITTED, Input, Spec

__all__ = [
    "COLUMNS",
    "MARK",
    "SECTIONS",
    "GuideSection",
    "as_code",
    "as_text",
    "check_guides",
    "guides",
    "write_guides",
]

MARK = "<!-- Rendered by `hfci generate --guides docs` from templates/docs/"
INDEX = "README.md"
EXCEPTIONS = "unusual-requirements.md"
PREFLIGHT = "preflight.md"

# The test whose text shows what a template asserts.
SHOWN_TEST = "test_forward_is_finite"

_SPELLED = {"table": "MODEL_{}_MAPPING_NAMES", "type-table": "MODEL_{}_MAPPING_NAMES"}

SHOWN_LENGTH = 120  # characters of a value that a table shows


def write_guides(out: Path, tests: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Render the guides into `out`, for the generated tests in `tests`; return the paths written and removed.

    A rendered page that is no longer due is removed, pages written by hand are left alone. Raises UsageError where
    `tests` has no manifest, a page written by hand is in the way, or `out` cannot be written; `out` is then as it was.
    """
    due = guides(tests)
    changed = {path: text for path, text in due.items() if not is_on_disk(out / path, text)}
    removed = tuple(path for path in _rendered_in(out) if path not in due)
    require_own(out, changed, lambda path: _is_rendered(out / path))
    with staged(out, {**changed, INDEX: due[INDEX]}) as staging:
        staging.commit(removed, last=INDEX)
    return tuple(changed), removed


def check_guides(out: Path, tests: Path) -> str:
    """Return how `out` differs from what would be rendered now: a unified diff, empty where nothing does."""
    by_hand = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} - {*_rendered_in(out)}
    return drift(out, guides(tests), by_hand)


def guides(tests: Path, templates: Path | None = None) -> dict[str, str]:
    """Return path → text of every rendered guide, for the generated tests in the folder `tests`."""
    folder = templates or templates_dir()
    manifest = load_manifest(tests / MANIFEST)
    of_name = {family.name: family for family in reversed(rules())}
    order = tuple(dict.fromkeys(rule.name for rule in rules()))
    pages = {name: _family(of_name[name], manifest, tests) for name in order}
    families = _families(manifest)
    exceptions = {
        "sections": [
            *(_section(section, families) for section in SECTIONS),
            *(_exceptions_to(CHECKS[name], rows, families) for name, rows in read_exceptions(FOLDER).items()),
        ],
        "packages": _packages(manifest, families),
    }
    return {
        INDEX: _fill(folder, "index.md.jinja", families=list(pages.values()), manifest=manifest),
        EXCEPTIONS: _fill(folder, "unusual-requirements.md.jinja", **exceptions),
        PREFLIGHT: _fill(folder, "preflight.md.jinja", **_preflight()),
        **{f"families/{name}.md": _fill(folder, "family.md.jinja", **page) for name, page in pages.items()},
    }


# A page of a family.


def _family(family: Family, manifest: Manifest, tests: Path) -> dict[str, Any]:
    """Return what the page of `family` states."""
    members = [(row, arch) for row in manifest.model_types for arch in row.architectures if arch.family == family.name]
    excepted = _excepted()
    names = [row.model_type for row in manifest.model_types if row.architecture(row.base).family == family.name]
    return {
        "family": family,
        "rules": [_rule(rule) for rule in rules() if rule.name == family.name],
        "checks": _checks(family.name, manifest),
        "model_types": sorted({row.model_type for row, _ in members}),
        "architectures": len(members),
        "bases": len(names),
        "excepted": sorted({row.model_type for row, _ in members} & excepted),
        "transformers": manifest.transformers,
        "example": _example(family.name, manifest, tests, excepted),
    }


def _excepted() -> set[str]:
    """Return the model types that a recipe, or an exception to a check, names."""
    rows = chain(recipe_rows(), *read_exceptions(FOLDER).values())
    return {name for row in rows for name in row.model_types or ()}


def _checks(family: str, manifest: Manifest) -> list[tuple[Check, int, int]]:
    """Return the checks that some architecture of `family` is asked, each with how many are, and how many excluded."""
    asked: Counter[str] = Counter()
    excluded: Counter[str] = Counter()
    for row in manifest.model_types:
        own = [arch for arch in row.architectures if arch.family == family]
        for arch in own:
            names = (name for case in row.cases if (case.architecture or row.base) == arch.name for name in case.checks)
            asked.update({Variant.parse(name).check for name in names})
            excluded.update(arch.excluded)
    return [(check, asked[name], excluded[name]) for name, check in CHECKS.items() if asked[name] or excluded[name]]


def _rule(rule: Family) -> list[tuple[str, list[str]]]:
    """Return which facts a rule wants, in words: how many of them, and the facts."""
    parts = (("all of these hold", rule.all), ("at least one of these holds", rule.any), ("none holds", rule.none))
    return [(quantity, [_fact(fact) for fact in sorted(facts)]) for quantity, facts in parts if facts]


def _fact(fact: str) -> str:
    kind, _, value = fact.partition(":")
    return KINDS[kind].format(as_code(_SPELLED.get(kind, "{}").format(value)))


def _example(family: str, manifest: Manifest, tests: Path, excepted: set[str]) -> dict[str, str] | None:
    """Return a model type of `family` and what its test asserts of the outputs: by choice one that the general rule
    makes, that wants no package, and that has many architectures. None where the family is no model type's first.
    """

    def rank(row: ManifestRow) -> tuple[Any, ...]:
        base = row.architecture(row.base)
        plain = base.parameters is not None and not base.requires
        return not plain, row.model_type in excepted, -len(row.architectures), row.model_type

    rows = [row for row in manifest.model_types if row.architecture(row.base).family == family]
    cases = [(row, case) for row in sorted(rows, key=rank) for case in row.cases if case.architecture == row.base]
    for place, (row, case) in enumerate(cases, start=1):
        try:
            test = _test(inside(tests, case.file), SHOWN_TEST)
        except UsageError:
            if place == len(cases):  # not one of them can be read
                raise
            continue
        return {"model_type": row.model_type, "architecture": str(case.architecture), "file": case.file, "test": test}
    return None


def _test(file: Path, name: str) -> str:
    """Return the text of the function `name` in `file`."""
    try:
        source = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot read {file}, which the manifest records: {reason}") from error
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{file} is no Python: {error}; render it anew with `hfci generate`") from error
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ast.get_source_segment(source, node) or ""
    raise UsageError(f"{file} has no {name}; render it anew with `hfci generate`")


# The page of exceptions.


@dataclass(frozen=True)
class GuideSection:
    """Recipes that change the same kind of thing: the columns of a recipe, and what they are about."""

    title: str
    about: str
    columns: tuple[str, ...]


SECTIONS = (
    GuideSection(
        "Configuration",
        "What the configuration of the tiny model departs in from the general rule. `default`: it has no default "
        "configuration without these arguments. `set`: these fields have these values, wherever the model type is a "
        "part of another too. `fill`: these fields have these values where they have none.",
        ("default", "set", "fill"),
    ),
    GuideSection(
        "Inputs",
        "What is fed otherwise than the names in the forward's signature and the configuration say. Sizes are numbers "
        "or fields of the configuration.",
        ("inputs", "video_inputs", "placeholders", "host_inputs", "choices"),
    ),
    GuideSection(
        "Parameters",
        "A tiny model has at most 1,000,000 parameters. These have more.",
        ("budget",),
    ),
    GuideSection(
        "Running and saving",
        "What is run other than the model's own forward, and the files that loading wants and saving does not write.",
        ("run_parts", "files"),
    ),
    GuideSection(
        "Output shapes",
        "Shapes that differ from those which the template of the family asserts.",
        ("shapes",),
    ),
    GuideSection(
        "Weights",
        "A matrix enlarges what it is applied to by another factor than the usual one.",
        ("gain",),
    ),
)


def _section(section: GuideSection, families: Mapping[str, str]) -> dict[str, Any]:
    """Return a section with its rows: who, what changes, why."""
    rows = [
        (
            _who(row, families),
            [change for name in section.columns if name in changes for change in COLUMNS[name](changes[name])],
            row.reason,
        )
        for row in recipe_rows()
        if not (changes := row.departures).keys().isdisjoint(section.columns)
    ]
    return {"title": section.title, "about": section.about, "rows": rows}


# The page of preflight.


def _preflight() -> dict[str, Any]:
    """Return what the page of preflight states: stages, settings and diagnoses."""
    rows = list(diagnoses().values())
    before = {stage.name for stage in STAGES[: [stage.name for stage in STAGES].index("download")]}
    return {
        "stages": STAGES,
        "model": told(Model.__doc__ or "")[1],
        "performance": told(Performance.__doc__ or "")[1],
        "diagnoses": rows,
        "early": sum(not before.isdisjoint(row.stages) for row in rows),
    }


def _exceptions_to(check: Check, rows: Sequence[CheckException], families: Mapping[str, str]) -> dict[str, Any]:
    """Return the section of a check's exceptions."""
    kinds = [
        f"{as_code(name)}, {'it' if kind.of == 'architecture' else f'{kind.of} that'} {kind.means}"
        for name, kind in check.exceptions.items()
    ]
    entries = [
        (
            _who(row, families),
            [f"{as_code(row.kind)}: {text}" for text in _explained(row.names)] or [as_code(row.kind)],
            row.why,
        )
        for row in rows
    ]
    about = f"What must hold: {check.invariant}. The kinds of its exceptions: {'; '.join(kinds)}."
    return {"title": f"Exceptions to {check.name}", "about": about, "rows": entries}


def _who(row: Whom, families: Mapping[str, str]) -> str:
    """Return whom a recipe or an exception is for, linked to the page of its family: which classes of what."""

    def linked(names: Sequence[str] | None) -> str:
        return ", ".join(_linked(name, families) for name in names or ())

    tables = ", ".join(as_code(_SPELLED["table"].format(table)) for table in row.tables or ())
    parts = (linked(row.architectures), tables and f"classes in {tables}", linked(row.model_types))
    who = " of ".join(filter(None, parts)) or "every model type"
    return f"{who}, with transformers {as_code(str(row.transformers))}" if row.transformers else who


def _linked(name: str, families: Mapping[str, str]) -> str:
    family = families.get(name)  # none: a part without a key of its own, or nothing is known of its class
    return f"[{as_code(name)}](families/{family}.md)" if family else as_code(name)


def _families(manifest: Manifest) -> dict[str, str]:
    """Return model type or architecture → family."""
    of_class = {arch.name: arch.family for row in manifest.model_types for arch in row.architectures}
    of_type = {row.model_type: row.architecture(row.base).family for row in manifest.model_types}
    return {name: family for name, family in (of_class | of_type).items() if family}


def _packages(manifest: Manifest, families: Mapping[str, str]) -> dict[str, list[str]]:
    """Return package → the model types with an architecture that wants it and did not get it, linked."""
    wanted: dict[str, list[str]] = {}
    for row in manifest.model_types:
        for package in sorted({package for arch in row.architectures for package in arch.requires}):
            wanted.setdefault(package, []).append(_linked(row.model_type, families))
    return dict(sorted(wanted.items()))


# What a column of a recipe says, as Markdown.


def _assignments(values: Mapping[str, Any]) -> list[str]:
    return [as_code(f"{name} = {_spelled(value)}") for name, value in values.items()]


def _inputs(specs: Mapping[str, Input]) -> list[str]:
    return [f"{as_code(name)}: {_input(spec)}" for name, spec in specs.items()]


def _input(spec: Input) -> str:
    if spec == OMITTED:
        return "not fed"
    if isinstance(spec, Spec) and spec.shape is not None:
        shape = ", ".join(map(str, spec.shape))
        return f"{spec.values}, of shape {as_code(f'({shape})')}"
    return as_code(_spelled(to_builtins(spec)))


def _explained(values: Mapping[str, str]) -> list[str]:
    return [f"{as_code(name)}: {as_text(why)}" for name, why in values.items()]


COLUMNS: dict[str, Callable[[Any], list[str]]] = {
    "default": lambda values: [f"default: {text}" for text in _assignments(values)],
    "set": _assignments,
    "fill": lambda values: [f"fill: {text}" for text in _assignments(values)],
    "inputs": _inputs,
    "video_inputs": lambda values: [f"shown a video: {text}" for text in _inputs(values)],
    "placeholders": lambda values: [f"the token of each {modality} is `{field}`" for modality, field in values.items()],
    "host_inputs": lambda values: [f"where it is a part: {text}" for text in _inputs(values)],
    "choices": lambda count: [f"{count} texts a row"],
    "budget": lambda count: [f"{count:,} parameters"],
    "run_parts": lambda _: ["the models that it holds are run, one by one"],
    "files": lambda contents: [as_code(name) for name in contents],
    "shapes": lambda shapes: [f"{as_code(name)}: {as_code(', '.join(shape))}" for name, shape in shapes.items()],
    "gain": lambda gain: [f"{gain} times"],
}


def _spelled(value: Any) -> str:
    return texts.first_line(json.dumps(value, ensure_ascii=False), SHOWN_LENGTH)


# Markdown. hfci's own data and transformers' names are in plain backticks, so that a search in the files finds them.

_SPECIAL = re.compile(r"[\\`*\[\]<>|&#~$]|(?<![^\W_])_|_(?![^\W_])")


def as_code(text: str) -> str:
    """Return `text` as code in the cell of a table; what backticks cannot hold there becomes HTML."""
    text, pipe = texts.clean(text), "\\|"
    return texts.code(text) if not text or "`" in text or pipe in text else f"`{text.replace('|', pipe)}`"


def as_text(text: str) -> str:
    """Return `text` with nothing in it that Markdown would take for more than text."""
    return _SPECIAL.sub(r"\\\g<0>", texts.clean(text))


def _fill(templates: Path, template: str, **variables: Any) -> str:
    pages = environment(templates / "docs")
    pages.filters.update(code=as_code, prose=as_text)
    mark = f"{MARK}{template}: change that, not this page. -->"
    return pages.get_template(template).render(mark=mark, **variables)


def _rendered_in(out: Path) -> list[str]:
    """Return the rendered pages in `out`, those of an earlier rendering too."""
    return [path.relative_to(out).as_posix() for path in sorted(out.rglob("*.md")) if _is_rendered(path)]


def _is_rendered(page: Path) -> bool:
    return page.is_file() and page.read_bytes().startswith(MARK.encode())
