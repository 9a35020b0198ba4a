"""Which backends there are, and the one that a name means."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass

from hfci.backends.builtin import BUILT_IN, COMPILERS, Make
from hfci.backends.exporters import exporting, registered
from hfci.errors import FOREIGN, UsageError, in_one_line, nearest

__all__ = [
    "GROUP",
    "Backend",
    "BackendBroken",
    "asked_by",
    "backends_installed",
    "find_backend",
    "require_backend",
]

# The group of entry points by which a package offers backends.
GROUP = "hfci.backends"

# What a name may be, so that the ID of a case, a command and a file can hold it.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

# The checks that ask about backends: about those of torch.compile, which keep the gradients, and about all others.
COMPILED, EXPORTED = "compiled_equals_eager", "exported_equals_eager"


class BackendBroken(Exception):
    """A backend cannot be loaded, or gives nothing that can be called."""


@dataclass(frozen=True)
class Backend:
    """A backend: its name, the function, and where it comes from."""

    name: str
    make: Make
    origin: str


def backends_installed() -> dict[str, importlib.metadata.EntryPoint]:
    """Return the entry points of installed packages by name, none of which is imported by that."""
    return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}


def asked_by(name: str) -> str:
    """Return the check that asks about the backend `name`, whether there is one of that name here or not."""
    return COMPILED if name in COMPILERS else EXPORTED


def require_backend(name: str) -> None:
    """Raise UsageError where there is no backend `name` here, or none whose name the ID of a case can hold.

    A name that is neither built in nor of an installed package is looked for among transformers' exporters, which are
    imported then, and torch with them. No package's own code is.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r:.80} names no backend: letters, digits, dots, dashes and underscores do")
    if name in (known := {*BUILT_IN, *COMPILERS, *backends_installed()}):
        return
    if name not in (known := {*known, *registered()}):
        names = sorted(known)
        raise UsageError(f"there is no backend {name!r:.80}; there are {', '.join(names)}.{nearest(name, names)}")


def find_backend(name: str) -> Backend:
    """Return the backend `name`: of an installed package, built in, or one of transformers' exporters.

    What a package has comes first, so that it may have an own one of a usual name. It may be a function, or a module
    that registers an exporter of this name with transformers. BackendBroken where it cannot be imported, ImportError
    where that is since a package is missing, UsageError where there is none.
    """
    if (point := backends_installed().get(name)) is not None:
        origin = f"{point.value} of {point.dist.name} {point.dist.version}" if point.dist else point.value
        try:
            loaded = point.load()
        except ModuleNotFoundError:
            raise
        except FOREIGN as error:
            raise BackendBroken(f"the backend {name} ({origin}) cannot be imported: {in_one_line(error)}") from error
        if callable(loaded):
            return Backend(name, loaded, origin)
        if name not in registered():
            raise BackendBroken(f"the backend {name} ({origin}) is no function, and registers no exporter of this name")
    elif name in BUILT_IN:
        return Backend(name, BUILT_IN[name], "built in")
    elif name in COMPILERS:
        return Backend(name, COMPILERS[name], "torch.compile")
    require_backend(name)
    return Backend(name, exporting(name), "transformers.exporters")
