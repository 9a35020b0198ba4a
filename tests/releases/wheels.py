"""Wheels made on the spot, and an index of them in a folder: uv and pip install from it, and from nowhere else."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest


def make_wheel(
    folder: Path, name: str, version: str, *, requires: Iterable[str] = (), python: str = ">=3.9", text: str = ""
) -> None:
    """Write a wheel of a package with one module, which says its version."""
    folder.mkdir(parents=True, exist_ok=True)
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {python}\n"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f'__version__ = "{version}"\n{text}',
        f"{info}/METADATA": head + "".join(f"Requires-Dist: {line}\n" for line in requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, content)


def only_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let installers find what is in `folder`, and nothing else."""
    for name, value in {
        "UV_FIND_LINKS": str(folder),
        "UV_NO_INDEX": "1",
        "UV_CACHE_DIR": str(folder / "cache"),
        "UV_OFFLINE": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_NO_INDEX": "1",
    }.items():
        monkeypatch.setenv(name, value)
