"""The action that sets a job up: what it asks pip for, where, what it caches; what one job resolves for others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from runpy import run_path

import pytest

from .projects import ASSERT, SMOKE, project
from .support import ROOT, Emulator, Told, repository

ACTION = ROOT / ".github" / "actions" / "setup"
NOTHING = {"TRANSFORMERS": "", "PACKAGES": "", "CONSTRAINTS": "", "ENVIRONMENT": "", "INDEX": "", "HFCI": str(ROOT)}


def prepared(folder: Path, **asked: str) -> dict[str, str]:
    """Return all that prepare.py tells the runner."""
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")}
    for file in files.values():
        Path(file).unlink(missing_ok=True)
    env = {**NOTHING, **files, **asked}
    subprocess.run([sys.executable, ACTION / "prepare.py", folder / "hfci"], env=env, check=True)
    lines = [line for name in ("GITHUB_OUTPUT", "GITHUB_ENV") if Path(files[name]).exists()
             for line in Path(files[name]).read_text().splitlines()]  # fmt: skip
    return dict(line.split("=", 1) for line in lines)


def test_the_key_is_another_one_where_something_else_would_be_installed(tmp_path: Path) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("torch==2.13.0")
    frozen = tmp_path / "frozen.txt"
    frozen.write_text("torch==2.13.0")
    asked = [
        {},
        {"TRANSFORMERS": "transformers>=5.17,<6"},
        {"TRANSFORMERS": "transformers>=5.17,<6 " + "x" * 600},
        {"TRANSFORMERS": "transformers>=5.17,<6", "PACKAGES": "timm"},
        {"TRANSFORMERS": "transformers>=5.17,<6", "CONSTRAINTS": str(pins)},
        {"ENVIRONMENT": str(frozen)},
    ]
    keys = [prepared(tmp_path, **one)["key"] for one in asked]
    pins.write_text("torch==2.14.0")
    frozen.write_text("torch==2.14.0")
    keys += [prepared(tmp_path, **one)["key"] for one in asked[4:]]
    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {64}


def test_words_are_apart_by_any_space(tmp_path: Path) -> None:
    told = prepared(tmp_path, TRANSFORMERS="transformers\r\ntorch\r\n", PACKAGES=" timm\u2028\nkey=evil\n")
    assert told["requirements"] == "transformers torch timm key=evil"
    assert len(told["key"]) == 64


@pytest.mark.parametrize("index", ["https://download.pytorch.org/whl/cu128", "https://x.example\nPATH=evil"])
def test_an_index_is_one_variable(tmp_path: Path, index: str) -> None:
    told = prepared(tmp_path, INDEX=index)
    assert told["PIP_EXTRA_INDEX_URL"] == " ".join(index.split())
    assert "PATH" not in told


CALLER = """
on: push
permissions: {}
jobs:
  hfci:
    permissions: {contents: read}
    uses: example/hfci/.github/workflows/models.yml@0123456789012345678901234567890123456789
    with:
      models: ${{ vars.MODELS }}
      tier: smoke
      transformers: ${{ vars.TRANSFORMERS }}
      packages: ${{ vars.PACKAGES }}
"""


def call(folder: Path, *, models: str = "bert", transformers: str = "", packages: str = "", **more: object) -> Told:
    """Run models.yml as another repository calls it."""
    emulator: Emulator = project(folder, {"one": ASSERT})
    repository(folder / "mine", {".github/workflows/mine.yml": CALLER})
    emulator.repositories["somebody/mine"] = folder / "mine"
    asked = {"MODELS": models, "TRANSFORMERS": transformers, "PACKAGES": packages}
    return emulator.run("mine.yml", on="somebody/mine", vars=asked, **more)


def test_a_requirement_with_a_comma_and_a_long_one(tmp_path: Path) -> None:
    told = call(tmp_path, transformers="transformers>=5.17,<6", packages="timm>=1,<2 " + "x" * 600)
    assert set(told.results.values()) == {"success"}, told.log


def test_a_list_that_was_written_on_windows(tmp_path: Path) -> None:
    told = call(tmp_path, models="bert\r\ngpt2\r\n", transformers="transformers\r\n")
    assert set(told.results.values()) == {"success"}, told.log
    assert {call[-1] for call in told.pip if "--group" in call} == {"transformers", ".hfci/environment.txt"}


def test_what_an_earlier_job_left_on_a_machine_is_not_used(tmp_path: Path) -> None:
    """The hfci and the packages of a machine of one's own stay there: none of them is seen."""
    emulator = project(tmp_path, {"one": ASSERT}, runners=SMOKE.replace('"ubuntu-24.04"', '["self-hosted"]'))
    stale = tmp_path / "stale"
    stale.mkdir()
    for program in ("hfci", "nox"):
        (stale / program).write_text("#!/bin/sh\necho of an earlier commit >&2\nexit 1\n")
        (stale / program).chmod(0o755)
    path = f"{emulator.shims()}:{stale}:{os.environ['PATH']}"
    told = emulator.run("ci.yml", path=path, vars={"HFCI_MODELS": "one"})
    assert set(told.results.values()) == {"success"}, told.log
    assert told["models / smoke on small 1/1"].told["runs-on"] == ["self-hosted"]


def dist(folder: Path, name: str, version: str, *, tag: str = "py3-none-any", **files: object) -> None:
    """Write what is known of an installed package."""
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (place / "WHEEL").write_text(f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
    for file, content in files.items():
        name = {"direct_url": "direct_url.json"}.get(file, file)
        (place / name).write_text(content if isinstance(content, str) else json.dumps(content))


def test_what_is_installed_is_frozen_for_every_machine(tmp_path: Path) -> None:
    native = "cp311-cp311-manylinux_2_28_x86_64"
    commit = {"vcs": "git", "commit_id": "a" * 40, "requested_revision": "main"}
    git = {"url": "https://github.com/huggingface/transformers", "vcs_info": commit}
    part = {"url": "https://example.org/r", "subdirectory": "python/x", "vcs_info": commit}
    dist(tmp_path, "transformers", "5.25.0.dev0", direct_url=git, REQUESTED="")
    dist(tmp_path, "part", "1", direct_url=part)
    dist(tmp_path, "archive", "1", direct_url={"url": "https://example.org/a.zip", "archive_info": {}})
    dist(tmp_path, "hfci", "0.1.0", direct_url={"url": "file:///somewhere", "dir_info": {}})
    dist(tmp_path, "timm", "1.0.20", REQUESTED="")
    dist(tmp_path, "idna", "3.1")
    dist(tmp_path, "torch", "2.13.0+cpu", tag=native)
    dist(tmp_path, "torchvision", "0.28.0+cpu", tag=native, REQUESTED="")
    dist(tmp_path, "numpy", "2.3.0", tag=native)
    dist(tmp_path, "nvidia-nccl", "2.29", tag="py3-none-manylinux_2_18_x86_64")
    freeze = run_path(str(ACTION / "freeze.py"))["freeze"]
    assert freeze(distributions(path=[str(tmp_path)])) == [
        "archive @ https://example.org/a.zip",
        "idna==3.1",
        f"part @ git+https://example.org/r@{'a' * 40}#subdirectory=python/x",
        "timm==1.0.20",
        "torch==2.13.0",
        "torchvision==0.28.0",
        f"transformers @ git+https://github.com/huggingface/transformers@{'a' * 40}",
    ]
