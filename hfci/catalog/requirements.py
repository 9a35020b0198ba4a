"""Optional packages: which one an import error is about."""

from __future__ import annotations

import ast
import importlib.util
import re
import traceback
from collections.abc import Sequence
from pathlib import Path

from hfci.errors import come_of

__all__ = ["absent_packages", "is_absent", "needs"]

# transformers' own sentences: of `requires_backends`, of the placeholders of classes whose package is missing, and
# where a model imports a package only when needed.
_SENTENCE = re.compile(
    r"requires the (\S+) library but it was not found|^\S+ needs (.+)$|requires `(\w+)`\. Install it"
    r"|^Package `(\w+)` is required|^(\w+) is required for|need to install (\S+) to use|^`(\w+)` is not installed",
    re.MULTILINE,
)


def absent_packages(error: BaseException) -> tuple[str, ...]:
    """Return the packages whose absence made `error`, itself or what it came from; none if all of them are here.

    An import that fails for another reason (a package of the wrong version, a name that moved) is no absence.
    """
    named: list[str] = []
    for cause in come_of(error):
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            named = [cause.name.partition(".")[0]]
        elif isinstance(cause, ImportError):
            match = _SENTENCE.search(str(cause))
            named = next(filter(None, match.groups())).lower().split(", ") if match else []
        elif isinstance(cause, NameError) and cause.name:
            named = [cause.name] if _is_optional(cause.name) else _imported_as(cause.name, cause)
        if named:
            break
    return tuple(name for name in named if is_absent(name))


def _is_optional(name: str) -> bool:
    """Say whether transformers imports `name` only where it is installed, so that its name is not defined elsewhere."""
    from transformers import utils

    return hasattr(utils, f"is_{name}_available")


def _imported_as(name: str, error: BaseException) -> list[str]:
    """Return the package of the module that the file which raised `error` imports under `name`, where it can."""
    file = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    nodes = ast.walk(ast.parse(file.read_bytes())) if file.is_file() else ()
    imported = [alias for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return [alias.name.partition(".")[0] for alias in imported if alias.asname == name][:1]


def is_absent(package: str) -> bool:
    """Say whether `package` is not installed."""
    return importlib.util.find_spec(package.replace("-", "_")) is None


def needs(packages: Sequence[str]) -> str:
    """Say that `packages` are needed, and the mend."""
    return f"needs {', '.join(packages)}: pip install {' '.join(packages)}"
