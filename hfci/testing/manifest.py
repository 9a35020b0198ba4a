"""The manifest of generated tests: a row for every model type; read without torch or transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hfci.errors import UsageError, nearest

__all__ = [
    "MANIFEST",
    "NOT_ASKED",
    "SCHEMA",
    "Manifest",
    "ManifestCase",
    "ManifestRow",
    "load_manifest",
    "parse_manifest",
]

MANIFEST = "manifest.json"  # its name in the folder of generated tests
SCHEMA = 1

# The reason of a row that was never named when its folder was rendered: it may well have a test.
NOT_ASKED = "not asked for yet"

# Left out of a row's JSON when there is nothing to say.
SPARSE = ("stage", "error", "reason")


@dataclass(frozen=True)
class ManifestCase:
    """The checks that a file makes of one architecture in one tier."""

    architecture: str
    tier: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class ManifestRow:
    """One model type: `generated` with a file, or `catalogued` with a reason, or a stage and an error."""

    model_type: str
    rung: str
    families: tuple[str, ...] = ()
    family: str | None = None
    file: str | None = None
    requires: tuple[str, ...] = ()
    parameters: int | None = None
    cases: tuple[ManifestCase, ...] = ()
    architectures: tuple[str, ...] = ()
    stage: str | None = None
    error: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Manifest:
    """Every model type of one transformers version, in the registry's order."""

    transformers: str
    model_types: tuple[ManifestRow, ...]

    def __getitem__(self, model_type: str) -> ManifestRow:
        """Return the row of `model_type`; UsageError, with the nearest names, when there is none."""
        for row in self.model_types:
            if row.model_type == model_type:
                return row
        known = [row.model_type for row in self.model_types]
        raise UsageError(f"no model type {model_type!r} in the manifest.{nearest(model_type, known)}")

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as it is written to disk."""
        rows = [_row_to_json(row) for row in self.model_types]
        return {"schema": SCHEMA, "transformers": self.transformers, "model_types": rows}


def load_manifest(path: Path) -> Manifest:
    """Read a manifest file; UsageError says what is wrong with it and where."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the manifest {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    return parse_manifest(content, str(path))


def parse_manifest(content: Any, where: str) -> Manifest:
    """Return the manifest in decoded JSON; `where` begins the message of a UsageError."""
    content = _object(content, where)
    if content.get("schema") != SCHEMA:
        mend = "render it anew with `hfci generate`"
        raise UsageError(f"{where}: schema {content.get('schema')!r}, this hfci reads {SCHEMA}; {mend}")
    _only_keys(content, {"schema", "transformers", "model_types"}, where)
    rows = tuple(
        _parse(ManifestRow, row, f"{where}: model_types[{index}]")
        for index, row in enumerate(_typed(content.get("model_types"), list, f"{where}: model_types"))
    )
    names = [row.model_type for row in rows]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{where}: two rows for {twice!r}")
    return Manifest(_typed(content.get("transformers"), str, f"{where}: transformers"), rows)


def _row_to_json(row: ManifestRow) -> dict[str, Any]:
    data = {field.name: getattr(row, field.name) for field in fields(row)}
    data["cases"] = [
        {"architecture": case.architecture, "tier": case.tier, "checks": list(case.checks)} for case in row.cases
    ]
    data = {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}
    return {name: value for name, value in data.items() if value is not None or name not in SPARSE}


def _parse(kind: type[Any], data: Any, where: str) -> Any:
    """Make a dataclass of JSON by its annotations: strings, numbers, tuples of strings or of cases."""
    data = _object(data, where)
    named = {field.name: str(field.type) for field in fields(kind)}
    where = f"{where} ({data['model_type']})" if isinstance(data.get("model_type"), str) else where
    _only_keys(data, set(named), where)
    values: dict[str, Any] = {}
    for name, annotation in named.items():
        at = f"{where}: {name}"
        value = data.get(name)
        if value is None and (name not in data or annotation.endswith("| None")):
            if annotation == "str":
                raise UsageError(f"{at} is missing")
            continue
        if annotation == "tuple[ManifestCase, ...]":
            items = _typed(value, list, at)
            values[name] = tuple(_parse(ManifestCase, item, f"{at}[{i}]") for i, item in enumerate(items))
        elif annotation.startswith("tuple"):
            values[name] = tuple(_typed(item, str, at) for item in _typed(value, list, at))
        else:
            values[name] = _typed(value, int if annotation.startswith("int") else str, at)
    return kind(**values)


def _object(value: Any, where: str) -> Mapping[str, Any]:
    return _typed(value, dict, where)  # type: ignore[no-any-return]


def _typed(value: Any, kind: type[Any], where: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UsageError(f"{where}: expected {kind.__name__}, found {value!r:.60}")
    return value


def _only_keys(data: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in data:
        if key not in known:
            raise UsageError(f"{where}: unknown key {key!r}.{nearest(key, known)}")
