"""The recipes and exceptions of the repository that uses hfci: what is wrong with them is told once, beforehand."""

from __future__ import annotations

from pathlib import Path

from hfci.checks.exceptions import read_exceptions
from hfci.configuration import load_configuration
from hfci.tiny.recipes import read_recipes

__all__ = ["require_readable"]


def require_readable() -> None:
    """Read those that `[tool.hfci]` names; UsageError names the file and the row that is wrong."""
    configuration = load_configuration(Path.cwd())
    if configuration.recipes is not None:
        read_recipes(configuration.recipes)
    if configuration.exceptions is not None:
        read_exceptions(configuration.exceptions)
