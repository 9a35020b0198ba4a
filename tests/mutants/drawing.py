"""Which mutants are tried: those of some model types, drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import transformers
from transformers.models.auto.configuration_auto import model_type_to_module_name

from hfci.cases.manifest import Manifest, ManifestRow

from .operators import KINDS, Mutant, mutants_of

__all__ = ["Target", "drawn", "target_of", "targets"]

MODELS = Path(transformers.__file__).parent / "models"


@dataclass(frozen=True)
class Target:
    """A model type, the folder of its modules, and its generated tests."""

    model_type: str
    folder: Path
    files: tuple[Path, ...]

    def mutants(self) -> list[tuple[Path, Mutant]]:
        """Return every mutant of its modelling and configuration modules."""
        return [
            (path, mutant)
            for kind in ("modeling", "configuration")
            for path in sorted(self.folder.glob(f"{kind}_*.py"))
            for mutant in mutants_of(path.read_text(encoding="utf-8"))
        ]


def targets(manifest: Manifest, generated: Path) -> dict[str, Target]:
    """Return every model type that has functional tests and a modelling module of its own."""
    found = {row.model_type: target_of(row, generated) for row in manifest.model_types}
    return {name: target for name, target in found.items() if target is not None}


def target_of(row: ManifestRow, generated: Path) -> Target | None:
    """Return what is tried of a model type; None where it has no tests, or another's module."""
    files = dict.fromkeys(case.file for case in row.cases if case.file is not None)
    name = model_type_to_module_name(row.model_type)
    folder = MODELS / name
    if not files or not (folder / f"modeling_{name}.py").exists():
        return None
    return Target(row.model_type, folder, tuple(generated / file for file in files))


def drawn(target: Target, count: int, seed: int) -> Sequence[tuple[Path, Mutant]]:
    """Return `count` mutants of a model type, or all, in an order that is random: of each kind as many as there are."""
    chance = random.Random(f"{seed} {target.model_type}")
    every = target.mutants()
    by_kind = {kind: [each for each in every if each[1].kind == kind] for kind in KINDS}
    for mutants in by_kind.values():
        chance.shuffle(mutants)
    return list(_in_turn(list(by_kind.values())))[:count]


def _in_turn(lists: list[list[tuple[Path, Mutant]]]) -> Iterator[tuple[Path, Mutant]]:
    for index in range(max(map(len, lists))):
        yield from (mutants[index] for mutants in lists if index < len(mutants))
