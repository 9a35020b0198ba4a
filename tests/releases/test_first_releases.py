"""The first releases cover what is installed, and agree with it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from packaging.version import Version
from transformers import __version__

from hfci.catalog.registries import model_type_names
from hfci.origin import find_transformers
from hfci.preflight.size import _mend
from hfci.releases.first_releases import first_release, read_first_releases
from tests.first_releases import FOLDER, model_types

INSTALLED = Version(__version__)


def test_the_installed_release_is_known_and_has_what_is_said_of_it() -> None:
    rows = read_first_releases().release
    versions = [row.version for row in rows]
    assert versions == sorted(versions)
    assert versions[-1].release[:2] >= INSTALLED.release[:2]
    newest = next(row for row in rows if row.version.release[:2] == INSTALLED.release[:2])
    assert {*newest.model_types} <= {*model_type_names()}
    listed = [name for row in rows for name in row.model_types]
    assert len(listed) == len({*listed})


def test_a_wheel_is_read_whole_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        for name in ("auto_mappings.py", "configuration_auto.py"):
            wheel.write(find_transformers() / "models" / "auto" / name, FOLDER + name)
    assert {*model_types(tmp_path / "a.whl")} == {*model_type_names()}  # those that are added to the table, too


def test_the_first_release_of_a_model_type_is_told() -> None:
    assert first_release("dory") == "5.24.0"
    assert first_release("llama") is None
    assert "since 5.24.0: run `pip install 'transformers>=5.24.0'`" in _mend("dory", is_remote=True)
    assert "trust_remote_code" in _mend("own", is_remote=True)
    assert "Check the model_type" in _mend("lama", is_remote=False)
