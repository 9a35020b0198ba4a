"""What is to be installed: `prepare.py ENVIRONMENT`, the folder of the job's own; the rest stands in the environment.

Writes `requirements=`, words for pip, and `key=`, by which what pip downloads is cached, to GITHUB_OUTPUT; the programs
of the environment go to GITHUB_PATH, pip's cache to GITHUB_ENV. Any sign that is a space or ends a line is between two
words, and means nothing else.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path


def requirements(env: dict[str, str]) -> tuple[list[str], list[Path]]:
    """Return the words for pip, and the files that decide with them what is installed."""
    own = Path(env["HFCI"])
    if env["ENVIRONMENT"]:
        return ["--requirement", env["ENVIRONMENT"], *env["PACKAGES"].split()], [Path(env["ENVIRONMENT"])]
    words = [*env["TRANSFORMERS"].split(), *env["PACKAGES"].split()]
    pins = env["CONSTRAINTS"] or ("" if env["TRANSFORMERS"].split() else str(own / "constraints.txt"))
    return ["--constraint", pins, *words] if pins else words, [Path(pins)] if pins else []


def key(words: list[str], files: list[Path]) -> str:
    """Return a text that is another one where something else would be installed: 64 signs, whatever was asked for."""
    told = hashlib.sha256("\0".join(words).encode())
    for file in files:
        told.update(hashlib.sha256(file.read_bytes()).digest())
    return told.hexdigest()


def append(name: str, text: str) -> None:
    """Append a line to a file through which a step speaks to the runner."""
    with Path(os.environ[name]).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def main(folder: Path) -> None:
    """Do it."""
    words, files = requirements(dict(os.environ))
    append("GITHUB_OUTPUT", f"requirements={' '.join(words)}")
    append("GITHUB_OUTPUT", f"key={key(words, [*files, Path(os.environ['HFCI'], 'pyproject.toml')])}")
    append("GITHUB_PATH", str(folder / ("Scripts" if os.name == "nt" else "bin")))
    append("GITHUB_ENV", f"PIP_CACHE_DIR={folder.parent / 'pip'}")
    if index := os.environ["INDEX"].strip():
        append("GITHUB_ENV", f"PIP_EXTRA_INDEX_URL={' '.join(index.split())}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
