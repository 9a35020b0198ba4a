"""The markers of each case, by which plain pytest can choose: `-m "hfci_case(tier='deep') and not needs_package"`."""

from __future__ import annotations

import pytest

from hfci.cases.case import Case
from hfci.checks.table import CHECKS

__all__ = ["MARKERS", "mark", "packages_of"]

# As pytest registers them: the first stands in the tests, the others are put on by what it and the table of checks say.
MARKERS = (
    "hfci(model_type, architecture, family, tier, requires=(), task=None, backend=None, dtype=None, parent=None): "
    "a case of hfci, with a record of its own; architecture=None: of the model type as a whole",
    "hfci_case(model_type, architecture, family, tier, check, task, backend, dtype, device): "
    "on each case, to choose by with -m; what it does not have is None",
    "needs_package(name): on each case that an optional package is known to be needed for, once for each",
)


def packages_of(case: Case) -> tuple[str, ...]:
    """Return the optional packages that a case is known to need: its architecture and its check."""
    check = CHECKS.get(case.check or "")
    return tuple(dict.fromkeys((*case.requires, *(check.packages if check is not None else ()))))


def mark(item: pytest.Item, case: Case) -> None:
    """Put on the test of a case what plain pytest can choose it by."""
    item.add_marker(
        pytest.mark.hfci_case(
            model_type=case.model_type,
            architecture=case.architecture,
            family=case.family,
            tier=case.tier,
            check=case.check,
            task=case.task,
            backend=case.backend,
            dtype=case.dtype,
            device=case.device,
        )
    )
    for package in packages_of(case):
        item.add_marker(pytest.mark.needs_package(name=package))
