"""The manifest of generated tests: a row for every model type; read without torch or transformers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hfci.cases.case import Case
from hfci.cases.outcome import STAGES
from hfci.cases.records import Number
from hfci.cases.variant import Variant
from hfci.configuration import TIERS
from hfci.confined import RelativePath, inside
from hfci.errors import UsageError, nearest
from hfci.parsing import UNREADABLE, Filled, Upgrades, Writer, of_schema, this_hfci

__all__ = [
    "FAULTS",
    "MANIFEST",
    "NOT_ASKED",
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
SCHEMA: Literal[6] = 6

# Earlier schemas lack only fields that may be left out: enough to render anew from, and to be compared with.
UPGRADES: Upgrades = {
    2: lambda manifest: {**manifest, "schema": 3},
    3: lambda manifest: {**manifest, "schema": 4},
    4: lambda manifest: {**manifest, "schema": 5, "hfci": None},
    5: lambda manifest: {**manifest, "schema": 6},
}

# Where the making of a test may stop: its class cannot be read, its template not filled, or the text is no valid test.
FAULTS = ("catalog", "render", "validate")

# The stages that a model reaches only once it is built.
BUILT = ("inputs", "forward")

SIGNS = {"schema", "transformers"}  # what others' files do not have

# What the fields of a row, and of its architectures, say together.
RULES: dict[str, Any] = {
    "if": {"properties": {"rung": {"const": "generated"}}},
    "then": {"properties": {"cases": {"minItems": 1}}, "required": ["cases"]},
    "else": {"properties": {"cases": {"maxItems": 0}}, "anyOf": [{"required": ["error"]}, {"required": ["reason"]}]},
}
OF_ARCHITECTURE: dict[str, Any] = {
    "dependentRequired": {"stage": ["error"], "error": ["stage"]},
    "if": {"required": ["parameters"]},
    "then": {"properties": {"stage": False}},
}
OF_FILE: dict[str, Any] = {"allOf": [{"pattern": "^[a-z0-9_]+/test_[a-z0-9_]+\\.py$"}]}

Unique = Annotated[tuple[Filled, ...], Meta(extra_json_schema={"uniqueItems": True})]

# The reason of a row that was never named when its folder was rendered: it may well have a test.
NOT_ASKED = "not asked for yet"


_MODELS = "transformers.models."


def short_module(name: str) -> str:
    """Return a module as the manifest names it: below `transformers.models`, or by its whole name after a colon."""
    return name.removeprefix(_MODELS) if name.startswith(_MODELS) else f":{name}"


def whole_module(short: str) -> str:
    """Return the dotted name of a module that the manifest names: the inverse of `short_module`."""
    return short[1:] if short.startswith(":") else f"{_MODELS}{short}"


class ForeignManifest(UsageError):
    """A file of the manifest's name that is not hfci's: others call theirs so too."""


class ManifestArchitecture(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One class: its family, and how far its tiny model came when it was verified on the pinned versions.

    Without parameters, packages and stage it was not verified yet. What only the model as built can tell, since auto
    classes choose it, are its modules and parts.

    - `family`: that names the template
    - `parameters`: of the tiny model that built and forwarded
    - `requires`: the packages it wants that were absent
    - `stage`: where its tiny model stops (config to forward), or where the making of its test did, one of FAULTS
    - `error`: why it stops
    - `modules`: those of `transformers.models` whose classes it and its configuration are made of, beyond the class's
      own and the configuration's beside that; with a colon first, those of who registers it, its own too
    - `parts`: the model types of its configuration's parts, beyond its own
    - `outputs`: the fields that its outputs declare, in words that are the same in every release
    - `excluded`: the checks whose rules exclude it; the table of checks says why
    - `excluded_tasks`: pipeline tasks whose tables list it and that it cannot serve, each with the rule that says so
    """

    name: Filled
    family: Filled | None = None
    parameters: Number | None = None
    requires: Unique = ()
    stage: Annotated[str, Meta(extra_json_schema={"enum": [*STAGES[:4], *FAULTS]})] | None = None
    error: Filled | None = None
    modules: Unique = ()
    parts: Unique = ()
    outputs: Unique = ()
    excluded: Unique = ()
    excluded_tasks: dict[Filled, Filled] = {}

    @property
    def was_built(self) -> bool:
        """Whether a model was built when this was rendered, so that `modules` and `parts` are known, be they none."""
        return self.parameters is not None or self.stage in BUILT


class ManifestCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The checks that a file makes of one architecture in one tier, or of the model type as a whole.

    - `architecture`: None for the model type as a whole
    - `file`: relative to the manifest, with slashes
    - `checks`: each with its axes, if it has any, as `Variant` writes it
    - `parent`: the model type to build where the row's own is a part of others
    """

    architecture: Filled | None
    tier: Annotated[str, Meta(extra_json_schema={"enum": list(TIERS)})]
    file: Annotated[RelativePath, Meta(extra_json_schema=OF_FILE)]
    checks: Annotated[Unique, Meta(extra_json_schema={"minItems": 1})] = ()
    parent: Filled | None = None


class ManifestRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One model type: `generated` with cases, or `catalogued` with a reason or an error.

    - `base`: the architecture that the smoke tier tests
    - `error`: what is wrong with the row, of the catalog, or why it lacks a test
    - `reason`: why the row has no architecture, by design
    - `processors`: the classes of its processors, whatever their kinds
    - `imported`: the name of the import that registers it; None where transformers has it
    """

    model_type: Filled
    rung: Literal["generated", "catalogued"]
    base: Filled | None = None
    # Written where there are none too: what a function makes is no default.
    architectures: tuple[Annotated[ManifestArchitecture, Meta(extra_json_schema=OF_ARCHITECTURE)], ...] = msgspec.field(
        default_factory=lambda: ()
    )
    cases: tuple[ManifestCase, ...] = msgspec.field(default_factory=lambda: ())
    error: Filled | None = None
    reason: Filled | None = None
    processors: Unique = ()
    imported: Filled | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the architectures."""
        return tuple(architecture.name for architecture in self.architectures)

    @property
    def families(self) -> tuple[str, ...]:
        """The families of the architectures, each once."""
        return tuple(dict.fromkeys(arch.family for arch in self.architectures if arch.family))

    @property
    def files(self) -> tuple[str, ...]:
        """The files that hold the cases, each once."""
        return tuple(dict.fromkeys(case.file for case in self.cases))

    def untested(self, tier: str, device: str, names: Collection[str] = ()) -> tuple[Case, ...]:
        """Return what stands in the records of a run in `tier` for what has no test there: of `names`, if any.

        Of a row without any test that is its base, in every tier. Elsewhere the base is told in the smoke tier, and
        each of the other architectures in the functional one.
        """
        if self.cases:
            tested = {case.architecture for case in self.cases if case.tier == tier}
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
                for variant in map(Variant.parse, tested.checks):
                    yield Case(
                        self.model_type,
                        tested.architecture,
                        known.family,
                        variant.check,
                        tier,
                        device,
                        variant.task,
                        variant.backend,
                        variant.dtype,
                        file=tested.file,
                        requires=known.requires,
                        parent=tested.parent,
                    )

    def architecture(self, name: str | None) -> ManifestArchitecture:
        """Return the architecture `name`, of the model type as a whole its base.

        It is one of which nothing is known where the row has none of that name.
        """
        wanted = name or self.base
        return next((arch for arch in self.architectures if arch.name == wanted), ManifestArchitecture(wanted or ""))


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every model type of one transformers version, in the registry's order.

    - `registry`: the digest of the registries that it was rendered from: a version in development has many
    """

    transformers: Filled
    model_types: tuple[Annotated[ManifestRow, Meta(extra_json_schema=RULES)], ...]
    registry: Filled | None = None
    schema: Literal[6] = SCHEMA
    hfci: Writer = msgspec.field(default_factory=this_hfci)

    def __post_init__(self) -> None:
        """Raise ValueError where two rows are of one model type."""
        (name, count), *_ = Counter(row.model_type for row in self.model_types).most_common(1) or [("", 0)]
        if count > 1:
            raise ValueError(f"two rows for {name!r:.80}")

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
        names = {name for row in self.model_types for case in row.cases for name in case.checks}
        return frozenset(Variant.parse(name).check for name in names if "[" in name)

    def excluded_tasks(self, model_types: Collection[str]) -> dict[str, Counter[str]]:
        """Return pipeline task → rule → how many architectures of `model_types` it excludes from the task."""
        excluded: dict[str, Counter[str]] = {}
        for row in self.model_types:
            for architecture in row.architectures if row.model_type in model_types else ():
                for task, rule in architecture.excluded_tasks.items():
                    excluded.setdefault(task, Counter())[rule] += 1
        return excluded

    def is_for(self, version: str, registry: str) -> bool:
        """Tell whether these are the tests of the transformers of this version, with these registries, if known."""
        return self.transformers == version and self.registry in (None, registry)

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as it is written to disk."""
        whole = msgspec.to_builtins(self)
        order = ("schema", "hfci", "transformers", "registry", "model_types")
        return {name: whole[name] for name in order if whole[name] is not None}


def load_manifest(path: Path, *, earlier: bool = False) -> Manifest:
    """Read a manifest file, of an earlier schema too where that is allowed; ForeignManifest where it is not hfci's.

    UsageError says what is wrong with it and where, or which link leads out of its folder.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        mend = "; `hfci generate` renders one" if isinstance(error, FileNotFoundError) else ""
        raise UsageError(f"cannot read the manifest {path}: {error.strerror}{mend}") from error
    manifest = parse_manifest(content, str(path), earlier=earlier)
    for folder in sorted({file.rpartition("/")[0] for row in manifest.model_types for file in row.files}):
        inside(path.parent, folder)
    return manifest


def parse_manifest(content: bytes, where: str, *, earlier: bool = False) -> Manifest:
    """Return the manifest in JSON; `where` begins the message of a UsageError."""
    try:
        data = msgspec.json.decode(content)
    except UNREADABLE as error:
        raise ForeignManifest(f"{where} is not JSON: {error}") from error
    if not isinstance(data, dict) or not data.keys() >= SIGNS:
        mend = "name the folder of generated tests, or, to render them, another one than this"
        raise ForeignManifest(f"{where} is somebody else's, no manifest of generated tests; {mend}")
    is_earlier = data["schema"] in tuple(UPGRADES)
    mend = "render it anew with `hfci generate`" if is_earlier else "render into another folder, or remove it"
    upgrades = UPGRADES if earlier else {}
    return of_schema(data, Manifest, "manifest", where, schema=SCHEMA, mend=mend, upgrades=upgrades)
