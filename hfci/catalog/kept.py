"""Where what some checks compare with is kept: hfci's own beside them, that of imports where their repository says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hfci.catalog.registered import registered_by
from hfci.configuration import load_configuration
from hfci.errors import UsageError

__all__ = ["UNKEPT", "kept_in", "require_kept"]

Kind = Literal["golden", "changes"]

UNKEPT = "it is an import's, and no folder is named that it is kept in: [tool.hfci] {kind} names one"


def kept_in(kind: Kind, model_type: str, usual: Path) -> Path | None:
    """Return the folder: `usual`, of an import's model type that which `[tool.hfci]` names; None without one."""
    if registered_by(model_type) is None:
        return usual
    folder: Path | None = getattr(load_configuration(Path.cwd()), kind)
    return folder


def require_kept(kind: Kind, model_type: str, usual: Path, named: Path | None) -> Path:
    """Return `named`, or else what `kept_in` does; UsageError where that is none."""
    folder = named or kept_in(kind, model_type, usual)
    if folder is None:
        raise UsageError(f"{model_type}: {UNKEPT.format(kind=kind)}, or --folder does")
    return folder
