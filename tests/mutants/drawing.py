"""Which mutants are tried: those of some model types, drawn by a seed."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfci.cases.manifest import MANIFEST, ManifestRow, load_manifest

from .faults import PACKAGE, Fault
from .operators import KINDS, mutants_of

__all__ = ["Target", "drawn", "targets"]


@dataclass(frozen=True)
class Target:
    """A model type, the folder of its modules, and the generated tests of all that these define, its own first."""

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


def targets(generated: Path) -> dict[str, Target]:
    """Return every model type that runs here and has tests in the folder `generated`."""
    rows = load_manifest(generated / MANIFEST).model_types
    own = {row.model_type: _tests(row, generated) for row in rows if _runs(row)}
    sharing: dict[Path, list[Path]] = defaultdict(list)
    for name, files in own.items():
        sharing[_folder(name)] += files
    return {
        name: Target(name, _folder(name), tuple(dict.fromkeys((*files, *sharing[_folder(name)]))))
        for name, files in own.items()
        if files
    }


def _runs(row: ManifestRow) -> bool:
    return any(architecture.parameters for architecture in row.architectures)


def _tests(row: ManifestRow, generated: Path) -> list[Path]:
    files = dict.fromkeys(case.file for case in row.cases if case.file is not None)
    return [generated / file for file in files]


def _folder(model_type: str) -> Path:
    from transformers.models.auto.configuration_auto import model_type_to_module_name

    return PACKAGE / "models" / model_type_to_module_name(model_type)


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
