"""The templates: where they lie, and the one way in which they are read."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.errors import UsageError

if TYPE_CHECKING:
    import jinja2

__all__ = ["environment", "templates_dir"]


def templates_dir() -> Path:
    """Return the folder of the templates: that of the checkout, or the one inside the installed package.

    Raises UsageError where there is neither.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "templates", package.parent / "templates"):
        if (folder / "_smoke.py.jinja").is_file():
            return folder
    raise UsageError(f"no templates: neither {package / 'templates'} nor {package.parent / 'templates'} has any")


@functools.cache
def environment(folder: Path) -> jinja2.Environment:
    """Return the Jinja2 environment of `folder`: an unknown variable is an error, blocks leave no blank lines."""
    import jinja2

    return jinja2.Environment(  # noqa: S701 - Python and Markdown, not HTML; hostile text goes through a filter
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
