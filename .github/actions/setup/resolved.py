"""Make what uv has resolved here hold on every machine: `resolved.py FILE`, a list of requirements.

A package from a repository is named by its commit, any other by its version; which build of that version, each machine
says itself: `torch==2.13.0+cpu` becomes `torch==2.13.0`. An address loses the name and password that it may have.
"""
# ruff: noqa: T201 -- what is printed is the job's log

from __future__ import annotations

import re
import sys
from pathlib import Path

BUILD = re.compile(r"^([\w.-]+==[^\s+;]+)\+[\w.]+", re.MULTILINE)
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@")


def for_every_machine(text: str) -> str:
    """Return the requirements without builds, names and passwords."""
    return CREDENTIALS.sub("", BUILD.sub(r"\1", text))


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(for_every_machine(path.read_text(encoding="utf-8")), encoding="utf-8")
    print(path.read_text(encoding="utf-8"))
