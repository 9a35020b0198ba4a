"""What `python -m venv`, `python -m pip` and `python -m uv` do on an emulated machine: `installers.py FOLDER TOOL …`.

FOLDER is where the `python` lies that was called: of an environment, or of the machine itself, which has no packages.
Nothing is downloaded. All that an environment can have is there already, in the running interpreter: to install a
program is to let it be found, and what is left out is hidden by sitecustomize.py. What is asked for is noted.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from importlib.metadata import distributions
from pathlib import Path

SHIMS = Path(os.environ["SHIMS"])
LEFT_OUT = {"hfci", "uv", "pip"}


def make_environment(words: list[str]) -> None:
    """`python -m venv [--clear] FOLDER`."""
    folder = Path(words[-1])
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(SHIMS / "environment" / "python")


def note(tool: str, words: list[str]) -> None:
    """Note a call: its words, the lines of the files of requirements that it names, and where it looks for packages."""
    named = [Path(word) for word in words if word.endswith(".txt") and Path(word).is_file()]
    lines = {path.name: path.read_text().splitlines() for path in named}
    sources = {name: text for name, text in os.environ.items() if name.startswith(("UV_", "PIP_"))}
    with Path(os.environ["NOTES"]).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps({"tool": tool, "words": words, "files": lines, "sources": sources}) + "\n")


def pip(environment: Path, words: list[str]) -> None:
    """Install uv, the one thing that pip is for; each wheel must be one whose digest is known."""
    if not environment.is_relative_to(SHIMS) and "--require-hashes" in words and words[-1].endswith("/uv.txt"):
        (environment / "uv").touch()
    else:
        sys.exit("this environment is externally managed, or what is asked for is not pinned by its digest")


def uv(environment: Path, words: list[str]) -> None:
    """Resolve to what the running interpreter has, or let programs be found."""
    if not (environment / "uv").exists():
        sys.exit("No module named uv")
    match words:
        case ["pip", "compile", *_]:
            found = {one.metadata["Name"]: one.version for one in distributions()}
            text = "".join(f"{name}=={found[name]}\n" for name in sorted(found) if name not in LEFT_OUT)
            Path(words[words.index("--output-file") + 1]).write_text(text, encoding="utf-8")
        case ["pip", "install", *_]:
            program = "nox" if words[-1] == "nox" else "hfci"
            (environment / program).symlink_to(SHIMS / "environment" / program)
            if "--excludes" in words:
                excluded = Path(words[words.index("--excludes") + 1]).read_text(encoding="utf-8")
                names = [line for line in excluded.splitlines() if line and not line.startswith("#")]
                (environment / "without").write_text(" ".join(names), encoding="utf-8")


if __name__ == "__main__":
    place, name, *asked = sys.argv[1:]
    if name == "venv":
        make_environment(asked)
    else:
        note(name, asked)
        {"pip": pip, "uv": uv}[name](Path(place), asked)
