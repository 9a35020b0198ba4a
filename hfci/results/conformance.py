"""Conformance: which architectures each backend runs as they are, at which stage the others stop, and what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hfci.cases.outcome import EXECUTED, Outcome
from hfci.cases.records import Record
from hfci.results.comparison import Baseline
from hfci.results.html import write_page
from hfci.results.reading import Results
from hfci.results.text import first_line

__all__ = ["FILE", "Cell", "Column", "Conformance", "conformance", "write_conformance"]

FILE = "conformance.html"
STYLES = ("dashboard.css",)

# What neither passed nor failed says nothing of a backend, and has no part in its share.
_COUNTED = EXECUTED


@dataclass(frozen=True)
class Cell:
    """What came of one architecture with one backend.

    - `said`: why it did not pass, in a line; `operator`: that stopped it, `worst`: the output that is furthest off
    - `before`: what came of it in the baseline; None where that has it not, or there is none
    """

    outcome: Outcome
    stage: str = ""
    said: str = ""
    operator: str = ""
    worst: str = ""
    before: Outcome | None = None
    reproduce: str = ""

    @property
    def changed(self) -> bool:
        """Whether the baseline says otherwise of it."""
        return self.before not in (None, self.outcome)


@dataclass
class Column:
    """A backend, as one check asks about it on one device, and how many architectures ended how with it."""

    check: str
    backend: str
    device: str
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    operators: Counter[str] = field(default_factory=Counter)
    before: Counter[Outcome] = field(default_factory=Counter)

    @property
    def share(self) -> float | None:
        """The share that passed of those that ran; None where none did."""
        return _share(self.outcomes)

    @property
    def earlier_share(self) -> float | None:
        """The same of the baseline, of the cases that this run has too."""
        return _share(self.before)


@dataclass(frozen=True)
class Conformance:
    """The columns, and by MODEL_TYPE/ARCHITECTURE what is in each; `baseline` is the run that it is held against."""

    columns: tuple[Column, ...]
    rows: Mapping[str, Mapping[int, Cell]]
    baseline: str | None = None


def conformance(results: Results, baseline: Baseline | None = None) -> Conformance:
    """Return what the cases of `results` that have a backend say."""
    columns: dict[tuple[str, str, str], Column] = {}
    cells: dict[str, dict[tuple[str, str, str], Cell]] = {}
    for record in results:
        if record.backend is None or record.check is None:
            continue
        key = (record.check, record.backend, record.device or "")
        column = columns.setdefault(key, Column(*key))
        known = baseline.observations.get(record.case) if baseline is not None else None
        cell = _cell(record, results.quarantined, known.outcome if known is not None else None)
        column.outcomes[cell.outcome] += 1
        if cell.before is not None:
            column.before[cell.before] += 1
        if cell.outcome in _COUNTED and cell.outcome != Outcome.PASSED:
            column.stages[cell.stage or "check"] += 1
            if cell.operator:
                column.operators[cell.operator] += 1
        cells.setdefault(f"{record.model_type}/{record.architecture or '-'}", {})[key] = cell
    order = sorted(columns)
    rows = {name: {order.index(key): cell for key, cell in row.items()} for name, row in sorted(cells.items())}
    return Conformance(tuple(columns[key] for key in order), rows, baseline.run if baseline is not None else None)


def write_conformance(path: Path, results: Results, baseline: Baseline | None = None) -> None:
    """Write the page. Raises EnvironmentUnfit where it cannot be written."""
    runs = [(head.run, head.versions) for head in results.headers]
    write_page(path, "conformance.html.jinja", STYLES, found=conformance(results, baseline), runs=runs)


def _cell(record: Record, quarantined: Mapping[str, str], before: Outcome | None) -> Cell:
    error = record.error
    worst = error.worst if error is not None else None
    off = f" by {worst.difference:.1e}" if worst is not None and worst.difference is not None else ""
    at = f" at {list(worst.place)}" if worst is not None and worst.place else ""
    return Cell(
        outcome=Outcome.QUARANTINED if record.case in quarantined else record.outcome,
        stage=record.stage or "",
        said=first_line(f"{error.type}: {error.message}" if error is not None else record.reason or ""),
        operator=(error.operator or "") if error is not None else "",
        worst=f"{worst.output}{off}{at}" if worst is not None else "",
        before=before,
        reproduce=record.reproduce or "",
    )


def _share(outcomes: Counter[Outcome]) -> float | None:
    ran = sum(outcomes[outcome] for outcome in _COUNTED)
    return outcomes[Outcome.PASSED] / ran if ran else None
