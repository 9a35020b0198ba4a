"""The catalog: one row for every model type of the installed transformers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hfci.catalog import registries
from hfci.catalog.exported import exported_classes
from hfci.catalog.facts import facts_of, input_modalities
from hfci.catalog.families import families, family_of
from hfci.catalog.outputs import declared_outputs
from hfci.catalog.parts import why_without_class
from hfci.catalog.registered import registered
from hfci.catalog.requirements import absent_packages, needs
from hfci.catalog.tasks import TaskVerdict, tasks_of
from hfci.errors import FOREIGN, UsageError, in_one_line, nearest

__all__ = ["SCHEMA", "Architecture", "Catalog", "ModelType", "read_catalog", "read_row"]

SCHEMA = 1


@dataclass(frozen=True)
class Architecture:
    """One model class, with the name of the configuration class it is built from.

    `family` is empty where no rule covers it or its module cannot be imported: `error` says which. `facts` are those of
    the class, of `hfci.catalog.facts`; the rules of families read them.
    """

    name: str
    family: str
    auto_classes: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    can_generate: bool = False
    stateful: bool = False
    config: str = ""
    model_type: str = ""
    error: str | None = None
    facts: frozenset[str] = frozenset()

    @functools.cached_property
    def verdicts(self) -> tuple[TaskVerdict, ...]:
        """On each pipeline task whose table lists the class, whether it can serve it; found out when asked for."""
        return tasks_of(self.model_type, self.name, self.auto_classes) if self.model_type else ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The pipeline tasks that it can serve."""
        return tuple(verdict.task for verdict in self.verdicts if verdict.allowed)

    @functools.cached_property
    def outputs(self) -> tuple[str, ...]:
        """The fields of its outputs, by the words that are the same in every release; found out when asked for."""
        return declared_outputs(registries.find_class(self.model_type, self.name)) if self.model_type else ()

    @functools.cached_property
    def known_facts(self) -> frozenset[str]:
        """What the rules of checks read: `facts`, its family, the kinds of processor of its model type, its outputs.

        Of these it is the fields that they declare, `*` for any. `flag:example` is of the examples of its family.
        """
        declared = {f"output:{field}" for field in ("*", *self.outputs)} if self.outputs else set()
        processors = {f"processor:{kind}" for kind in registries.processors_of(self.model_type)}
        own = families().get(self.family or "")
        is_example = own is not None and f"{self.model_type}/{self.name}" in own.examples
        example = {"flag:example"} if is_example else set()
        return self.facts | {f"family:{self.family}"} | declared | processors | example

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        data = asdict(self)
        del data["model_type"], data["facts"]  # the first is the row's; the others are what the rules read
        return {**data, "tasks": self.tasks, "outputs": self.outputs}


@dataclass(frozen=True)
class ModelType:
    """One key of `CONFIG_MAPPING_NAMES`.

    `reason` says why a row has no architecture by design, `error` what is wrong with it. `requires` names the optional
    packages without which its classes cannot be imported or built; where nothing else is wrong, `unavailable` says so.
    `left_out` are the models that transformers exports and that are no architecture of any row, each with the reason.
    """

    model_type: str
    config: str | None
    module: str
    modalities: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    processors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    families: tuple[str, ...] = ()
    architectures: tuple[Architecture, ...] = ()
    reason: str | None = None
    error: str | None = None
    unavailable: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> str | None:
        """The `error`, unless it is that this machine lacks a package."""
        return None if self.unavailable else self.error

    @property
    def base(self) -> Architecture | None:
        """The architecture that the smoke tier tests: `AutoModel`'s, or else the first.

        One that is built from this row's configuration comes before one that is not: a table may list a class of
        a part (`MusicgenModel`, of the decoder's configuration, for `musicgen`).
        """
        own = [arch for arch in self.architectures if arch.config == self.config]
        ranked = [arch for arch in own if "AutoModel" in arch.auto_classes] + own
        return next(iter(ranked or self.architectures), None)

    @property
    def problems(self) -> str | None:
        """What is `wrong`, and which of its tasks hfci cannot tell whether it serves; None where nothing is wrong."""
        errors = {
            f"{verdict.task}: {verdict.error}"
            for arch in self.architectures
            for verdict in arch.verdicts
            if verdict.error
        }
        return "; ".join([*([self.wrong] if self.wrong else ()), *sorted(errors)]) or None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            **asdict(self),
            "architectures": [arch.to_json() for arch in self.architectures],
            "error": self.problems,
        }


@dataclass(frozen=True)
class Catalog:
    """The rows, in the order of the registry, and the version of transformers they were read from."""

    transformers: str
    model_types: tuple[ModelType, ...]

    def __getitem__(self, model_type: str) -> ModelType:
        """Return the row of `model_type`; KeyError where there is none."""
        return next(row for row in self.model_types if row.model_type == model_type)

    def to_json(self) -> dict[str, Any]:
        """Return the catalog as plain data, as `hfci catalog --json` prints it."""
        return {
            "schema": SCHEMA,
            "transformers": self.transformers,
            "model_types": [row.to_json() for row in self.model_types],
        }


def read_catalog(
    model_types: Iterable[str] | None = None,
    progress: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> Catalog:
    """Read the rows of `model_types`, or of every key, showing `progress` over them.

    Raises UsageError for a model type that the installed transformers does not have.
    """
    names = registries.model_type_names() if model_types is None else tuple(model_types)
    return Catalog(registries.transformers_version(), tuple(read_row(name) for name in progress(names)))


@functools.cache
def read_row(model_type: str) -> ModelType:
    """Read one row: imports the modules of that model type and nothing of the others.

    Whatever goes wrong with a row, in transformers' modules too, is its `error`; only an unknown model type raises
    (UsageError).
    """
    known = registries.model_type_names()
    if model_type not in known:
        version = registries.transformers_version()
        raise UsageError(f"transformers {version} has no model type {model_type!r}.{nearest(model_type, known)}")
    tables = _tables_by_class(model_type)
    try:
        return _read(model_type, tables)
    except FOREIGN as error:
        message, absent = in_one_line(error.__cause__ or error), absent_packages(error)
        architectures = [Architecture(name, "", _autos(listed), error=message) for name, listed in tables.items()]
        return ModelType(
            model_type,
            config=None,
            module=registries.module_name(model_type),
            requires=absent,
            architectures=tuple(architectures),
            error=f"cannot be read: {message}",
            unavailable=needs(absent) if absent else None,
        )


def _read(model_type: str, tables: dict[str, tuple[str, ...]]) -> ModelType:
    """Read a row whose configuration, and whose modules where no table lists its classes, can be imported."""
    row: dict[str, Any] = {
        "model_type": model_type,
        "config": registries.config_class(model_type).__name__,
        "module": registries.module_name(model_type),
        "processors": registries.processors_of(model_type),
    }
    tables = tables or {cls.__name__: () for cls in registries.own_model_classes(model_type)}
    type_tables = frozenset(table for names in tables.values() for table in names)
    wrong: dict[str, str] = {}
    absent: dict[str, tuple[str, ...]] = {}
    exported = exported_classes(model_type)
    tables |= {name: () for name in exported.architectures if name not in tables}
    row["left_out"] = {name: reason for name, reason in exported.left_out.items() if name not in tables}
    if not tables:
        return ModelType(**row, reason=why_without_class(model_type))
    architectures = []
    for name, listed in tables.items():
        try:
            architecture = _architecture(model_type, name, listed, type_tables)
            wrong |= {name: architecture.error} if architecture.error else {}
        except FOREIGN as error:
            absent[name], wrong[name] = absent_packages(error), in_one_line(error.__cause__ or error)
            architecture = Architecture(name, "", _autos(listed), error=wrong[name])
        architectures.append(architecture)
    requires = tuple(dict.fromkeys(package for packages in absent.values() for package in packages))
    return ModelType(
        **row,
        modalities=tuple(dict.fromkeys(modality for arch in architectures for modality in arch.inputs)),
        requires=requires,
        families=tuple(dict.fromkeys(arch.family for arch in architectures if arch.family)),
        architectures=tuple(architectures),
        error="; ".join(f"{name}: {error}" for name, error in wrong.items()) or None,
        unavailable=needs(requires) if requires and all(absent.get(name) for name in wrong) else None,
    )


def _architecture(model_type: str, name: str, tables: tuple[str, ...], type_tables: frozenset[str]) -> Architecture:
    """Read one class. Raises whatever its modules do when they are imported."""
    cls = registries.find_class(model_type, name)
    facts = facts_of(cls, tables, type_tables)
    family = family_of(facts)
    inputs = input_modalities(cls)
    return Architecture(
        name,
        family.name if family else "",
        _autos(tables),
        inputs,
        cls.can_generate(),
        bool(getattr(cls, "_is_stateful", False)),
        getattr(cls.config_class, "__name__", ""),
        model_type,
        None if family else _why_without_family(model_type, inputs),
        facts,
    )


def _why_without_family(model_type: str, inputs: tuple[str, ...]) -> str:
    """Return why no family has an architecture; who registers it can mend that."""
    mend = ""
    if model_type in registered().configs:
        mend = "; call them as transformers does (input_ids, pixel_values …), and register it with its auto class"
    return f"no family rule covers it (inputs: {', '.join(inputs) or 'none known'}){mend}"


def _autos(tables: tuple[str, ...]) -> tuple[str, ...]:
    """Return the auto classes that load from `tables`."""
    auto_of = registries.auto_classes_by_table()
    return tuple(auto_of[table] for table in tables if table in auto_of)


def _tables_by_class(model_type: str) -> dict[str, tuple[str, ...]]:
    """Return class name → the tables it stands in for `model_type`, in the tables' order."""
    tables: dict[str, tuple[str, ...]] = {}
    for table, rows in registries.model_tables().items():
        for name in rows.get(model_type, ()):
            tables[name] = (*tables.get(name, ()), table)
    return tables
