"""What is due: the test files that the rows of the catalog, the manifest's knowledge and the templates give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hfci.cases.manifest import FAULTS, Manifest, ManifestRow
from hfci.catalog import Architecture, ModelType, families, model_type_names, read_row, transformers_version
from hfci.catalog.registries import quiet, registry_digest
from hfci.errors import FOREIGN, UsageError
from hfci.generation.names import stems
from hfci.generation.progress import track
from hfci.generation.render import Fault, Rendered, TemplateBroken, fault_of, render, render_part
from hfci.generation.rules import Expected
from hfci.generation.verify import Target, Verification

__all__ = [
    "Asked",
    "ExpectedFiles",
    "expectations",
    "expected_files",
    "host",
    "known_of",
    "read_rows",
    "require_installed",
    "targets",
]

Asked = tuple[str, str]  # model type, architecture


class ExpectedFiles(NamedTuple):
    """What rows give: their test files, and why some architectures have none."""

    files: tuple[Rendered, ...]
    faults: tuple[Fault, ...]


def require_installed(manifest: Manifest, out: Path) -> None:
    """Raise UsageError where the manifest of `out` is of another transformers than the one that is imported here."""
    installed = transformers_version()
    if not manifest.is_for(installed, registry_digest()):
        other = "" if manifest.transformers != installed else " with other model types or classes in its registries"
        raise UsageError(
            f"{out} was rendered for transformers {manifest.transformers}{other}, and {installed} is installed. "
            "Render into another folder (`hfci generate --out DIR`), or all anew (`hfci generate --verify`)."
        )


def read_rows(names: Sequence[str], progress: bool) -> dict[str, ModelType]:
    """Return the rows of the catalog by name."""
    return {name: read_row(name) for name in track(names, total=len(names), label="reading the catalog", show=progress)}


def known_of(rows: Iterable[ManifestRow]) -> dict[Asked, Verification]:
    """Return what the manifest's rows know of their architectures' tiny models, and of what those are made."""
    return {
        (row.model_type, arch.name): Verification(
            row.model_type,
            arch.name,
            arch.parameters,
            arch.stage,
            arch.error,
            arch.requires,
            modules=arch.modules,
            parts=arch.parts,
        )
        for row in rows
        for arch in row.architectures
        if arch.parameters is not None or arch.stage not in (None, *FAULTS)
    }


@quiet()  # once for all that warn of their defaults
def expected_files(
    rows: Mapping[str, ModelType], known: Mapping[Asked, Verification], templates: Path
) -> ExpectedFiles:
    """Return the files of `rows`; `known` says what their architectures require. Raises TemplateBroken."""
    stem_of, family_of, version = stems(model_type_names()), families(), transformers_version()
    wanted: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in rows}
    for (name, architecture), verification in known.items():
        if name in wanted:
            wanted[name][architecture] = verification.requires
    files: list[Rendered] = []
    faults: list[Fault] = []
    for name, row in rows.items():
        if row.architectures:
            rendered, hindered = render(
                row, family_of, stem_of[name], transformers=version, requires=wanted[name], templates=templates
            )
            files += rendered
            faults += hindered
        elif held := host(row):
            parent, arch = held
            packages = wanted[name].get(arch.name, ())
            try:
                files.append(
                    render_part(
                        name, parent, arch, stem_of[name], transformers=version, requires=packages, templates=templates
                    )
                )
            except TemplateBroken:
                raise
            except FOREIGN as error:
                faults.append(fault_of(name, arch.name, error))
    return ExpectedFiles(tuple(files), tuple(faults))


def host(row: ModelType) -> tuple[str, Architecture] | None:
    """Return the model type and architecture in which a row without one of its own is tried, or None."""
    from hfci.tiny.parts import host_of

    held = None if row.architectures or row.error else host_of(row.model_type)
    if held is None:
        return None
    parent, name = held
    return parent, next(arch for arch in read_row(parent).architectures if arch.name == name)


def targets(rows: Iterable[ModelType]) -> list[Target]:
    """Return what there is to verify of `rows`: their architectures that have a family, or the host of a part."""
    wanted: list[Target] = []
    for row in rows:
        wanted += [(row.model_type, arch.name, None) for arch in row.architectures if arch.family]
        if held := host(row):
            wanted.append((row.model_type, held[1].name, held[0]))
    return wanted


def expectations(rows: Mapping[str, ModelType], rendered: Iterable[Rendered]) -> dict[str, Expected]:
    """Return what the rules hold each rendered file against, by its path."""
    return {
        file.path: Expected(rows[file.model_type], file.tier, file.header, file.families, file.asked)
        for file in rendered
    }
