"""What the pages that open in a browser share: every text is escaped, and nothing is loaded or sent."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

import jinja2

from hfci.results.text import clean

__all__ = ["html_environment", "policy"]


def html_environment(folder: Path) -> jinja2.Environment:
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


def policy(scripts: Iterable[str] = ()) -> str:
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
