"""The manifest of generated tests: a row for every model type; read without torch or transformers."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hfci.cases.case import Case
from hfci.cases.variant import Variant
from hfci.confined import inside, relative_path
from hfci.errors import UsageError, nearest, require_keys

__all__ = [
    "FAULTS",
    "MANIFEST",
    "NOT_ASKED",
    "READABLE",
    "SCHEMA",
    "ForeignManifest",
    "Manifest",
    "ManifestArchitecture",
    "ManifestCase",
    "ManifestRow",
    "load_manifest",
    "parse_manifest",
]

MANIFEST = "manifest.json"  # its name in the folder of generated tests
SCHEMA = 4

# Schemas that lack only fields that may be left out: enough to render anew from, and to be compared with.
EARLIER = (2, 3)
READABLE = (*EARLIER, SCHEMA)

# Where the making of a test may stop: its class cannot be read, its template not filled, or the text is no valid test.
FAULTS = ("catalog", "render", "validate")

# The stages that a model reaches only once it is built.
BUILT = ("inputs", "forward")

KEYS = frozenset(("schema", "transformers", "registry", "model_types"))
SIGNS = {"schema", "transformers"}  # what others' files do not have

# The reason of a row that was never named when its folder was rendered: it may well have a test.
NOT_ASKED = "not asked for yet"


class ForeignManifest(UsageError):
    """A file of the manifest's name that is not hfci's: others call theirs so too."""


@dataclass(frozen=True)
class ManifestArchitecture:
    """One class: its family, and how far its tiny model came when it was verified on the pinned versions.

    `parameters` are those of a tiny model that built and forwarded; `stage` and `error` say where it stopped,
    `requires` which packages it wants that were absent. Without any of them it was not verified yet. Where `stage` is
    one of FAULTS, it has no test: `error` says why. `outputs` are the fields that its outputs promise, `excluded` the
    checks whose rules exclude it; the table of checks says why.

    What only the model as built can tell, since auto classes choose it: `modules` are those of `transformers.models`
    whose classes it and its configuration are made of, beyond the class's own and the configuration's beside that;
    `parts` the model types of its configuration's parts, beyond its own.
    """

    name: str
    family: str | None = None
    parameters: int | None = None
    requires: tuple[str, ...] = ()
    stage: str | None = None
    error: str | None = None
    modules: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def was_built(self) -> bool:
        """Whether a model was built when this was rendered, so that `modules` and `parts` are known, be they none."""
        return self.parameters is not None or self.stage in BUILT


@dataclass(frozen=True)
class ManifestCase:
    """The checks that a file makes of one architecture in one tier, each with its axes, as `Variant` writes it.

    `file` is relative to the manifest. `parent` is the model type to build where the row's own is a part of others.
    """

    architecture: str
    tier: str
    file: str
    checks: tuple[str, ...] = ()
    parent: str | None = None


@dataclass(frozen=True)
class ManifestRow:
    """One model type: `generated` with cases, or `catalogued` with a reason or an error of the catalog.

    `base` is the architecture that the smoke tier tests.
    """

    model_type: str
    rung: str
    base: str | None = None
    architectures: tuple[ManifestArchitecture, ...] = ()
    cases: tuple[ManifestCase, ...] = ()
    error: str | None = None
    reason: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the architectures."""
        return tuple(architecture.name for architecture in self.architectures)

    @property
    def families(self) -> tuple[str, ...]:
        """The families of the architectures, each once."""
        return tuple(dict.fromkeys(found.family for found in self.architectures if found.family))

    @property
    def files(self) -> tuple[str, ...]:
        """The files that hold the cases, each once."""
        return tuple(dict.fromkeys(case.file for case in self.cases))

    def untested(self, tier: str, device: str, names: Collection[str] = ()) -> tuple[Case, ...]:
        """Return what stands in the records of a run in `tier` for what has no test, in no tier: of `names`, if any.

        Of a row without any test that is its base, in every tier. Elsewhere the base is told in the smoke tier, and
        each of the other architectures in the functional one.
        """
        if self.cases:
            tested = {case.architecture for case in self.cases}
            own = [name for name in self.names if name not in tested and (name in names or not names)]
            lacking = [name for name in own if tier == ("smoke" if name == self.base else "functional")]
        else:
            lacking = [name for name in self.names if name in names] or [self.base or ""]
        return tuple(
            Case(self.model_type, name or None, self.architecture(name).family, None, tier, device) for name in lacking
        )

    def cases_in(self, tier: str, device: str) -> Iterator[Case]:
        """Yield the cases that the row's files make in `tier`, on `device`."""
        for tested in self.cases:
            if tested.tier == tier:
                known = self.architecture(tested.architecture)
                for said in map(Variant.parse, tested.checks):
                    yield Case(
                        self.model_type,
                        tested.architecture,
                        known.family,
                        said.check,
                        tier,
                        device,
                        said.task,
                        said.backend,
                        said.dtype,
                        file=tested.file,
                        requires=known.requires,
                        parent=tested.parent,
                    )

    def architecture(self, name: str | None) -> ManifestArchitecture:
        """Return the architecture `name`; one of which nothing is known where the row has none of that name."""
        return next((found for found in self.architectures if found.name == name), ManifestArchitecture(name or ""))


@dataclass(frozen=True)
class Manifest:
    """Every model type of one transformers version, in the registry's order.

    `registry` is the digest of the registries that it was rendered from: a version in development has many.
    """

    transformers: str
    model_types: tuple[ManifestRow, ...]
    registry: str | None = None

    def __getitem__(self, model_type: str) -> ManifestRow:
        """Return the row of `model_type`; UsageError, with the nearest names, when there is none."""
        for row in self.model_types:
            if row.model_type == model_type:
                return row
        known = [row.model_type for row in self.model_types]
        raise UsageError(f"no model type {model_type!r} in the manifest.{nearest(model_type, known)}")

    @property
    def varied(self) -> frozenset[str]:
        """The checks that some case asks with axes."""
        asked = {name for row in self.model_types for case in row.cases for name in case.checks}
        return frozenset(Variant.parse(name).check for name in asked if "[" in name)

    def is_for(self, version: str, registry: str) -> bool:
        """Tell whether these are the tests of the transformers of this version, with these registries, if known."""
        return self.transformers == version and self.registry in (None, registry)

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as it is written to disk."""
        rows = [_row_to_json(row) for row in self.model_types]
        known = {"registry": self.registry} if self.registry is not None else {}
        return {"schema": SCHEMA, "transformers": self.transformers, **known, "model_types": rows}


def load_manifest(path: Path, schemas: Collection[int] = (SCHEMA,)) -> Manifest:
    """Read a manifest file; ForeignManifest where it is not hfci's.

    UsageError says what is wrong with it and where, or which link leads out of its folder.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        mend = "; `hfci generate` renders one" if isinstance(error, FileNotFoundError) else ""
        raise UsageError(f"cannot read the manifest {path}: {error.strerror}{mend}") from error
    except (ValueError, RecursionError) as error:
        raise ForeignManifest(f"{path} is not JSON: {error}") from error
    manifest = parse_manifest(content, str(path), schemas)
    for folder in sorted({file.rpartition("/")[0] for row in manifest.model_types for file in row.files}):
        inside(path.parent, folder)
    return manifest


def parse_manifest(content: Any, where: str, schemas: Collection[int] = (SCHEMA,)) -> Manifest:
    """Return the manifest in decoded JSON; `where` begins the message of a UsageError."""
    if not isinstance(content, dict) or not content.keys() >= SIGNS:
        mend = "name the folder of generated tests, or, to render them, another one than this"
        raise ForeignManifest(f"{where} is somebody else's, no manifest of generated tests; {mend}")
    if (found := content.get("schema")) not in schemas:
        mend = "render it anew with `hfci generate`" if found in EARLIER else "render into another folder, or remove it"
        raise UsageError(f"{where}: schema {found!r}, this hfci reads {SCHEMA}; {mend}")
    require_keys(content, KEYS, where)
    rows = tuple(
        _parse(ManifestRow, row, f"{where}: model_types[{index}]")
        for index, row in enumerate(_typed(content.get("model_types"), list, f"{where}: model_types"))
    )
    names = [row.model_type for row in rows]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{where}: two rows for {twice!r}")
    registry = content.get("registry")
    return Manifest(
        _typed(content.get("transformers"), str, f"{where}: transformers"),
        rows,
        None if registry is None else _typed(registry, str, f"{where}: registry"),
    )


def _row_to_json(row: ManifestRow) -> dict[str, Any]:
    return _sparse(
        row, base=row.base, architectures=list(map(_sparse, row.architectures)), cases=list(map(_sparse, row.cases))
    )


def _sparse(item: Any, **values: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that say something."""
    data = {field.name: getattr(item, field.name) for field in fields(item)} | values
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in data.items()
        if value not in (None, ())
    }


# What must hold of a field beyond its kind: a function that raises ValueError.
_RULES = {(ManifestCase, "file"): relative_path}

# Annotation → what JSON must have there. A tuple is a list of it.
_KINDS = {"str": str, "int": int, "ManifestArchitecture": ManifestArchitecture, "ManifestCase": ManifestCase}


def _columns(kind: type[Any]) -> Mapping[str, tuple[type[Any], bool, bool]]:
    """Return the fields of a dataclass: what JSON has there, or in a list there, if a list, and if it must be there."""
    annotations = {field.name: str(field.type) for field in fields(kind)}
    items = {name: said.removeprefix("tuple[").partition(",")[0] for name, said in annotations.items()}
    return {
        name: (_KINDS[items[name].removesuffix(" | None")], said.startswith("tuple"), said == "str")
        for name, said in annotations.items()
    }


_COLUMNS = {kind: _columns(kind) for kind in (ManifestRow, ManifestArchitecture, ManifestCase)}


def _parse(kind: type[Any], data: Any, where: str) -> Any:
    """Make a dataclass of JSON by its annotations: strings, numbers, tuples of them or of dataclasses."""
    data = _object(data, where)
    where = f"{where} ({data['model_type']})" if isinstance(data.get("model_type"), str) else where
    columns = _COLUMNS[kind]
    require_keys(data, columns, where)
    values: dict[str, Any] = {}
    for name, (item, is_tuple, is_required) in columns.items():
        if name in data:
            at = f"{where}: {name}"
            if is_tuple:
                items = enumerate(_typed(data[name], list, at))
                values[name] = tuple(_value(item, value, f"{at}[{index}]") for index, value in items)
            else:
                values[name] = _value(item, data[name], at)
                if rule := _RULES.get((kind, name)):
                    _hold(rule, values[name], at)
        elif is_required:
            raise UsageError(f"{where}: {name} is missing")
    return kind(**values)


def _value(kind: type[Any], value: Any, at: str) -> Any:
    return _typed(value, kind, at) if kind in (str, int) else _parse(kind, value, at)


def _hold(rule: Callable[[str], object], value: str, at: str) -> None:
    try:
        rule(value)
    except ValueError as error:
        raise UsageError(f"{at}: {error}") from error


def _object(value: Any, where: str) -> Mapping[str, Any]:
    return _typed(value, dict, where)  # type: ignore[no-any-return]


def _typed(value: Any, kind: type[Any], where: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UsageError(f"{where}: expected {kind.__name__}, found {value!r:.60}")
    return value
