"""The wall: a page from the history for a screen or a weekly look, which opens from disk and loads nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hfci.cases.outcome import EXECUTED, RED, Outcome
from hfci.results.comparison import Shift
from hfci.results.expiring import Expiring
from hfci.results.history import Flake, Point, Trends
from hfci.results.history.episodes import Episode
from hfci.results.html import write_page
from hfci.results.sections import measured
from hfci.results.text import first_line

__all__ = ["Board", "write_wall"]

STYLES = ("dashboard.css", "wall.css")

# Of each list so many entries: what does not fit a screen is in the history.
MOST = 12

# A chart is so many units wide and high; the page scales it.
WIDTH, HEIGHT = 600, 160
RUNGS = ("catalogued", "built", "forwarded", "checked")


@dataclass(frozen=True)
class Board:
    """What the history of one kind of run says, under a name; `quarantine` are the cases in it."""

    name: str
    trends: Trends
    versions: dict[str, str]
    quarantine: frozenset[str] = frozenset()

    @property
    def newest(self) -> Point | None:
        """The newest run."""
        return self.trends.points[-1] if self.trends.points else None


@dataclass(frozen=True)
class Chart:
    """A chart: its title, its lines, and what the axis reaches from and to."""

    title: str
    lines: tuple[Line, ...]
    axis: str


@dataclass(frozen=True)
class Line:
    """One line of a chart: its name, its last value, and its points as SVG has them."""

    name: str
    last: str
    points: str


def write_wall(path: Path, boards: Sequence[Board], expiring: Iterable[Expiring] = ()) -> None:
    """Write the page to `path`: the first of `boards` in full, and of the others how their newest run ended.

    Raises EnvironmentUnfit where it cannot be written, UsageError where `path` is no file.
    """
    board = boards[0]
    trends, points = board.trends, board.trends.points
    write_page(
        path,
        "wall.html.jinja",
        STYLES,
        boards=boards,
        charts=(
            chart("Coverage over time, in model types", {name: [_on(name)(one) for one in points] for name in RUNGS}),
            chart("Success over time, of what was executed", {"passed": [_success(one) for one in points]}, "{:.1%}"),
        ),
        span=(points[0].started[:10], points[-1].started[:10]) if points else None,
        causes=[(_age(one, points[-1]), one, first_line(str(one.identity))) for one in oldest(trends, MOST)],
        open=len(trends.causes),
        expiring=list(expiring)[:MOST],
        flakes=[(one, one.case in board.quarantine) for one in flakes(trends, MOST)],
        growth=[(shift, *measured(shift)) for shift in _moved(trends)],
        red=RED,
        state=state,
        size=(WIDTH, HEIGHT),
    )


def state(point: Point) -> dict[str, str]:
    """Return how a run ended, in a few numbers."""
    checked, catalogued = point.ladder.get("checked", 0), point.ladder.get("catalogued", 0)
    counts = {name.value: point.outcomes.get(name, 0) for name in (*RED, Outcome.KNOWN_FAILURE)}
    return {
        "executed": f"{point.executed:,} of {point.planned:,} cases",
        **{name: f"{count:,}" for name, count in counts.items() if count},
        "checked": f"{checked:,} of {catalogued:,} model types",
    }


def oldest(trends: Trends, most: int) -> list[Episode]:
    """Return the causes that have been open longest."""
    return list(trends.causes.values())[:most]


def flakes(trends: Trends, most: int) -> list[Flake]:
    """Return the flakes of most different cases, the most frequent first."""
    by_case: dict[str, Flake] = {}
    for flake in trends.flaky:
        by_case.setdefault(flake.case, flake)
    return list(by_case.values())[:most]


def _moved(trends: Trends) -> list[Shift]:
    """Return the largest shifts of each kind."""
    kinds = trends.slower, trends.heavier, trends.slowed, trends.broken
    return [shift for kind in kinds for shift in kind[:MOST]]


def chart(title: str, series: dict[str, Sequence[float]], form: str = "{:,.0f}") -> Chart:
    """Return lines over one axis from zero, or from just below the least where all are far from it."""
    values = [value for one in series.values() for value in one]
    most = max(values, default=1) or 1
    least = min(values, default=0)
    bottom = 0 if least < most / 2 else least - (most - least) * 0.1 - most * 0.01
    drawn = []
    for name, one in series.items():
        step = WIDTH / max(1, len(one) - 1)
        height = [HEIGHT - 4 - (value - bottom) / (most - bottom) * (HEIGHT - 8) for value in one]
        points = " ".join(f"{place * step:.1f},{at:.1f}" for place, at in enumerate(height))
        drawn.append(Line(name, form.format(one[-1]) if one else "", points))
    return Chart(title, tuple(drawn), f"axis from {form.format(bottom)} to {form.format(most)}")


def _on(rung: str) -> Callable[[Point], float]:
    return lambda point: point.ladder.get(rung, 0)


def _success(point: Point) -> float:
    executed = sum(point.outcomes.get(outcome, 0) for outcome in EXECUTED)
    return point.outcomes.get(Outcome.PASSED, 0) / executed if executed else 0.0


def _age(cause: Episode, newest: Point) -> int | None:
    """Return for how many days a cause has been open; None where nobody can tell."""
    try:
        return (datetime.fromisoformat(newest.started[:19]) - datetime.fromisoformat(cause.started[:19])).days
    except ValueError:
        return None
