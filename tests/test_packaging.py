"""The wheel holds what a run needs: outside the checkout, hfci renders and runs from it alone."""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.warm import COLD

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it, as an installer would, into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [COLD, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("hfci-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `hfci` from the unpacked wheel in `folder`, where the checkout is out of sight."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [COLD, "-m", "hfci", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_holds_every_template_and_data_file(unpacked: Path) -> None:
    def beside(folder: Path) -> set[str]:
        kinds = {".jinja", ".toml", ".json", ".ini", ".typed"}
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in kinds}
        return {path for path in found if "__pycache__" not in path}

    templates = {f"templates/{path}" for path in beside(ROOT / "templates")}
    assert len(templates) > 20
    assert beside(unpacked / "hfci") == beside(ROOT / "hfci") | templates


def test_the_wheel_renders_and_runs_a_model_type_outside_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    where = run(unpacked, tmp_path, "--version")
    assert where.returncode == 0, where.stderr
    generated = run(unpacked, tmp_path, "generate", "bert", "--out", "tests")
    assert generated.returncode == 0, generated.stderr
    text = (tmp_path / "tests" / "text_encoder" / "test_bert.py").read_text()
    assert text == (ROOT / "generated" / "text_encoder" / "test_bert.py").read_text()

    ran = run(unpacked, tmp_path, "run", "bert", "--results", "out")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = re.search(r"Green: (\d+) of \1 cases executed", ran.stdout)
    assert told is not None, ran.stdout
    (records,) = (tmp_path / "out").glob("records-*.jsonl")
    assert len(records.read_text().splitlines()) == 1 + int(told[1])
