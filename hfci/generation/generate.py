"""`hfci generate`: catalog → verify → render → validate → write; and `--check`: is that what is on disk?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfci.cases.manifest import (
    MANIFEST,
    NOT_ASKED,
    Manifest,
    ManifestArchitecture,
    ManifestCase,
    ManifestRow,
    load_manifest,
)
from hfci.catalog import ModelType, model_type_names, transformers_version
from hfci.catalog.registered import registered_by
from hfci.catalog.registries import registry_digest
from hfci.generation.drift import drift
from hfci.generation.expected_files import (
    Asked,
    ExpectedFiles,
    expectations,
    expected_files,
    known_of,
    read_rows,
    require_installed,
    targets,
)
from hfci.generation.problems import invalid_files, problems_of_rows
from hfci.generation.progress import track
from hfci.generation.render import WHOLE, Fault, Rendered, is_rendered
from hfci.generation.rules import Problem
from hfci.generation.select import select
from hfci.generation.staging import is_on_disk, require_own, staged
from hfci.generation.verify import Target, Verification, verify_all
from hfci.templating import templates_dir

__all__ = ["Generated", "check", "generate"]


@dataclass(frozen=True)
class Generated:
    """What `generate` did: the manifest as it is now, the paths written and removed, and why rows have no test."""

    manifest: Manifest
    written: tuple[str, ...]
    removed: tuple[str, ...]
    problems: tuple[Problem, ...]


def generate(
    patterns: Sequence[str] = (),
    out: Path = Path("generated"),
    *,
    verify: bool = False,
    scratch: bool = False,
    progress: bool = True,
    templates: Path | None = None,
) -> Generated:
    """Render the test files of the model types that `patterns` name (none: all) into `out`.

    Every row with an architecture gets its files, whether or not its tiny model builds here: where it stops, its
    tests say. How far each architecture comes is recorded in the manifest. That is tried for those that `patterns`
    name and those of which `out`'s manifest does not know it; with `verify`, for all; with `scratch`, for none.
    Rows that `patterns` do not name stay as they are. What cannot be read, rendered or validated is an error of its
    row, and a problem of the outcome; everything else is written.

    Raises UsageError for a pattern that names nothing, a manifest of another transformers, a template that cannot be
    read, somebody's own file in the way or an unwritable `out`. `out` is then as it was.
    """
    selected = select(patterns)
    old = load_manifest(out / MANIFEST, earlier=True) if (out / MANIFEST).exists() else None
    anew = not patterns and (verify or scratch)
    if old and not anew:
        require_installed(old, out)
    kept = {} if old is None or anew else {row.model_type: row for row in old.model_types}

    rows = read_rows(selected, progress)
    known = {} if patterns else known_of(kept.values())
    if not scratch:
        known |= _verify([target for target in targets(rows.values()) if target[:2] not in known], progress)
    rendered = _made(out, rows, known, templates)
    manifest = _manifest(kept, rows, known, rendered)
    return _write(out, old, manifest, rendered.files, tuple(problems_of_rows(map(manifest.__getitem__, rows))))


def check(
    patterns: Sequence[str] = (),
    out: Path = Path("generated"),
    *,
    progress: bool = True,
    templates: Path | None = None,
) -> str:
    """Return how `out` differs from what would be rendered now: a unified diff, empty where nothing does.

    Nothing is verified again: the manifest says which model types are. Changed, missing and extra files are
    told, and a manifest that is not what it would be.
    """
    old = load_manifest(out / MANIFEST)
    require_installed(old, out)
    kept = {row.model_type: row for row in old.model_types}
    known = known_of(kept.values())
    selected = [name for name in select(patterns) if name not in kept or kept[name].reason != NOT_ASKED]
    rows = read_rows(selected, progress)
    rendered = _made(out, rows, known, templates)
    texts = {file.path: file.text for file in rendered.files}
    others = {path for name, row in kept.items() for path in row.files if name not in rows}
    return drift(out, {**texts, MANIFEST: _text(_manifest(kept, rows, known, rendered))}, others)


def _verify(wanted: Sequence[Target], progress: bool) -> dict[Asked, Verification]:
    verifications = track(verify_all(wanted), total=len(wanted), label="verifying tiny models", show=progress)
    return {(verification.model_type, verification.architecture): verification for verification in verifications}


def _made(
    out: Path, rows: Mapping[str, ModelType], known: Mapping[Asked, Verification], templates: Path | None
) -> ExpectedFiles:
    """Return the valid test files of `rows`, and the faults of the others. What is in `out` already is valid."""
    rendered, faults = expected_files(rows, known, templates or templates_dir())
    new = [file for file in rendered if not is_on_disk(out / file.path, file.text)]
    invalid = invalid_files(new, expectations(rows, new))
    files = tuple(file for file in rendered if file.path not in invalid)
    invalid_faults = (
        Fault(file.model_type, name, "validate", invalid[file.path])
        for file in new
        if file.path in invalid
        for name in file.families
        if name != WHOLE
    )
    return ExpectedFiles(files, (*faults, *invalid_faults))


def _manifest(
    kept: Mapping[str, ManifestRow],
    rows: Mapping[str, ModelType],
    known: Mapping[Asked, Verification],
    rendered: ExpectedFiles,
) -> Manifest:
    """Return a row for every key, in the registry's order; those not among `rows` are as they were `kept`."""
    files: dict[str, list[Rendered]] = {name: [] for name in rows}
    faults: dict[str, list[Fault]] = {name: [] for name in rows}
    for file in rendered.files:
        files[file.model_type].append(file)
    for fault in rendered.faults:
        faults[fault.model_type].append(fault)
    return Manifest(
        transformers=transformers_version(),
        model_types=tuple(
            _manifest_row(rows[name], known, files[name], faults[name])
            if name in rows
            else kept.get(name)
            or ManifestRow(model_type=name, rung="catalogued", reason=NOT_ASKED, imported=registered_by(name))
            for name in model_type_names()
        ),
        registry=registry_digest(),
    )


def _manifest_row(
    row: ModelType, known: Mapping[Asked, Verification], files: Sequence[Rendered], faults: Sequence[Fault]
) -> ManifestRow:
    # A part is tested in an architecture of its parent's.
    families = {arch.name: arch.family for arch in row.architectures} or {
        name: family for file in files for name, family in file.families.items()
    }
    unread = [Fault(row.model_type, arch.name, "catalog", arch.error) for arch in row.architectures if arch.error]
    hindered = {fault.architecture: fault for fault in (*unread, *faults)}
    outputs = {name: fields for file in files for name, fields in file.outputs.items()}
    excluded_tasks = {
        arch.name: {verdict.task: verdict.rule for verdict in arch.verdicts if verdict.rule}
        for arch in row.architectures
        if arch.name not in hindered
    }
    excluded: dict[str, tuple[str, ...]] = {}
    for file in files:
        for name, applicable in file.asked.items():
            excluded[name] = (*excluded.get(name, ()), *applicable.excluded)

    def architecture(name: str, family: str) -> ManifestArchitecture:
        if fault := hindered.get(name):
            requires = row.requires if fault.stage == "catalog" else ()
            return ManifestArchitecture(name, family or None, requires=requires, stage=fault.stage, error=fault.error)
        verification = known.get((row.model_type, name), Verification("", ""))
        return ManifestArchitecture(
            name,
            family,
            verification.parameters,
            verification.requires,
            verification.stage,
            verification.error,
            verification.modules,
            verification.parts,
            outputs.get(name, ()),
            excluded.get(name, ()),
            excluded_tasks.get(name, {}),
        )

    names = {**families, **{name: "" for name in hindered if name not in families}}
    errors = [row.error] if row.error else []
    errors += [f"{fault.architecture}: {fault.stage}: {fault.error}" for fault in faults]
    return ManifestRow(
        model_type=row.model_type,
        rung="generated" if files else "catalogued",
        base=row.base.name if row.base else None,
        processors=tuple(dict.fromkeys(name for names in row.processors.values() for name in names)),
        architectures=tuple(architecture(name, family) for name, family in names.items()),
        cases=tuple(
            ManifestCase(name or None, file.tier, file.path, applicable.names, file.parent)
            for file in files
            for name, applicable in file.asked.items()
        ),
        error="; ".join(errors) or None,
        reason=row.reason,
        imported=registered_by(row.model_type),
    )


def _text(manifest: Manifest) -> str:
    """Return the manifest's JSON with a line for every model type: a change of one is a diff of one line."""
    whole = manifest.to_json()
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in whole.pop("model_types"))
    return f'{json.dumps(whole)[:-1]}, "model_types": [\n{rows}\n]}}\n'


def _write(
    out: Path, old: Manifest | None, manifest: Manifest, files: Iterable[Rendered], problems: tuple[Problem, ...]
) -> Generated:
    """Put what changed in its place; the manifest comes last.

    What is replaced or removed was rendered by hfci: the manifest in `out` records it, or it says so itself. To be
    removed it must say so, since a manifest can record anything.
    """
    changed = {file.path: file.text for file in files if not is_on_disk(out / file.path, file.text)}
    recorded = _files(old) if old else set()
    removed = tuple(path for path in sorted(recorded - _files(manifest)) if (out / path).exists())
    require_own(out, changed, lambda path: path in recorded or is_rendered(out / path))
    require_own(out, removed, lambda path: is_rendered(out / path))
    with staged(out, {**changed, MANIFEST: _text(manifest)}) as staging:
        staging.commit(removed, last=MANIFEST)
    return Generated(manifest, tuple(changed), removed, problems)


def _files(manifest: Manifest) -> set[str]:
    return {path for row in manifest.model_types for path in row.files}
