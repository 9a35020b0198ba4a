"""`hfci validate`: what is wrong with generated tests, whether they agree with each other, and mending them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from hfci.cases.manifest import FAULTS, MANIFEST, Manifest, ManifestRow, load_manifest
from hfci.catalog import ModelType, model_type_names
from hfci.errors import NothingToDo, UsageError
from hfci.generation.consistency import Consistency, consistency_of
from hfci.generation.expected_files import expectations, expected_files, known_of, read_rows, require_installed
from hfci.generation.names import model_types_by_stem
from hfci.generation.problems import problems_in, problems_of_rows
from hfci.generation.render import Rendered
from hfci.generation.rules import Expected, Problem, TestFile, problems_of
from hfci.generation.select import select
from hfci.generation.staging import is_on_disk, staged
from hfci.templating import templates_dir

__all__ = ["Fixed", "consistency", "fix", "validate"]


def validate(patterns: Sequence[str] = (), out: Path = Path("generated"), *, progress: bool = True) -> list[Problem]:
    """Return what is wrong with the test files in `out` (see hfci.generation.problems.DESCRIPTIONS)."""
    manifest = load_manifest(out / MANIFEST)
    wanted = set(select(patterns))
    recorded = [row for row in manifest.model_types if row.files and row.model_type in wanted]
    rows = read_rows([row.model_type for row in recorded], progress)
    files = {path for row in recorded for path in row.files}
    rendered = (file for file in expected_files(rows, known_of(recorded), templates_dir()).files if file.path in files)
    expected = expectations(rows, (_without(file, manifest[file.model_type]) for file in rendered))
    gone = [
        Problem(path, 1, "file", "is recorded in the manifest, and no template gives it: `hfci generate` renders anew")
        for path in sorted(files - {*expected})
    ]
    row_problems = problems_of_rows(row for row in manifest.model_types if row.model_type in wanted)
    paths = sorted(expected) if patterns else None
    return sorted([*row_problems, *gone, *problems_in(out, expected, paths, known=files)])


def _without(file: Rendered, row: ManifestRow) -> Rendered:
    """Return `file` without the architectures of which its row tells that no test could be made."""
    tested = {case.architecture for case in row.cases if case.tier == file.tier}
    faulty = {arch.name for arch in row.architectures if arch.stage in FAULTS} - tested
    return replace(file, families={name: family for name, family in file.families.items() if name not in faulty})


def consistency(
    patterns: Sequence[str] = (),
    out: Path = Path("generated"),
    *,
    progress: bool = True,
    templates: Path | None = None,
) -> Consistency:
    """Return how the families are tested, and where files, templates and families do not agree."""
    manifest, folder = load_manifest(out / MANIFEST), templates or templates_dir()
    require_installed(manifest, out)
    recorded = _recorded(manifest, patterns)
    rows = read_rows([row.model_type for row in recorded], progress)
    return consistency_of(out, recorded, rows, expected_files(rows, known_of(recorded), folder).files)


class Fixed(NamedTuple):
    """A file that was rendered anew, and what had been wrong with it."""

    file: str
    why: tuple[Problem, ...]


def fix(out: Path, *, progress: bool = True, templates: Path | None = None) -> tuple[list[Fixed], list[Problem]]:
    """Render anew what has drifted in `out`, any folder of generated tests; return what was mended and what cannot be.

    Where `out` has a manifest, it says which files there should be. Elsewhere each file says itself, by its marker or,
    where it is no Python, by its name, of which model type and tier it is. A file that is no test of hfci's is told and
    left alone. Raises NothingToDo where `out` holds no test at all, UsageError where it cannot be read or written.
    """
    folder = templates or templates_dir()
    if (out / MANIFEST).exists():
        manifest = load_manifest(out / MANIFEST)
        require_installed(manifest, out)
        recorded = _recorded(manifest, ())
        rows = read_rows([row.model_type for row in recorded], progress)
        wanted = {file.path: file for file in expected_files(rows, known_of(recorded), folder).files}
        strangers = [path for path in _test_files(out) if path not in wanted]
    else:
        wanted, strangers, rows = _told_by_the_files(out, folder, progress)
    if not wanted:
        raise NothingToDo(f"{out} holds no generated test")
    drifted = {path: file for path, file in wanted.items() if not is_on_disk(out / path, file.text)}
    expected = expectations(rows, wanted.values())
    fixed = [Fixed(path, tuple(_wrong_with(out, path, expected[file.path]))) for path, file in drifted.items()]
    if drifted:
        with staged(out, {path: file.text for path, file in drifted.items()}) as staging:
            *_, last = drifted
            staging.commit((), last=last)
    return fixed, [Problem(path, 1, "file", "is no generated test; it was left alone") for path in strangers]


def _recorded(manifest: Manifest, patterns: Sequence[str]) -> list[ManifestRow]:
    wanted = set(select(patterns))
    return [row for row in manifest.model_types if row.files and row.model_type in wanted]


def _test_files(out: Path) -> list[str]:
    if not out.is_dir():
        raise UsageError(f"no such folder: {out}")
    paths = sorted(path.relative_to(out) for path in out.rglob("test_*.py"))
    return [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]


def _told_by_the_files(
    out: Path, templates: Path, progress: bool
) -> tuple[dict[str, Rendered], list[str], dict[str, ModelType]]:
    keys = {path: _told(TestFile.read(out, path)) for path in _test_files(out)}
    names = set(model_type_names())
    rows = read_rows(sorted({name for name, _ in keys.values() if name in names}), progress)
    of = {(file.model_type, file.tier): file for file in expected_files(rows, {}, templates).files}
    wanted = {path: of[key] for path, key in keys.items() if key in of}
    return wanted, [path for path in keys if path not in wanted], rows


def _told(file: TestFile) -> tuple[str, str]:
    """Return the model type and the tier that a file says it tests; empty where it says nothing of it."""
    try:
        marker: Mapping[str, str] = file.groups[0].marker if file.groups else {}
    except (SyntaxError, ValueError):  # not even Python, or not even text
        marker = {}
    else:
        if file.text.strip() and not marker:  # somebody's own, whatever its name
            return "", ""
    stem = Path(file.path).stem.removeprefix("test_")
    by_name, tier = model_types_by_stem(model_type_names()), "smoke"
    if stem not in by_name:
        stem, _, tier = stem.rpartition("_")
    return marker.get("model_type", by_name.get(stem, "")), marker.get("tier", tier)


def _wrong_with(out: Path, path: str, expected: Expected) -> Iterator[Problem]:
    place = out / path
    if not place.is_file():
        yield Problem(path, 1, "file", "was not there")
        return
    problems = problems_of(TestFile.read(out, path), expected)
    yield from problems or [Problem(path, 1, "drift", "was not what its template gives")]
