"""The JSON Schemas of the files that hfci reads and writes, made from the structures that read and write them.

Types, limits and patterns are the fields' own. What a docstring lists as ``- `field`: …`` describes the field.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from hfci.cases.ledger import LedgerFile
from hfci.cases.manifest import Manifest
from hfci.cases.records import RULES, Header, Record
from hfci.catalog.families import FamilyFile
from hfci.checks.exceptions import ExceptionFile
from hfci.checks.inert_rules import InertFile
from hfci.checks.table import CheckFile
from hfci.configuration import Table
from hfci.generation.docstrings import told
from hfci.generation.drift import drift
from hfci.generation.staging import is_on_disk
from hfci.planning.plan import Plan
from hfci.planning.popularity import Popularity
from hfci.planning.requirements import Requirements
from hfci.preflight.diagnosis import DiagnosisFile
from hfci.preflight.result import Result
from hfci.releases.acceptances import AcceptanceFile
from hfci.releases.changes import Changes
from hfci.releases.compatibility import Compatibility
from hfci.releases.first_releases import FirstReleaseFile
from hfci.results.formats.coverage_summary import CoverageSummary
from hfci.results.quarantine import Quarantine
from hfci.tiny.processors.settings import SettingFile
from hfci.tiny.recipes import RecipeFile
from hfci.writing import replacing

__all__ = ["DOCUMENTS", "Document", "check_schemas", "schemas", "write_schemas"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENDING = ".schema.json"
WIDTH = 120

# What is a text in a file: how it begins, or what it is.
TEXTS: dict[type[Any], dict[str, str]] = {
    SpecifierSet: {"type": "string", "pattern": r"^\s*[<>=!~]"},
    Version: {"type": "string", "pattern": "^v?[0-9]"},
    re.Pattern: {"type": "string", "format": "regex"},
}


class Document(NamedTuple):
    """One format: where its schema lies in the package, beside its file or folder if that is there too; what it is, and
    what it holds, of several kinds each line one.

    `is_whole` says that hfci writes every field, be it at its default; otherwise those at their default are left out.
    """

    path: str
    title: str
    kinds: tuple[Any, ...]
    is_whole: bool = True


DOCUMENTS = (
    Document("cases/data/manifest", "generated/manifest.json: the rendered test files", (Manifest,), is_whole=False),
    Document("configuration", "The table [tool.hfci] of a pyproject.toml", (Table,), is_whole=False),
    Document(
        "cases/data/ledger",
        "The ledger: failures that are transformers' own, known, and not for ever",
        (LedgerFile,),
        is_whole=False,
    ),
    Document(
        "releases/data/compatibility",
        "Which model type works on which versions: hfci compatibility --out FILE",
        (Compatibility,),
    ),
    Document(
        "releases/data/changes",
        "What changed from one transformers to another: hfci compare --out FILE",
        (Changes,),
    ),
    Document(
        "releases/data/accepted",
        "The accepted losses: what a release took from an architecture on purpose, with reasons",
        (AcceptanceFile,),
        is_whole=False,
    ),
    Document(
        "cases/data/records",
        "Records: the first line is the header, each further one a case",
        (Header, Annotated[Record, msgspec.Meta(extra_json_schema=RULES)]),
    ),
    Document("planning/data/plan", "A plan: which shard runs what, and what does not run, and why", (Plan,)),
    Document("planning/data/popularity", "Popularity: how much each model type is used on the Hub", (Popularity,)),
    Document(
        "planning/data/requirements", "Requirements: what cases need, as measured, by kind of runner", (Requirements,)
    ),
    Document(
        "results/data/coverage-summary",
        "coverage-summary.json: what happened to every model type, for programs",
        (CoverageSummary,),
    ),
    Document("results/data/quarantine", "A quarantine: cases that a history proves flaky, with reasons", (Quarantine,)),
    Document("preflight/data/diagnoses", "The taxonomy of what preflight can find", (DiagnosisFile,), is_whole=False),
    Document(
        "releases/data/first_releases",
        "The model types of transformers by the first release that has them",
        (FirstReleaseFile,),
        is_whole=False,
    ),
    Document("preflight/data/preflight", "preflight.json: what a preflight found", (Result,)),
    Document("checks/data/inert", "Parameters that rightly get no gradient", (InertFile,), is_whole=False),
    Document("checks/data/checks", "The table of checks", (CheckFile,), is_whole=False),
    Document("checks/data/exceptions", "Exceptions to a check", (ExceptionFile,), is_whole=False),
    Document("catalog/data/families", "The families, and what they allow", (FamilyFile,), is_whole=False),
    Document("tiny/data/recipes", "Recipes: how model types are made tiny and fed", (RecipeFile,), is_whole=False),
    Document(
        "tiny/processors/data/settings",
        "Settings of processors that no rule gives",
        (SettingFile,),
        is_whole=False,
    ),
)


def schemas() -> dict[str, str]:
    """Return path → text of every schema, by its path in the package."""
    return {f"{each.path}{ENDING}": f"{_text(_schema(each))}\n" for each in DOCUMENTS}


def write_schemas(package: Path) -> tuple[str, ...]:
    """Write the schemas below the folder of the package; return the paths of those that changed."""
    changed = {path: text for path, text in schemas().items() if not is_on_disk(package / path, text)}
    for path, text in changed.items():
        with replacing(package / path) as file:
            file.write(text.encode())
    return tuple(changed)


def check_schemas(package: Path) -> str:
    """Return how the schemas below the folder of the package differ from what would be written: a unified diff."""
    files = (path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file())
    return drift(package, schemas(), [path for path in files if not path.endswith(ENDING)])


def _schema(document: Document) -> dict[str, Any]:
    references, parts = msgspec.json.schema_components(
        document.kinds, schema_hook=TEXTS.__getitem__, ref_template="#/$defs/{name}"
    )
    for part in parts.values():
        _describe(part)
        if "properties" in part:
            _require(part, document.is_whole)
    whole = dict(references[0]) if len(references) == 1 else {"anyOf": list(references)}
    return {"$schema": DIALECT, "title": document.title, **whole, "$defs": parts}


def _describe(part: dict[str, Any]) -> None:
    """Move what the description of a structure lists of its fields to these."""
    text, listed = told(part.get("description", ""))
    for names, description in listed:
        for name in names:
            part["properties"][name].setdefault("description", description)
    if text:
        part["description"] = text


def _require(part: dict[str, Any], is_whole: bool) -> None:
    """Say which fields are there: all of what is written whole; else null is what is left out, and so never there."""
    properties: dict[str, dict[str, Any]] = part["properties"]
    part["required"] = [
        name for name, field in properties.items() if is_whole or name == "schema" or "default" not in field
    ]
    for name, field in properties.items():
        if is_whole or field.get("default", ...) is None:
            field.pop("default", None)
            if not is_whole:
                (kind,) = (choice for choice in field.pop("anyOf") if choice != {"type": "null"})
                properties[name] = {**kind, **field}


def _text(value: Any, indent: str = "") -> str:
    """Return JSON, with what fits in a line in one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent + line) <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return line
    inner = f"{indent} "
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + _text(item, inner) for item in value) + f"\n{indent}]"
    pairs = (f"{inner}{json.dumps(name)}: {_text(item, inner)}" for name, item in value.items())
    return "{\n" + ",\n".join(pairs) + f"\n{indent}}}"
