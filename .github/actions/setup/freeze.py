"""Write what is installed as requirements, for the other jobs of a run: `freeze.py FILE`.

A package from a repository is named by its commit, one that is the same on every machine by its version. What is
compiled each machine gets in its own build: torch, and what was asked for, of the same version; the rest as these need.
"""
# ruff: noqa: T201 -- what is printed is the job's log

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

from hfci.packages import address_of

# Each job brings these itself: hfci is that of the workflow's own commit.
LEFT_OUT = ("hfci", "pip", "nox")


def freeze(installed: Iterable[Distribution]) -> list[str]:
    """Return a requirement a package, sorted by name."""
    return sorted({line for one in installed if (line := requirement(one)) is not None})


def requirement(package: Distribution) -> str | None:
    """Return how another job asks for a package; None where it need not."""
    name = package.metadata["Name"]
    if name in LEFT_OUT:
        return None
    if (address := address_of(package)) is not None:
        return f"{name} @ {address}"
    version = package.version
    if name == "torch" or (not is_pure(package) and package.read_text("REQUESTED") is not None):
        return f"{name}=={version.partition('+')[0]}"  # another machine has another build of it
    return f"{name}=={version}" if is_pure(package) else None


def is_pure(package: Distribution) -> bool:
    """Tell whether it is the same on every machine."""
    tags = [line for line in (package.read_text("WHEEL") or "").splitlines() if line.startswith("Tag:")]
    return bool(tags) and all(tag.endswith("-none-any") for tag in tags)


if __name__ == "__main__":
    found = freeze(distributions())
    Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    Path(sys.argv[1]).write_text("\n".join(found) + "\n", encoding="utf-8")
    print("\n".join(found))
