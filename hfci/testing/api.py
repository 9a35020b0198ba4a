"""What a library that builds on transformers may use in its own tests: the table of tiny models, and one of them.

These names are public: what `hfci.testing` lists in `__all__` keeps its meaning as long as `API_VERSION` is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hfci.cases.selector import Known, choose
from hfci.catalog.requirements import absent_packages, is_absent, needs
from hfci.errors import StageError, UsageError, nearest
from hfci.testing.folders import usual_manifest

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["API_VERSION", "TinyArchitecture", "architectures", "assert_holds", "hfci_tiny"]

# Raised by what takes away or changes the meaning of a name; what is added leaves it as it is.
API_VERSION = 1


@dataclass(frozen=True)
class TinyArchitecture:
    """An architecture of the installed transformers, or of what this process has imported, that can be made tiny.

    - `model_type`, `name`: as in `config.model_type` and `config.architectures`
    - `family`: whose rule covers it, such as `text_decoder`
    - `requires`: optional packages without which it cannot be built, as far as that is known
    """

    model_type: str
    name: str
    family: str
    requires: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return `bert/BertModel`, a name for a test's parameter."""
        return f"{self.model_type}/{self.name}"

    def build(self, *, device: str = "cpu", seed: int = 0, dtype: str = "float32") -> TinyModel:
        """Return a new tiny model of it, in evaluation mode: the same numbers for the same `seed`, and no network.

        Its `model` and `config` are transformers' own; `inputs()` gives the arguments of a forward of two rows,
        `forward()` runs it, `parameters` counts, `save(folder)` writes a checkpoint. Raises hfci.errors.StageError,
        which says at which stage it stops.
        """
        from hfci.tiny import build_tiny

        return build_tiny(self.model_type, self.name, device=device, seed=seed, dtype=dtype)


def architectures(*names: str) -> tuple[TinyArchitecture, ...]:
    """Return the table of tiny models, or what `names` select of it, in the order of transformers' registry.

    A name is a model type, a pattern of them, `family:NAME`, `import:PACKAGE`, or an architecture, as for `hfci run`.
    What no family covers, and a model type without a class, is not among them. Read from `generated/` in the current
    folder where the tests of the installed transformers lie there, and else from transformers itself: of a whole
    family that takes a minute. Raises hfci.errors.UsageError for a name that selects nothing, with the nearest.
    """
    table = _Table()
    chosen = choose(names, table.known)
    return tuple(
        architecture
        for name in table.model_types
        if name in chosen
        for architecture in table.of(name)
        if not chosen[name] or architecture.name in chosen[name]
    )


class _Table:
    """Model type → its architectures, read when asked for: of the manifest, if there is one, or of the catalog."""

    def __init__(self) -> None:
        from hfci.catalog import model_type_names, transformers_version
        from hfci.catalog.registries import registry_digest

        manifest = usual_manifest()
        is_for = manifest is not None and manifest.is_for(transformers_version(), registry_digest())
        self.rows = {row.model_type: row for row in manifest.model_types} if manifest is not None and is_for else {}
        self.model_types = model_type_names()

    @property
    def known(self) -> Known:
        """What there is to choose from."""
        return Known(self.model_types, self._names, self._families, self._imports)

    def of(self, model_type: str) -> tuple[TinyArchitecture, ...]:
        """Return the architectures of a model type that have a family."""
        from hfci.catalog import read_row

        row = self.rows.get(model_type)
        if row is None:
            found = [arch for arch in read_row(model_type).architectures if arch.family]
            return tuple(TinyArchitecture(model_type, arch.name, arch.family) for arch in found)
        is_part = any(case.parent for case in row.cases)  # it is tried in an architecture that is not its own
        known = () if is_part else row.architectures
        return tuple(
            TinyArchitecture(model_type, arch.name, arch.family, arch.requires) for arch in known if arch.family
        )

    def _names(self) -> dict[str, set[str]]:
        from hfci.catalog.registries import model_tables

        names = {name: set(row.names) for name, row in self.rows.items()}
        for table in model_tables().values():
            for model_type, classes in table.items():
                if model_type not in self.rows:
                    names.setdefault(model_type, set()).update(classes)
        return names

    def _families(self) -> dict[str, dict[str, str | None]]:
        return {name: {arch.name: arch.family for arch in self.of(name)} for name in self.model_types}

    def _imports(self) -> dict[str, str]:
        from hfci.catalog.registered import registered, registered_by

        return {name: by for name in registered().configs if (by := registered_by(name)) is not None}


def assert_holds(tiny: TinyModel, check: str) -> None:
    """Assert that a check of hfci's holds of a tiny model, as it is now: `batch_is_independent`, say.

    Which checks there are, the table says (`hfci/checks/data/checks.toml`). Raises AssertionError that tells what,
    where and how much; hfci.errors.UsageError for a name that is none, with the nearest.
    """
    from hfci.checks import assert_holds as holds
    from hfci.checks.table import CHECKS

    name = check.partition("[")[0]
    if name not in CHECKS:
        raise UsageError(f"no check {name!r:.80}.{nearest(name, CHECKS)}")
    holds(tiny, check)


@pytest.fixture
def hfci_tiny(request: pytest.FixtureRequest) -> TinyModel:
    """Return a new tiny model of the architecture that the test is parametrized with, which it may change as it likes.

    `@pytest.mark.parametrize("hfci_tiny", architectures("family:text_decoder"), indirect=True, ids=str)`. The random
    numbers of Python, numpy and torch begin at the same place for each test. Skips what needs a package that is not
    installed, with its name.
    """
    from hfci.tiny.random_numbers import seed_generators

    asked = getattr(request, "param", None)
    if not isinstance(asked, TinyArchitecture):
        raise pytest.UsageError(
            f"{request.node.nodeid}: hfci_tiny wants architectures(…) as its parameters, with indirect=True, "
            f"not {asked!r:.80}"
        )
    if absent := [package for package in asked.requires if is_absent(package)]:
        pytest.skip(needs(absent))
    seed_generators(0, "cpu")
    try:
        tiny = asked.build()
    except StageError as error:
        if absent := [*absent_packages(error.__cause__ or error)]:
            pytest.skip(needs(absent))
        raise
    seed_generators(0, "cpu")
    return tiny
