"""`hfci generate`: catalog → verify → render → validate → write; and `--check`: is that what is on disk?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfci.catalog import ModelType, families, model_type_names, read_row, transformers_version
from hfci.errors import HfciError, UsageError
from hfci.generation.drift import drift
from hfci.generation.names import stems
from hfci.generation.progress import track
from hfci.generation.render import Rendered, header, promised_checks, render
from hfci.generation.rules import Expected, Problem
from hfci.generation.select import select
from hfci.generation.validate import problems_in
from hfci.generation.verify import Verification, verify_all
from hfci.generation.write import staged
from hfci.templating import templates_dir
from hfci.testing.manifest import MANIFEST, NOT_ASKED, Manifest, ManifestCase, ManifestRow, load_manifest

__all__ = ["InvalidTests", "Outcome", "check", "generate", "validate"]

TIER = "smoke"


class InvalidTests(HfciError):
    """What a template gives is not a valid test; nothing was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Tell of the first of `problems`."""
        self.problems = tuple(problems)
        shown = "\n".join(str(problem) for problem in self.problems[:20])
        more = f"\n… and {len(self.problems) - 20} more" if len(self.problems) > 20 else ""
        super().__init__(f"nothing was written: what was rendered is not valid\n{shown}{more}")


@dataclass(frozen=True)
class Outcome:
    """What `generate` did: the manifest as it is now, and the paths written and removed."""

    manifest: Manifest
    written: tuple[str, ...]
    removed: tuple[str, ...]


def generate(
    patterns: Sequence[str] = (),
    out: Path = Path("generated"),
    *,
    verify: bool = False,
    scratch: bool = False,
    progress: bool = True,
    templates: Path | None = None,
) -> Outcome:
    """Render the test files of the model types that `patterns` name (none: all) into `out`.

    Only a model type whose tiny model builds and forwards here gets a file. That is tried for those that
    `patterns` name and those of which `out`'s manifest does not know it; with `verify`, for all; with
    `scratch`, for none: every row is rendered then, and its tests show where it stops. Rows that `patterns`
    do not name stay as they are.

    Raises UsageError for a pattern that names nothing, a manifest of another transformers, a broken template
    or an unwritable `out`, and InvalidTests where a template gives no valid test. `out` is then as it was.
    """
    selected = select(patterns)
    old = load_manifest(out / MANIFEST) if (out / MANIFEST).exists() else None
    anew = not patterns and (verify or scratch)
    if old and not anew:
        _same_transformers(old, out)
    kept = {} if old is None or anew else {row.model_type: row for row in old.model_types}
    known = {name: _verification(row) for name, row in kept.items() if _is_verified(row) and not patterns}

    rows = _read(selected, progress)
    if not scratch:
        known |= _verify([row for name, row in rows.items() if name not in known], progress)
    templates = templates or templates_dir()
    rendered = _render(rows, None if scratch else known, templates)
    manifest = _manifest(kept, rows, known, rendered)
    expected = {
        file.path: _expected(rows[name], file.family, manifest.transformers, templates)
        for name, file in rendered.items()
    }
    return _write(out, old, manifest, rendered.values(), expected)


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
    _same_transformers(old, out)
    kept = {row.model_type: row for row in old.model_types}
    known = {name: _verification(row) for name, row in kept.items() if _is_verified(row)}
    selected = [name for name in select(patterns) if name not in kept or kept[name].reason != NOT_ASKED]
    rows = _read(selected, progress)
    rendered = _render(rows, known, templates or templates_dir())
    texts = {file.path: file.text for file in rendered.values()}
    others = {row.file for name, row in kept.items() if row.file and name not in rows}
    return drift(out, {**texts, MANIFEST: _text(_manifest(kept, rows, known, rendered))}, others)


def validate(patterns: Sequence[str] = (), out: Path = Path("generated"), *, progress: bool = True) -> list[Problem]:
    """Return what is wrong with the test files in `out` (see hfci.generation.validate.DESCRIPTIONS)."""
    manifest = load_manifest(out / MANIFEST)
    wanted = set(select(patterns))
    recorded = [row for row in manifest.model_types if row.file and row.model_type in wanted]
    rows = _read([row.model_type for row in recorded], progress)
    folder = templates_dir()
    expected = {
        str(row.file): _expected(rows[row.model_type], str(row.family), manifest.transformers, folder)
        for row in recorded
    }
    return problems_in(out, expected, sorted(expected) if patterns else None)


def _same_transformers(manifest: Manifest, out: Path) -> None:
    installed = transformers_version()
    if manifest.transformers != installed:
        raise UsageError(
            f"{out} was rendered for transformers {manifest.transformers}, and {installed} is installed. "
            "Render into another folder (`hfci generate --out DIR`), or all anew (`hfci generate --verify`)."
        )


def _read(names: Sequence[str], progress: bool) -> dict[str, ModelType]:
    return {name: read_row(name) for name in track(names, total=len(names), label="reading the catalog", show=progress)}


def _verify(rows: Sequence[ModelType], progress: bool) -> dict[str, Verification]:
    targets = [(row.model_type, row.base.name) for row in rows if row.base and row.base.family]
    found = track(verify_all(targets), total=len(targets), label="verifying tiny models", show=progress)
    return {verification.model_type: verification for verification in found}


def _is_verified(row: ManifestRow) -> bool:
    return row.parameters is not None or row.stage is not None


def _verification(row: ManifestRow) -> Verification:
    return Verification(row.model_type, row.parameters, row.stage, row.error, row.requires)


def _render(
    rows: Mapping[str, ModelType], known: Mapping[str, Verification] | None, templates: Path
) -> dict[str, Rendered]:
    """Render the rows that are verified, or, where `known` is None, all that have something to test."""
    stem_of, family_of, version = stems(model_type_names()), families(), transformers_version()
    return {
        name: render(row, family_of[row.base.family], stem_of[name], transformers=version, templates=templates)
        for name, row in rows.items()
        if row.base and row.base.family and (known is None or (name in known and known[name].verified))
    }


def _manifest(
    kept: Mapping[str, ManifestRow],
    rows: Mapping[str, ModelType],
    known: Mapping[str, Verification],
    rendered: Mapping[str, Rendered],
) -> Manifest:
    """Return a row for every key, in the registry's order; those not among `rows` are as they were `kept`."""
    nothing = Verification("")
    return Manifest(
        transformers=transformers_version(),
        model_types=tuple(
            _manifest_row(rows[name], known.get(name, nothing), rendered.get(name))
            if name in rows
            else kept.get(name) or ManifestRow(model_type=name, rung="catalogued", reason=NOT_ASKED)
            for name in model_type_names()
        ),
    )


def _manifest_row(row: ModelType, verification: Verification, file: Rendered | None) -> ManifestRow:
    return ManifestRow(
        model_type=row.model_type,
        rung="generated" if file else "catalogued",
        families=row.families,
        family=row.base.family or None if row.base else None,
        file=file.path if file else None,
        requires=verification.requires or row.requires,
        parameters=verification.parameters,
        cases=(ManifestCase(file.architecture, TIER, file.checks),) if file else (),
        architectures=tuple(architecture.name for architecture in row.architectures),
        stage=verification.stage,
        # A row without a verification was stopped by the catalog itself.
        error=verification.error or (None if file else row.error),
        reason=row.reason,
    )


def _expected(row: ModelType, family: str, transformers: str, templates: Path) -> Expected:
    template = families()[family].template
    return Expected(row, family, header(template, transformers), promised_checks(templates, template))


def _text(manifest: Manifest) -> str:
    """Return the manifest's JSON with a line for every model type: a change of one is a diff of one line."""
    whole = manifest.to_json()
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in whole.pop("model_types"))
    return f'{json.dumps(whole)[:-1]}, "model_types": [\n{rows}\n]}}\n'


def _write(
    out: Path,
    old: Manifest | None,
    manifest: Manifest,
    rendered: Iterable[Rendered],
    expected: Mapping[str, Expected],
) -> Outcome:
    """Validate what changed and put it in its place; the manifest comes last."""
    changed = {file.path: file.text for file in rendered if not _is_on_disk(out, file)}
    gone = sorted(_files(old) - _files(manifest)) if old else []
    removed = tuple(path for path in gone if (out / path).exists())
    with staged(out, {**changed, MANIFEST: _text(manifest)}) as staging:
        if problems := problems_in(staging.root, expected, sorted(changed)):
            raise InvalidTests(problems)
        staging.commit(removed, last=MANIFEST)
    return Outcome(manifest, tuple(changed), removed)


def _files(manifest: Manifest) -> set[str]:
    return {row.file for row in manifest.model_types if row.file}


def _is_on_disk(out: Path, file: Rendered) -> bool:
    place = out / file.path
    return place.is_file() and not place.is_symlink() and place.read_bytes() == file.text.encode()
