"""Which version of a package the cases meet: as installed here, or as the constraints of a runner name it."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import re
from collections.abc import Callable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

__all__ = ["versions_here", "versions_of"]

ABSENT = "absent"
FREE = "not constrained"

# What is imported by another name than it is installed by, of the packages that transformers or hfci imports. Any other
# such package is found too, but that takes a look at every file that is installed.
INSTALLED_AS = {
    "PIL": "pillow",
    "cv2": "opencv-python",
    "google": "protobuf",
    "sklearn": "scikit-learn",
    "xdist": "pytest-xdist",
}

_COMMENT = re.compile(r"(^|\s)#.*$")


def versions_here(package: str) -> str:
    """Return the installed version of what is imported as `package`, or that it is absent."""
    for name in (package, INSTALLED_AS.get(package, package)):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return ABSENT
    names = sorted(set(_distributions().get(package, ())))
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names) or "of no version"


def versions_of(constraints: bytes) -> Callable[[str], str]:
    """Return what tells the version of a package that a constraints file names; of any other it says that it is free.

    A line that is no requirement, an option of pip's say, does not count.
    """
    named: dict[str, list[str]] = {}
    for line in constraints.decode("utf-8", "replace").splitlines():
        try:
            requirement = Requirement(_COMMENT.sub("", line).strip())
        except InvalidRequirement:
            continue
        named.setdefault(canonicalize_name(requirement.name), []).append(
            f"{requirement.specifier}{requirement.url or ''};{requirement.marker}"
        )

    def version(package: str) -> str:
        name = canonicalize_name(INSTALLED_AS.get(package, package))
        return ", ".join(sorted(named.get(name, [FREE]))).removesuffix(";None")

    return version


@functools.cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())
