"""The summary as Markdown, for `$GITHUB_STEP_SUMMARY`."""

from __future__ import annotations

from pathlib import Path

from hfci.results.summary import Summary
from hfci.results.text import code
from hfci.templating import environment, templates_dir

__all__ = ["append_summary", "render_summary"]

SHOWN_FAILURES = 200


def render_summary(summary: Summary) -> str:
    """Return the summary as a Markdown page; text from tests is inert in it."""
    reports = environment(templates_dir() / "report")
    reports.filters["code"] = code
    return reports.get_template("summary.md.jinja").render(summary=summary, shown=SHOWN_FAILURES)


def append_summary(summary: Summary, path: Path) -> None:
    """Append the page to `path`, as a step of a workflow does."""
    with path.open("a", encoding="utf-8") as file:
        file.write(render_summary(summary))
