"""The compatibility map as a page, which opens from disk and loads nothing."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from hfci.releases.compatibility import MEANING, Compatibility, State
from hfci.results.html import html_environment, policy
from hfci.templating import templates_dir
from hfci.writing import replacing

__all__ = ["write_page"]

# How a state is painted, as the outcomes of the dashboard are, and the sign by which it is known without colours.
PAINTED = {
    State.WORKS: ("passed", "✓"),
    State.PARTLY: ("known-failure", "◐"),
    State.FAILS: ("failed", "✕"),
    State.ABSENT: ("none", "·"),
    State.UNAVAILABLE: ("unavailable", "□"),
    State.NOT_APPLICABLE: ("not-applicable", "-"),
    State.NOT_RUN: ("not-run", "?"),
}


def write_page(path: Path, found: Compatibility) -> None:
    """Write it to `path`; EnvironmentUnfit where it cannot be written."""
    folder = templates_dir() / "report"
    page = html_environment(folder).get_template("compatibility.html.jinja")
    styles = [(folder / name).read_text(encoding="utf-8") for name in ("dashboard.css", "compatibility.css")]
    parts = page.generate(
        found=found,
        meaning=MEANING,
        painted=PAINTED,
        policy=policy(),
        styles=[Markup(text) for text in styles],  # noqa: S704 -- our own
    )
    with replacing(path) as file:
        file.writelines(part.encode("utf-8", "backslashreplace") for part in parts)
