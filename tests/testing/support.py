"""Real pytest runs over small hand-written files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema

from hfci.cases.records import SCHEMA_FILE
from hfci.testing.process_setup import OFFLINE
from tests.warm import COLD

MARK = """
import pytest
pytestmark = pytest.mark.hfci(model_type="{0}", architecture="{0}Model", family="text", tier="smoke")
"""


def write_test(folder: Path, name: str, body: str) -> None:
    (folder / f"test_{name}.py").write_text(MARK.format(name) + body, encoding="utf-8")


def environment(**extra: str) -> dict[str, str]:
    # What a workflow sets must not leak into these runs.
    others = ("GITHUB_", "PYTEST_", *OFFLINE)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, **extra}


def run_pytest(folder: Path, *arguments: str, is_warm: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on `folder`; where processes die or are killed, not by an interpreter that stands in for them."""
    python = sys.executable if is_warm else COLD
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", "--hfci-results", "out", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def read_lines(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return header and records of the one run in `folder`, each valid by the schema."""
    (path,) = folder.glob("records-*.jsonl")
    header, *records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    for kind, lines in (("Header", [header]), ("Record", records)):
        validator = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]})
        for line in lines:
            validator.validate(line)
    return header, records


def by_check(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {f"{record['model_type']}.{record['check']}": record for record in records}
    assert len(found) == len(records), "a case has two records"
    return found
