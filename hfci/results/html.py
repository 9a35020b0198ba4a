"""What the pages that open in a browser share: every text is escaped, and nothing is loaded or sent."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from hfci.results.text import clean
from hfci.templating import templates_dir
from hfci.writing import replacing

__all__ = ["write_page"]


def write_page(path: Path, template: str, styles: Iterable[str], scripts: Iterable[str] = (), **facts: Any) -> None:
    """Write a page to `path`: a `template` and `styles`, by their names in templates/report, `scripts` and `facts`.

    Until it is whole, what was there stays. Raises EnvironmentUnfit where it cannot be written, UsageError where `path`
    is no file.
    """
    folder = templates_dir() / "report"
    scripts = tuple(scripts)
    parts = (
        _environment(folder)
        .get_template(template)
        .generate(
            styles=[Markup((folder / name).read_text(encoding="utf-8")) for name in styles],  # noqa: S704 - our own
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own
            policy=_policy(scripts),
            **facts,
        )
    )
    with replacing(path) as file:
        file.writelines(part.encode("utf-8", "backslashreplace") for part in parts)


def _environment(folder: Path) -> jinja2.Environment:
    """Return the environment for HTML: every text is escaped that is not marked as HTML already."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clean"] = clean
    return environment


def _policy(scripts: Iterable[str]) -> str:
    """Return a Content-Security-Policy under which these scripts run, no other, and nothing is loaded or sent."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = {
        "default-src": "'none'",
        "script-src": " ".join(f"'sha256-{value}'" for value in hashes),
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "connect-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())
