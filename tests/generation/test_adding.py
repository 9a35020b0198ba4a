"""Adding a family is a rule, a template and what is expected of its outputs: CONTRIBUTING says so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES, SHAPES = "hfci/catalog/data/families.toml", "hfci/generation/data/shapes/text.toml"

RULE = """
[[family]]
name = "retrieval"
title = "text encoder that gives one vector a text"
all = ["input:text", "param:token_type_ids"]
none = ["type-table:FOR_MASKED_LM"]
"""
PROMISES = """
[allowed.retrieval]
inputs = ["text"]
outputs = ["pooler_output"]
tasks = []
"""
ROWS = """
[[retrieval]]
lines = '''
{batch}
assert outputs.pooler_output.shape == (batch, tiny.config.hidden_size)
'''
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Copy hfci, and add the rule and the template of a family to it."""
    for name in ("hfci", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
    rules = tmp_path / RULES
    rules.write_text(rules.read_text().replace("\n[[family]]\n", f"{RULE}\n[[family]]\n", 1) + PROMISES)
    (tmp_path / "templates" / "retrieval.py.jinja").write_text("{% extends layout %}\n")
    return tmp_path


def hfci(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hfci", *arguments],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_added_has_files_of_its_own_that_hold(package: Path) -> None:
    made = hfci(package, "generate", "dpr", "--scratch")
    assert made.returncode == 1
    assert "nothing is expected of the family retrieval: it wants rows [[retrieval]] in" in made.stderr
    shapes = package / SHAPES
    shapes.write_text(shapes.read_text() + ROWS)
    made = hfci(package, "generate", "dpr", "--scratch")
    assert made.returncode == 0, made.stderr
    text = (package / "generated" / "retrieval" / "test_dpr.py").read_text()
    assert "\nFamily: text encoder that gives one vector a text.\n" in text
    assert "    assert outputs.pooler_output.shape == (batch, tiny.config.hidden_size)\n" in text
    done = hfci(package, "run", "dpr", "--check", "forward_is_finite", "--generated", "generated")
    assert done.returncode == 0, done.stdout + done.stderr


def test_contributing_names_these_files_and_no_other() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (steps,) = re.findall(r"## Add a family\n(.*?)\n## ", text, re.DOTALL)
    assert re.findall(r"`([\w/.]+/[\w.]*)`", steps) == [
        RULES,
        "templates/NAME.py.jinja",
        "hfci/generation/data/shapes/",
    ]
