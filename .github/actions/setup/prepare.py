"""What is to be installed: `prepare.py ENVIRONMENT`, the folder of the job's own; the rest stands in the environment.

Beside that folder it writes what is asked for, a requirement a line: `asked.txt` is to be resolved, `beside.txt` is for
this job alone. The paths go to GITHUB_OUTPUT, with the folder that is cached and the key of it; the programs of the
environment go to GITHUB_PATH; where packages come from goes to GITHUB_ENV. Any sign that is a space or ends a line is
between two words, and means nothing else.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

OWN = Path(__file__).resolve().parents[3]

# What a machine tells pip of where packages come from, uv is told too: by which variable, and what is between two.
TOLD = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", " "),
    "PIP_EXTRA_INDEX_URL": ("UV_INDEX", " "),
    "PIP_FIND_LINKS": ("UV_FIND_LINKS", ","),
}


def requirements(text: str) -> list[str]:
    """Return its words; ValueError for one that is an option, such as `--index-url`: those are the machine's."""
    words = text.split()
    if options := [word for word in words if word.startswith("-")]:
        raise ValueError(f"{options[0]!r} is an option and no requirement: name packages, such as transformers==5.24.0")
    return words


def key(words: list[str], files: list[Path]) -> str:
    """Return a text that is another one where something else would be installed: 64 signs, whatever was asked for."""
    told = hashlib.sha256("\0".join(words).encode())
    for file in files:
        told.update(hashlib.sha256(file.read_bytes()).digest())
    return told.hexdigest()


def sources(env: dict[str, str]) -> dict[str, str]:
    """Return the variables of uv that say where packages come from: those that the machine sets stay.

    Several indexes are one to pip: of all that they have the best version is taken. So it has to be here: PyTorch's own
    indexes hold torch's builds, and old versions of what torch needs.
    """
    indexes = {"PIP_EXTRA_INDEX_URL": " ".join((env["INDEX"] + " " + env.get("PIP_EXTRA_INDEX_URL", "")).split())}
    given = {**env, **indexes}
    found = {
        name: between.join(places)
        for told, (name, between) in TOLD.items()
        if name not in env and (places := given.get(told, "").split())
    }
    return {**found, "UV_INDEX_STRATEGY": "unsafe-best-match"} if "UV_INDEX" in found else found


def append(name: str, lines: dict[str, object]) -> None:
    """Append lines to a file through which a step speaks to the runner."""
    with Path(os.environ[name]).open("a", encoding="utf-8") as file:
        file.writelines(f"{key}={value}\n" for key, value in lines.items())


def main(folder: Path) -> None:
    """Do it."""
    env = dict(os.environ)
    packages = requirements(env["PACKAGES"])
    asked = requirements(env["TRANSFORMERS"])
    pins = env["CONSTRAINTS"] or ("" if asked else str(OWN / "constraints.txt"))
    earlier = env["ENVIRONMENT"]
    there, files = folder.parent, [OWN / "pyproject.toml", *map(Path, filter(None, [earlier or pins]))]
    constrained = [f"--constraint {Path(pins).absolute()}"] if pins else []
    lists = {"asked": [*constrained, *asked, *packages], "beside": packages if earlier else []}
    for name, lines in lists.items():
        (there / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    paths = {name: there / f"{name}.txt" for name in lists}
    environment = earlier or env["RESOLVED"] or there / "environment.txt"
    Path(environment).parent.mkdir(parents=True, exist_ok=True)
    told = {"key": key([*asked, *packages], files), "cache": there / "packages", "environment": environment}
    told["hfci"] = Path(env["HFCI"]).absolute() if env["HFCI"] else OWN
    append("GITHUB_OUTPUT", {**paths, **told})
    with Path(env["GITHUB_PATH"]).open("a", encoding="utf-8") as file:
        file.write(f"{folder / ('Scripts' if os.name == 'nt' else 'bin')}\n")
    caches = {f"{name.upper()}_CACHE_DIR": there / "packages" / name for name in ("pip", "uv")}
    # Of the environments that nox makes, pip would need most of the job's time. By when this began, the records of a
    # shard say how long its job took to set itself up: checkout and download, before it, are some seconds more.
    more = {"NOX_DEFAULT_VENV_BACKEND": "uv", "HFCI_SET_UP_BEGAN": int(time.time())}
    append("GITHUB_ENV", {**caches, **sources(env), **more})


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except ValueError as error:
        sys.exit(f"setup: {error}")
