"""What the tests of the emulator begin with."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from .support import OWNER, Emulator, Run, Told, write


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs a workflow of the given text; `files` are the repository's others."""

    def run(
        jobs: str, *, files: dict[str, str] | None = None, head: str = "on: push\npermissions: {}\n", **more: Any
    ) -> Told:
        text = head + "jobs:\n" + textwrap.indent(textwrap.dedent(jobs), "  ")
        write(tmp_path / "repository", {".github/workflows/test.yml": text, **(files or {})})
        return Emulator(tmp_path, {OWNER: tmp_path / "repository"}).run("test.yml", sha="0" * 40, **more)

    return run
