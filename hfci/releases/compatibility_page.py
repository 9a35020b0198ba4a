"""The compatibility map as a page, which opens from disk and loads nothing."""

from __future__ import annotations

from pathlib import Path

from hfci.releases.compatibility import MEANING, Compatibility, State
from hfci.results import html

__all__ = ["write_page"]

STYLES = ("dashboard.css", "compatibility.css")

# How a state is painted, as outcomes of the dashboard are, and the sign by which it is known without colours.
PAINTED = {
    State.WORKS: ("passed", "✓"),
    State.PARTLY: ("known-failure", "◐"),
    State.FAILS: ("failed", "✕"),
    State.ABSENT: ("none", "·"),
    State.UNAVAILABLE: ("unavailable", "□"),
    State.NOT_APPLICABLE: ("not-applicable", "-"),
    State.NOT_RUN: ("assumed", "?"),
}


def write_page(path: Path, found: Compatibility) -> None:
    """Write it to `path`; EnvironmentUnfit where it cannot be written."""
    html.write_page(path, "compatibility.html.jinja", STYLES, found=found, meaning=MEANING, painted=PAINTED)
