"""What a page shows, and what its records say that it should."""

from __future__ import annotations

import re
from typing import Any

from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.results.dashboard_data import SEVERITY
from tests.results.browser import until
from tests.results.dashboards import Made

__all__ = ["cell", "counted", "current_cell", "painted", "reds", "status", "worst"]


def status(page: Any) -> tuple[int, int]:
    """Return how many cases and model types the page says that it shows."""
    said = page.locator("#status").inner_text().replace(",", "")
    numbers = re.fullmatch(r"(\d+) of \d+ cases in (\d+) of \d+ model types", said)
    assert numbers, said
    return int(numbers[1]), int(numbers[2])


def counted(records: list[Record]) -> tuple[int, int]:
    return len(records), len({one.model_type for one in records})


def painted(page: Any) -> dict[str, str]:
    """Return the outcome of each cell of the grid that has one, by what it is labelled with."""
    cells = page.evaluate(
        "[...document.querySelectorAll('#table .checks [role=gridcell]')]"
        ".map(cell => [cell.getAttribute('aria-label').split(':')[0], cell.dataset.outcome])"
    )
    return {label: outcome for label, outcome in cells if outcome not in ("none", "hidden")}


def worst(records: list[Record]) -> dict[str, str]:
    found: dict[str, list[Outcome]] = {}
    for one in records:
        found.setdefault(f"{one.model_type}, {one.check or 'no check'}", []).append(one.outcome)
    return {label: min(outcomes, key=SEVERITY.index).value for label, outcomes in found.items()}


def cell(page: Any, one: Record) -> Any:
    return page.locator(f'#table [role=gridcell][aria-label^="{one.model_type}, {one.check}:"]')


def current_cell(page: Any, label: str) -> Any:
    """Wait for the current cell to be the one with this label, within what the table shows; return it."""
    until(page, f"document.querySelector('#table .current')?.ariaLabel?.startsWith('{label}')")
    found, table = (page.locator(name).bounding_box() for name in ("#table .current", "#table"))
    for begin, size in (("x", "width"), ("y", "height")):
        assert table[begin] <= found[begin]
        assert found[begin] + found[size] <= table[begin] + table[size]
    return page.locator("#table .current")


def reds(made: Made) -> list[Record]:
    return [one for one in made.records if one.outcome == Outcome.FAILED]
