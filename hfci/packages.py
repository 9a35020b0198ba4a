"""Where installed packages come from, if from no index: a repository and its commit, an archive, a folder (PEP 610)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions

__all__ = ["address_of", "addresses"]

# A name and a password in an address; PEP 610 forbids them there, and nothing of hfci's shall show them.
CREDENTIALS = re.compile(r"(?<=://)[^/@]*:[^/@]*@")


def address_of(package: Distribution) -> str | None:
    """Return an address from which pip installs the same again, a repository's with its commit; None for an index."""
    try:
        source = json.loads(package.read_text("direct_url.json") or "{}")
        url, repository = source.get("url"), source.get("vcs_info", {})
    except (ValueError, AttributeError):
        return None  # whoever wrote it does not follow the standard: nothing is known
    if not isinstance(url, str):
        return None
    url = CREDENTIALS.sub("", url)
    part = f"#subdirectory={source['subdirectory']}" if "subdirectory" in source else ""
    if commit := repository.get("commit_id"):
        return f"{repository['vcs']}+{url}@{commit}{part}"
    return url + part


def addresses(installed: Iterable[Distribution] | None = None) -> dict[str, str]:
    """Return the address of each package that has one, by name; of all that is installed here, unless it is given."""
    by_name = {
        package.metadata["Name"]: address
        for package in (distributions() if installed is None else installed)
        if (address := address_of(package)) is not None
    }
    return dict(sorted(by_name.items()))
