"""The dashboard: one HTML file that opens from disk and loads nothing.

Text from tests is hostile. What stands in the page's HTML is escaped by the template; everything else is data in a
script element that is not run, made into text nodes by scripts; and no script runs but those whose hashes the page's
Content-Security-Policy names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from hfci.cases.outcome import RED
from hfci.results.causes import group
from hfci.results.dashboard_data import SEVERITY, dashboard_data, embedded
from hfci.results.executed_lines import median_reach, unentered
from hfci.results.html import write_page
from hfci.results.reading import Results
from hfci.results.sections import measured, since, strikes, what
from hfci.results.summary import Summary
from hfci.templating import templates_dir

if TYPE_CHECKING:
    from hfci.results.comparison import Comparison, Shift
    from hfci.results.history.trends import Trends

__all__ = ["write_dashboard"]

SCRIPTS = (
    "vendor/tabulator-tables/dist/js/tabulator.min.js",
    "vendor/chart.js/dist/chart.umd.min.js",
    "dashboard-data.js",
    "dashboard-grid.js",
    "dashboard-details.js",
    "dashboard-charts.js",
    "dashboard.js",
)
STYLES = ("vendor/tabulator-tables/dist/css/tabulator_simple.min.css", "dashboard.css")
LICENCES = (
    "vendor/tabulator-tables/LICENSE",
    "vendor/chart.js/LICENSE.md",
    "vendor/@kurkle/color/LICENSE.md",
)
SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=\S+\s*$")  # names a file that is not there

SHOWN_CAUSES = 20
SHOWN_CHANGES = 100


def write_dashboard(
    path: Path,
    results: Results,
    summary: Summary,
    comparison: Comparison | None = None,
    trends: Trends | None = None,
    *,
    conformance: str = "",
) -> None:
    """Write the page to `path`; until it is whole, what was there stays. `conformance` is that page's name beside it.

    Raises EnvironmentUnfit where it cannot be written, UsageError where `path` is no file.
    """
    folder = templates_dir() / "report"
    scripts = [_script(folder / name) for name in SCRIPTS]
    causes = group(summary.failures if summary.baseline is None else summary.regressions)
    write_page(
        path,
        "dashboard.html.jinja",
        STYLES,
        scripts,
        summary=summary,
        conformance=conformance,
        heads=results.headers,
        results=results,
        comparison=comparison,
        trends=trends,
        causes=causes[:SHOWN_CAUSES],
        count=len(causes),
        what=what,
        strikes=strikes,
        since=since,
        changes=_changes(summary, comparison, trends),
        shown=SHOWN_CHANGES,
        median_reach=median_reach(summary.reaches),
        unentered=unentered,
        severity=SEVERITY,
        red=RED,
        licences=[(folder / name).read_text(encoding="utf-8") for name in LICENCES],
        data=Markup(embedded(dashboard_data(results, comparison, trends))),  # noqa: S704 - no <, > or & in it
    )


def _changes(
    summary: Summary, comparison: Comparison | None, trends: Trends | None
) -> dict[str, list[tuple[str, str]]]:
    """Return by kind what else changed: cases, each with what is to be said of it."""
    by_kind: dict[str, list[tuple[str, str]]] = {}
    if comparison:
        for name, changes in (
            ("vanished", comparison.vanished),
            ("fixed", comparison.fixed),
            ("newly unavailable", comparison.unavailable),
            ("newly not applicable", comparison.inapplicable),
            ("added", comparison.added),
        ):
            by_kind[name] = [(change.case, f"was {change.before}" if change.before else "") for change in changes]
    for name in ("slower", "heavier"):
        # Of a case of which both speak the history knows more.
        shifts = {shift.case: shift for source in (comparison, trends) if source for shift in getattr(source, name)}
        if comparison or trends:
            by_kind[name] = [(case, _moved(shift)) for case, shift in shifts.items()]
    if trends:
        by_kind["slower than the reference says"] = [(shift.case, _measured(shift)) for shift in summary.slowed]
        by_kind["compiled less well"] = [(shift.case, _measured(shift)) for shift in summary.broken]
        by_kind["flaky"] = [(flake.case, f"{flake.passed} passed, {flake.failed} failed") for flake in trends.flaky]
    return by_kind


def _measured(shift: Shift) -> str:
    before, now = measured(shift)
    return f"{shift.quantity}: {before} → {now}{f' ({shift.evidence})' if shift.evidence else ''}"


def _moved(shift: Shift) -> str:
    unit, size = ("s", 1) if shift.quantity == "duration_s" else ("MiB", 1 << 20)
    since = f", since {shift.started[:10]} ({(shift.commit or '')[:10]})" if shift.started else ""
    return f"{shift.before / size:.2f} {unit} → {shift.after / size:.2f} {unit}{since}"


def _script(path: Path) -> str:
    return SOURCE_MAP.sub("", path.read_text(encoding="utf-8"))
