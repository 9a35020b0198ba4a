"""What lies between two transformers, in order: the releases that an index lists, or the commits of a checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

from hfci.errors import EnvironmentUnfit, UsageError
from hfci.git import git
from hfci.releases.installing import installer_variables, pip_command
from hfci.releases.sides import Side, SideKind, find_commit

__all__ = ["commits_between", "files_listed", "releases_between", "releases_listed"]

INDEX = "https://pypi.org/simple"
ACCEPTED = "application/vnd.pypi.simple.v1+json"
_FILE = re.compile(r"transformers-(?P<version>[0-9][A-Za-z0-9.]*)-py3-none-any\.whl")
_LISTED = re.compile(r"^Available versions: (?P<versions>.+)$", re.MULTILINE)


def releases_between(good: Version, bad: Version) -> tuple[Side, ...]:
    """Return the releases from `good` to `bad`, or back, in the order from the one to the other.

    Pre-releases only count where one of the ends is one. UsageError where an end is not listed, EnvironmentUnfit
    where nobody lists any.
    """
    listed = releases_listed()
    for end in (good, bad):
        if end not in listed:
            near = ", ".join(str(version) for version in listed if version.release[:2] == end.release[:2])
            raise UsageError(f"no index lists transformers {end}" + (f"; there are {near}" if near else ""))
    low, high = sorted((good, bad))
    wanted = [
        version
        for version in listed
        if low <= version <= high and (version in (low, high) or not version.is_prerelease)
    ]
    ordered = wanted if good <= bad else wanted[::-1]
    return tuple(Side(str(version), SideKind.RELEASE, release=version) for version in ordered)


def releases_listed() -> tuple[Version, ...]:
    """Return the releases of transformers that can be installed from the index, oldest first.

    pip knows which index is meant, if it is installed; else it is that of uv's variables, or PyPI.
    """
    versions = _by_pip() if pip_command() else _by_index()
    return tuple(sorted(set(versions)))


def commits_between(checkout: Path, good: str, bad: str) -> tuple[Side, ...]:
    """Return the commits of a checkout on the way from `good` to `bad`, along first parents, the ends too.

    UsageError where `good` is no ancestor of `bad`.
    """
    first, last = find_commit(checkout, good), find_commit(checkout, bad)
    if git(checkout, "merge-base", "--is-ancestor", first, last) is None:
        raise UsageError(f"{good} is no ancestor of {bad} in {checkout}: there is no way from the one to the other")
    listed = git(checkout, "rev-list", "--reverse", "--first-parent", f"{first}..{last}")
    commits = [first, *(listed or b"").decode().split()]
    return tuple(Side(f"{checkout}@{each[:12]}", SideKind.COMMIT, path=checkout, commit=each) for each in commits)


def _by_pip() -> list[Version]:
    command = [*pip_command(), "index", "versions", "transformers"]
    done = subprocess.run(  # noqa: S603 -- a fixed command
        command, capture_output=True, text=True, check=False, env=installer_variables()
    )
    match = _LISTED.search(done.stdout)
    if done.returncode or match is None:
        raise EnvironmentUnfit(f"pip cannot list the releases of transformers: {' '.join(done.stderr.split())[-300:]}")
    return _versions(match["versions"].split(", "))


def _by_index() -> list[Version]:
    names = map(_FILE.fullmatch, files_listed("transformers"))
    return _versions([match["version"] for match in names if match is not None])


def files_listed(package: str) -> list[str]:
    """Return the names of the files of `package` on the index of uv's variables, or PyPI, for this Python or another.

    What was yanked, and what wants a newer Python than this one, is left out. EnvironmentUnfit where it does not say.
    """
    named = next((os.environ[name] for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL") if os.environ.get(name)), INDEX)
    address = f"{named.rstrip('/')}/{package}/"
    if urlsplit(address).scheme not in ("https", "http"):
        raise EnvironmentUnfit(f"{address!r:.100} is no address of an index; install pip, which knows others")
    request = urllib.request.Request(address, headers={"Accept": ACCEPTED})  # noqa: S310 -- as checked above
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            files = json.load(answer)["files"]
        python = ".".join(map(str, sys.version_info[:3]))
        return [each["filename"] for each in files if not each.get("yanked") and _fits(each, python)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EnvironmentUnfit(f"{address} does not list the releases of {package}: {error}") from error


def _fits(file: dict[str, object], python: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(str(file.get("requires-python") or "")).contains(python)
    except InvalidSpecifier:
        return False


def _versions(texts: list[str]) -> list[Version]:
    versions = []
    for text in texts:
        try:
            versions.append(Version(text.strip()))
        except InvalidVersion:
            continue
    return versions
