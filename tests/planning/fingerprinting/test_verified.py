"""What is known of tiny models is forgotten where anything has changed that they may be made of, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hfci.cases.manifest import MANIFEST, load_manifest
from hfci.generation import generate
from hfci.planning.fingerprinting.verified import FILE, forget_changed, remember_verified
from tests.releases import release
from tests.warm import COLD

LLAMA = "models/llama/modeling_llama.py"
SHARED = "models/auto/modeling_auto.py"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A folder in which two composites and two others were built, as the bytes of its files."""
    folder = tmp_path_factory.mktemp("built")
    generate(["llava", "vit", "encoder-decoder", "llama"], folder, progress=False)
    remember_verified(folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(built: dict[str, bytes], tmp_path: Path) -> Path:
    for name, content in built.items():
        (tmp_path / "check" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "check" / name).write_bytes(content)
    return tmp_path / "check"


def known(folder: Path) -> set[str]:
    """Return the model types all of whose architectures are known."""
    rows = [row for row in load_manifest(folder / MANIFEST).model_types if row.cases]
    return {row.model_type for row in rows if all(found.was_built for found in row.architectures)}


def forget(folder: Path, changes: dict[str, Callable[[str], str]]) -> None:
    """Forget what has changed, where another transformers is imported."""
    code = "import sys, pathlib; from hfci.planning.fingerprinting.verified import forget_changed as f; "
    done = subprocess.run(
        [COLD, "-c", code + "f(pathlib.Path(sys.argv[1]))", str(folder)],
        env={**os.environ, **release(folder.parent / "release", changes)},
        cwd=folder.parent,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


EVERYTHING = {"llava", "vit", "encoder-decoder", "llama"}


def test_where_nothing_has_changed_nothing_is_forgotten(folder: Path) -> None:
    before = load_manifest(folder / MANIFEST)
    forget_changed(folder)
    assert load_manifest(folder / MANIFEST) == before
    assert known(folder) == EVERYTHING


def test_a_composite_is_forgotten_with_its_part(folder: Path) -> None:
    forget(folder, {LLAMA: lambda text: text + "\nCHANGED = True\n"})
    assert known(folder) == {"vit", "encoder-decoder"}
    row = load_manifest(folder / MANIFEST)["llava"]
    assert not any(found.modules or found.parts or found.parameters for found in row.architectures)


def test_what_everything_needs_is_a_reason_to_forget_everything(folder: Path) -> None:
    forget(folder, {SHARED: lambda text: text + "\nCHANGED = True\n"})
    assert known(folder) == set()


@pytest.mark.parametrize("kept", [None, "{", '{"hfci": "another", "fingerprints": []}'])
def test_what_cannot_be_known_to_be_the_same_is_forgotten(folder: Path, kept: str | None) -> None:
    (folder / FILE).unlink()
    if kept is not None:
        (folder / FILE).write_text(kept)
    forget_changed(folder)
    assert known(folder) == set()


def test_what_another_hfci_has_found_out_is_forgotten(folder: Path) -> None:
    content = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps({**content, "hfci": "another"}))
    forget_changed(folder)
    assert known(folder) == set()
