"""Consistency: do the generated files, their templates and the families they were sorted into agree?

Two things can come apart. A file may differ from what its template gives; and an architecture may sit in a family whose
allows and its class contradicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hfci.cases.manifest import ManifestRow
from hfci.catalog import ModelType, families
from hfci.catalog.outputs import output_fields
from hfci.catalog.registries import find_class
from hfci.errors import FOREIGN, in_one_line
from hfci.generation.render import Rendered
from hfci.generation.rules import Problem

__all__ = ["Consistency", "FamilyLine", "consistency_of"]


@dataclass(frozen=True)
class FamilyLine:
    """One family: how many architectures of how many model types, how many are tested, by what."""

    family: str
    model_types: int
    architectures: int
    covered: int  # architectures whose tiny model built and forwarded, and that have tests
    files: int
    tests_a_file: tuple[int, int]  # the fewest, the most
    checks: dict[str, int]  # check → architectures that it is made of


@dataclass(frozen=True)
class Consistency:
    """What `hfci validate --consistency` shows."""

    families: tuple[FamilyLine, ...]
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "families": [asdict(line) for line in self.families],
            "problems": [problem._asdict() for problem in self.problems],
        }


def consistency_of(
    out: Path,
    recorded: Sequence[ManifestRow],
    rows: Mapping[str, ModelType],
    rendered: Sequence[Rendered],
) -> Consistency:
    """Compare `out`, whose manifest has recorded rows, with what `rows` of the catalog and the templates give now."""
    problems = [*_drifted(out, rendered), *_misplaced(rows.values())]
    return Consistency(tuple(_lines(recorded)), tuple(sorted(problems)))


def _drifted(out: Path, rendered: Iterable[Rendered]) -> Iterator[Problem]:
    for file in rendered:
        place = out / file.path
        lines = place.read_text(encoding="utf-8", errors="backslashreplace").splitlines() if place.is_file() else None
        if lines is None:
            yield Problem(file.path, 1, "drift", "is not there")
        elif place.read_bytes() != file.text.encode():
            wanted = file.text.splitlines()
            pairs = enumerate(zip(lines, wanted, strict=False), start=1)
            shorter = min(len(lines), len(wanted))
            line = next((number for number, (is_there, due) in pairs if is_there != due), shorter + 1)
            yield Problem(file.path, line, "drift", "differs from what its template gives; `--fix` renders it anew")


def _misplaced(rows: Iterable[ModelType]) -> Iterator[Problem]:
    of_name = families()
    for row in rows:
        for arch in row.architectures:
            if arch.family:
                name = f"{row.model_type}/{arch.name}"
                try:
                    fields = output_fields(find_class(row.model_type, arch.name))
                except FOREIGN as error:
                    yield Problem(name, 1, "family", f"what it gives cannot be read: {in_one_line(error)}")
                    continue
                for contradiction in of_name[arch.family].contradictions(arch.inputs, fields, arch.tasks):
                    yield Problem(name, 1, "family", contradiction)


def _lines(recorded: Sequence[ManifestRow]) -> Iterator[FamilyLine]:
    for name in sorted(families()):
        members = [(row, arch) for row in recorded for arch in row.architectures if arch.family == name]
        cases = [case for row, arch in members for case in row.cases if case.architecture == arch.name]
        tests: dict[str, int] = {}
        checks: dict[str, int] = {}
        for case in cases:
            tests[case.file] = tests.get(case.file, 0) + len(case.checks)
            for check in case.checks:
                checks[check] = checks.get(check, 0) + 1
        tested = {(row.model_type, case.architecture) for row, _ in members for case in row.cases}
        yield FamilyLine(
            family=name,
            model_types=len({row.model_type for row, _ in members}),
            architectures=len(members),
            covered=sum(arch.parameters is not None and (row.model_type, arch.name) in tested for row, arch in members),
            files=len(tests),
            tests_a_file=(min(tests.values(), default=0), max(tests.values(), default=0)),
            checks=checks,
        )
