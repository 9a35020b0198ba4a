"""`hfci generate`: catalog → verify → render → validate → write; and `--check`: is that what is on disk?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfci.catalog import ModelType, model_type_names, transformers_version
from hfci.catalog.registries import registry_digest
from hfci.errors import HfciError
from hfci.generation.drift import drift
from hfci.generation.due import Asked, due, expectations, known_of, read_rows, require_installed, targets
from hfci.generation.progress import track
from hfci.generation.render import Rendered, is_rendered
from hfci.generation.rules import Expected, Problem
from hfci.generation.select import select
from hfci.generation.validate import problems_in
from hfci.generation.verify import Target, Verification, verify_all
from hfci.generation.write import is_on_disk, require_own, staged
from hfci.templating import templates_dir
from hfci.testing.manifest import (
    MANIFEST,
    NOT_ASKED,
    Manifest,
    ManifestArchitecture,
    ManifestCase,
    ManifestRow,
    load_manifest,
)

__all__ = ["InvalidTests", "Outcome", "check", "generate"]


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

    Every row with an architecture gets its files, whether or not its tiny model builds here: where it stops, its
    tests say. How far each architecture comes is recorded in the manifest. That is tried for those that `patterns`
    name and those of which `out`'s manifest does not know it; with `verify`, for all; with `scratch`, for none.
    Rows that `patterns` do not name stay as they are.

    Raises UsageError for a pattern that names nothing, a manifest of another transformers, a broken template
    or an unwritable `out`, and InvalidTests where a template gives no valid test. `out` is then as it was.
    """
    selected = select(patterns)
    old = load_manifest(out / MANIFEST) if (out / MANIFEST).exists() else None
    anew = not patterns and (verify or scratch)
    if old and not anew:
        require_installed(old, out)
    kept = {} if old is None or anew else {row.model_type: row for row in old.model_types}

    rows = read_rows(selected, progress)
    known = {} if patterns else known_of(kept.values())
    if not scratch:
        known |= _verify([target for target in targets(rows.values()) if target[:2] not in known], progress)
    templates = templates or templates_dir()
    rendered = due(rows, known, templates)
    manifest = _manifest(kept, rows, known, rendered)
    return _write(out, old, manifest, rendered, expectations(rows, rendered))


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
    rendered = due(rows, known, templates or templates_dir())
    texts = {file.path: file.text for file in rendered}
    others = {path for name, row in kept.items() for path in row.files if name not in rows}
    return drift(out, {**texts, MANIFEST: _text(_manifest(kept, rows, known, rendered))}, others)


def _verify(asked: Sequence[Target], progress: bool) -> dict[Asked, Verification]:
    found = track(verify_all(asked), total=len(asked), label="verifying tiny models", show=progress)
    return {(verification.model_type, verification.architecture): verification for verification in found}


def _manifest(
    kept: Mapping[str, ManifestRow],
    rows: Mapping[str, ModelType],
    known: Mapping[Asked, Verification],
    rendered: Sequence[Rendered],
) -> Manifest:
    """Return a row for every key, in the registry's order; those not among `rows` are as they were `kept`."""
    files: dict[str, list[Rendered]] = {name: [] for name in rows}
    for file in rendered:
        files[file.model_type].append(file)
    return Manifest(
        transformers=transformers_version(),
        model_types=tuple(
            _manifest_row(rows[name], known, files[name])
            if name in rows
            else kept.get(name) or ManifestRow(model_type=name, rung="catalogued", reason=NOT_ASKED)
            for name in model_type_names()
        ),
        registry=registry_digest(),
    )


def _manifest_row(row: ModelType, known: Mapping[Asked, Verification], files: Sequence[Rendered]) -> ManifestRow:
    nothing = Verification("", "")
    # A part is tested in an architecture of its parent's.
    families = {arch.name: arch.family for arch in row.architectures} or {
        name: family for file in files for name, family in file.families.items()
    }
    return ManifestRow(
        model_type=row.model_type,
        rung="generated" if files else "catalogued",
        base=row.base.name if row.base else None,
        architectures=tuple(
            ManifestArchitecture(
                name,
                family or None,
                found.parameters,
                found.requires if family else row.requires,  # without a family it could not be imported
                found.stage,
                found.error,
                found.modules,
                found.parts,
            )
            for name, family in families.items()
            for found in (known.get((row.model_type, name), nothing),)
        ),
        cases=tuple(
            ManifestCase(name, file.tier, file.path, file.checks, file.parent)
            for file in files
            for name in file.families
        ),
        error=row.error,
        reason=row.reason,
    )


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
    """Validate what changed and put it in its place; the manifest comes last.

    What is replaced or removed was rendered by hfci: the manifest in `out` records it, or it says so itself. To be
    removed it must say so, since a manifest can record anything.
    """
    changed = {file.path: file.text for file in rendered if not is_on_disk(out / file.path, file.text)}
    recorded = _files(old) if old else set()
    removed = tuple(path for path in sorted(recorded - _files(manifest)) if (out / path).exists())
    require_own(out, changed, lambda path: path in recorded or is_rendered(out / path))
    require_own(out, removed, lambda path: is_rendered(out / path))
    with staged(out, {**changed, MANIFEST: _text(manifest)}) as staging:
        if problems := problems_in(staging.root, expected, sorted(changed)):
            raise InvalidTests(problems)
        staging.commit(removed, last=MANIFEST)
    return Outcome(manifest, tuple(changed), removed)


def _files(manifest: Manifest) -> set[str]:
    return {path for row in manifest.model_types for path in row.files}
