"""Which mutants are tried: those of some model types, drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfci.cases.manifest import Manifest, ManifestRow

from .faults import PACKAGE, Fault
from .operators import KINDS, mutants_of

__all__ = ["Target", "drawn", "targets"]


@dataclass(frozen=True)
class Target:
    """A model type, the folder of its modules, and its generated tests of the smoke and the functional tier."""

    model_type: str
    folder: Path
    files: tuple[Path, ...]

    @property
    def has_modules(self) -> bool:
        """Whether it has a modelling module of its own."""
        return (self.folder / f"modeling_{self.folder.name}.py").exists()

    def faults(self) -> Iterator[Fault]:
        """Yield every mutant of its modelling and configuration modules."""
        for kind in ("modeling", "configuration"):
            for path in sorted(self.folder.glob(f"{kind}_*.py")):
                file = path.relative_to(PACKAGE).as_posix()
                for mutant in mutants_of(path.read_text(encoding="utf-8")):
                    about = (mutant.kind, str(mutant), mutant.line, mutant.start, mutant.end, mutant.new)
                    yield Fault(self.model_type, file, *about)


def targets(manifest: Manifest, generated: Path) -> dict[str, Target]:
    """Return every model type that has tests and runs here."""
    return {row.model_type: target for row in manifest.model_types if (target := _target(row, generated)) is not None}


def _target(row: ManifestRow, generated: Path) -> Target | None:
    from transformers.models.auto.configuration_auto import model_type_to_module_name

    cases = [case for case in row.cases if case.file is not None and case.tier != "deep"]
    files = dict.fromkeys(case.file for case in cases)
    if not files or not any(architecture.parameters for architecture in row.architectures):
        return None
    folder = PACKAGE / "models" / model_type_to_module_name(row.model_type)
    return Target(row.model_type, folder, tuple(generated / file for file in files if file is not None))


def drawn(target: Target, count: int, seed: int) -> Sequence[Fault]:
    """Return `count` mutants of a model type, or all, in an order that is random: of each kind as many as there are."""
    chance = random.Random(f"{seed} {target.model_type}")
    every = list(target.faults())
    by_kind = [[fault for fault in every if fault.kind == kind] for kind in KINDS]
    for faults in by_kind:
        chance.shuffle(faults)
    return list(_in_turn(by_kind))[:count]


def _in_turn(lists: Sequence[Sequence[Fault]]) -> Iterator[Fault]:
    for index in range(max(map(len, lists))):
        yield from (faults[index] for faults in lists if index < len(faults))
