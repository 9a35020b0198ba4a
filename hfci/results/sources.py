"""Where the source of the tested library can be read: on GitHub at its tag or commit, or in a checkout."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

from hfci.cases.records import Frame, Header
from hfci.results.text import shorten

__all__ = ["Source", "source_of"]

LIBRARY = "transformers"
HOME = "https://github.com/huggingface/transformers"

# What a release is called, whose tag is `v` and that; and what may be part of an address, since records are anybody's.
RELEASE = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,3}(?:rc\d{1,3})?", re.ASCII)
REPOSITORY = re.compile(r"git\+(https://github\.com/[\w-]{1,40}/[\w.-]{0,99}?[\w-])(?:\.git)?@([0-9a-f]{40})", re.ASCII)
PATH = re.compile(r"transformers/(?:\w{1,100}/){0,10}\w{1,100}\.py", re.ASCII)
LONGEST = 200


@dataclass(frozen=True)
class Source:
    """Where the library's files are: `tree`, the address of a revision on GitHub, or `folder`, that of a checkout."""

    tree: str | None = None
    folder: str = ""

    def address(self, frame: Frame) -> str | None:
        """Return the address of a line; None where nobody knows one, or its path is none of the library."""
        known = self.tree is not None and PATH.fullmatch(frame.path)
        return f"{self.tree}/src/{frame.path}#L{frame.line}" if known else None

    def place(self, frame: Frame) -> str:
        """Return where a line stands, in one line: in a checkout by its whole path."""
        path = str(PurePath(self.folder, frame.path)) if self.folder else frame.path
        return f"{shorten(path, LONGEST)}:{frame.line} in {shorten(frame.function, LONGEST)}".rstrip()


def source_of(head: Header) -> Source:
    """Return where the source of what was tested can be read; of a checkout, whose files may be anything, its folder.

    An installed release has its tag; what was installed from a repository on GitHub, its commit there.
    """
    if head.source is not None and head.source.commit is not None:
        return Source(folder=str(PurePath(head.source.path).parent))
    installed = (head.packages or {}).get(LIBRARY)
    if installed is not None:
        found = REPOSITORY.fullmatch(installed)
        return Source(f"{found[1]}/blob/{found[2]}") if found else Source()
    version = head.versions.get(LIBRARY) or ""
    return Source(f"{HOME}/blob/v{version}") if RELEASE.fullmatch(version) else Source()
