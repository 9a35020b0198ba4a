"""The summary as Markdown, for `$GITHUB_STEP_SUMMARY`."""

from __future__ import annotations

from pathlib import Path

import hfci
from hfci.results.summary import Summary
from hfci.results.text import code

__all__ = ["append_summary", "render_summary"]

SHOWN_FAILURES = 200


def render_summary(summary: Summary) -> str:
    """Return the summary as a Markdown page; text from tests is inert in it."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 -- Markdown: text from tests goes through the filter `code`
        loader=jinja2.FileSystemLoader(_templates()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = code
    return environment.get_template("summary.md.jinja").render(summary=summary, shown=SHOWN_FAILURES)


def append_summary(summary: Summary, path: Path) -> None:
    """Append the page to `path`, as a step of a workflow does."""
    with path.open("a", encoding="utf-8") as file:
        file.write(render_summary(summary))


def _templates() -> Path:
    """Return the report's templates: in the wheel they lie inside the package, in a checkout beside it."""
    package = Path(hfci.__file__).parent
    places = (package / "templates" / "report", package.parent / "templates" / "report")
    return next((place for place in places if place.is_dir()), places[0])
