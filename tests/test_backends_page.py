"""The page for makers of chips: its package is one, and its commands run word for word."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

HERE = Path(__file__).parents[1]
PAGE = (HERE / "docs" / "backends.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_ten_lines_are_a_backend_and_the_commands_of_the_page_run(tmp_path: Path) -> None:
    (code,), (project,) = blocks("python"), blocks("toml")
    assert len([line for line in (code + project).splitlines() if line and not line.startswith("#")]) <= 10
    (group,) = tomllib.loads(project)["project"]["entry-points"].items()
    (tmp_path / "acme_chip.py").write_text(code, encoding="utf-8")
    info = tmp_path / "acme_chip-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-chip\nVersion: 1.0\n", encoding="utf-8")
    points = "".join(f"{name} = {value}\n" for name, value in group[1].items())
    (info / "entry_points.txt").write_text(f"[{group[0]}]\n{points}", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    (tmp_path / "generated").symlink_to(HERE / "generated")
    (commands,) = blocks("sh")
    for line in commands.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "hfci"
        done = subprocess.run(
            [sys.executable, "-m", "hfci", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "report" / "conformance.html").read_text(encoding="utf-8")
    assert "100.0%" in page
    assert "bert/BertModel" in page


def test_what_the_page_gives_to_models_yml_it_takes() -> None:
    (block,) = blocks("yaml")
    asked = yaml.safe_load(block)["jobs"]["acme"]["with"]
    workflow = yaml.safe_load((HERE / ".github" / "workflows" / "models.yml").read_text(encoding="utf-8"))
    assert asked.keys() <= workflow[True]["workflow_call"]["inputs"].keys()
