"""Which combinations of transformers, torch and Python there are to try: what the package index has, newest patches."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.version import Version

from hfci.releases.candidates import files_listed
from hfci.releases.compatibility import Combination
from hfci.releases.first_releases import read_first_releases
from hfci.testing.ledger_check import supported

__all__ = ["TORCHES", "combinations"]

# So many minor versions of torch, the newest.
TORCHES = 3
_OLDEST_PYTHON = (3, 11)
_WHEEL = re.compile(r"torch-(?P<version>\d+\.\d+\.\d+)-cp(?P<major>\d)(?P<minor>\d+)-cp\d+-manylinux\S*x86_64\.whl")
_TRANSFORMERS = re.compile(r"transformers-(?P<version>\d+\.\d+\.\d+)-py3-none-any\.whl")


def combinations() -> tuple[Combination, ...]:
    """Return each minor release of transformers with each torch on the oldest Python, and the newest two on all others.

    A Python is one that torch has wheels for. Raises EnvironmentUnfit where the index lists nothing.
    """
    releases = [
        version for version in _newest(_versions("transformers", _TRANSFORMERS)) if supported().contains(version)
    ]
    pythons: dict[Version, set[tuple[int, int]]] = {}
    for match in filter(None, map(_WHEEL.fullmatch, files_listed("torch"))):
        python = int(match["major"]), int(match["minor"])
        if python >= _OLDEST_PYTHON:
            pythons.setdefault(Version(match["version"]), set()).add(python)
    torches = _newest(pythons)[-TORCHES:]
    since = read_first_releases().since
    found = []
    for release in (version for version in releases if version >= since):
        for torch in torches:
            for python in sorted(pythons[torch]):
                is_newest = release == releases[-1] and torch == torches[-1]
                if python == min(pythons[torch]) or is_newest:
                    names = str(release), str(torch), f"{python[0]}.{python[1]}"
                    found.append(Combination(transformers=names[0], torch=names[1], python=names[2]))
    return tuple(found)


def _versions(package: str, pattern: re.Pattern[str]) -> set[Version]:
    return {Version(match["version"]) for match in filter(None, map(pattern.fullmatch, files_listed(package)))}


def _newest(versions: Iterable[Version]) -> list[Version]:
    """Return the newest patch of each minor version, oldest first."""
    newest = {version.release[:2]: version for version in sorted(versions)}
    return list(newest.values())
