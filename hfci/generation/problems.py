"""Validation: what must hold of generated files before they are written, and of those on disk on demand."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from hfci.cases.manifest import FAULTS, MANIFEST, ManifestRow
from hfci.generation.render import Rendered
from hfci.generation.rules import RULES, Expected, Problem, TestFile, asked_by, problems_of
from hfci.generation.tools import collection_problems, format_problems, lint_problems

__all__ = ["DESCRIPTIONS", "invalid_files", "problems_in", "problems_of_rows", "strays"]

SHOWN = 3  # problems of one file that its row tells

# Every rule there is, for people: those of a single file (hfci/generation/rules.py) and those below.
DESCRIPTIONS = {
    "catalog": "transformers' classes can be imported, and a family covers them",
    "render": "the template of its family can be filled",
    "validate": "what is rendered is a valid test: one that is not is not written",
    "file": "is a regular file that the manifest records, and every recorded file is there",
    "parses": "is UTF-8, not empty, parses and compiles",
    **{name: rule.description for name, rule in RULES.items()},
    "same-test": "no two files test the same thing",
    "ruff": "`ruff check` finds nothing",
    "format": "`ruff format` would change nothing",
    "collects": "pytest collects it",
}


def problems_in(
    root: Path, expected: Mapping[str, Expected], paths: Sequence[str] | None = None, known: Iterable[str] = ()
) -> list[Problem]:
    """Return what is wrong with the generated files under `root`, file by file.

    `expected` says of each path which file should be there; `paths` narrows the work to some of them (those that
    changed). Without it, files are told that are neither expected nor `known`. Every rule of `DESCRIPTIONS` is applied;
    a file that does not parse is told of that once.
    """
    wanted = sorted(expected if paths is None else paths)
    problems = [*_not_files(root, wanted), *(_strays(root, {*expected, *known}) if paths is None else ())]
    absent = {problem.file for problem in problems}
    read = []
    for path in wanted:
        if path not in absent:
            try:
                read.append(TestFile.read(root, path))
            except OSError as error:
                problems.append(Problem(path, 1, "file", f"cannot be read: {error.strerror}"))
    for file in read:
        problems += problems_of(file, expected[file.path])
    unparsed = {problem.file for problem in problems if problem.rule == "parses"}
    sound = [file for file in read if file.path not in unparsed]
    names = [file.path for file in sound]
    if names:
        problems += _same_tests(sound)
        problems += lint_problems(root, names)
        problems += format_problems(root, names)
        problems += collection_problems(root, names)
    return sorted(problems)


def invalid_files(files: Sequence[Rendered], expected: Mapping[str, Expected]) -> dict[str, str]:
    """Return path → what is wrong with it, of those of `files`, rendered but not written, that are no valid tests."""
    if not files:
        return {}
    with tempfile.TemporaryDirectory(prefix="hfci-rendered-") as folder:
        root = Path(folder).resolve()
        for file in files:
            (root / file.path).parent.mkdir(parents=True, exist_ok=True)
            (root / file.path).write_bytes(file.text.encode("utf-8", "surrogatepass"))
        problems = problems_in(root, expected, [file.path for file in files])
    by_path: dict[str, list[Problem]] = {}
    for problem in problems:
        by_path.setdefault(problem.file, []).append(problem)
    return {path: _in_short(own) for path, own in by_path.items()}


def _in_short(problems: Sequence[Problem]) -> str:
    texts = [str(problem._replace(file=Path(problem.file).name)) for problem in problems[:SHOWN]]
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return "; ".join([*texts, *more])


def problems_of_rows(rows: Iterable[ManifestRow]) -> Iterator[Problem]:
    """Yield what keeps `rows` of a manifest from having tests; not what wants a package that was absent."""
    for row in rows:
        for arch in row.architectures:
            if arch.stage in FAULTS and not arch.requires:
                yield Problem(f"{row.model_type}/{arch.name}", 1, str(arch.stage), arch.error or "")
        if row.error and not row.architectures:
            yield Problem(row.model_type, 1, "catalog", row.error)


def _not_files(root: Path, paths: Sequence[str]) -> Iterator[Problem]:
    for path in paths:
        place = root / path
        if place.is_symlink():
            yield Problem(path, 1, "file", "is a symbolic link, not a file")
        elif not place.exists():
            yield Problem(path, 1, "file", "is recorded in the manifest but not there")
        elif not place.is_file():
            yield Problem(path, 1, "file", "is not a regular file")


def _strays(root: Path, expected: Iterable[str]) -> Iterator[Problem]:
    for path in strays(root, expected):
        yield Problem(path, 1, "file", "is not recorded in the manifest")


def strays(root: Path, expected: Iterable[str]) -> list[str]:
    """Return the files under `root` that are neither expected nor the manifest nor hidden."""
    known = {MANIFEST, *expected}
    paths = (path.relative_to(root) for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(
        path.as_posix()
        for path in paths
        if path.as_posix() not in known and not any(part.startswith((".", "__pycache__")) for part in path.parts)
    )


def _same_tests(files: Sequence[TestFile]) -> Iterator[Problem]:
    """Tell of files with the same cases or the same body, and of tests of one architecture with the same body."""
    first_of: dict[object, str] = {}
    for file in files:
        cases = [
            (group.marker.get("model_type"), group.marker.get("architecture"), check)
            for group in file.groups
            for test in group.tests
            for check in asked_by(test)
        ]
        for key in (*cases, _body(file.tree)):
            first = first_of.setdefault(key, file.path)
            if first != file.path:
                yield Problem(file.path, 1, "same-test", f"tests what {first} tests")
                break
        for group in file.groups:
            first_test: dict[str, str] = {}
            for test in group.tests:
                first = first_test.setdefault(_body(test), test.name)
                if first != test.name:
                    yield Problem(file.path, test.lineno, "same-test", f"{test.name} does what {first} does")


def _body(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> str:
    """Return what `node` does, whatever its functions are called and its docstrings say."""
    statements = (part for part in node.body if not _is_text(part))
    named = (ast.FunctionDef, ast.ClassDef)
    return "\n".join(_body(part) if isinstance(part, named) else ast.dump(part) for part in statements)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
