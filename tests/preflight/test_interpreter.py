"""The stages run in the interpreter that is named: that of an environment of its own, with what is installed there."""

from __future__ import annotations

import re
import venv
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from hfci import __version__
from hfci.cli import main
from hfci.preflight.configuration import Request
from hfci.preflight.result import Result
from hfci.preflight.running import preflight
from tests.preflight.conftest import failure


def needed(*names: str) -> set[str]:
    """Return the packages that those named need, themselves among them, as they are installed here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # for another system
            continue
        found.add(name)
        rows = map(Requirement, requires)
        waiting += [row.name for row in rows if row.marker is None or row.marker.evaluate({"extra": ""})]
    return found


def environment(folder: Path, packages: set[str]) -> str:
    """Return the interpreter of a new virtual environment in `folder`, in which just these packages are installed."""
    venv.EnvBuilder(symlinks=True).create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    for package in packages:
        distribution = metadata.distribution(package)
        for name in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not (site / name).exists():
                (site / name).symlink_to(str(distribution.locate_file(name)))
    return str(folder / "bin" / "python")


def asked(model: Path, python: str, until: str = "size") -> Result:
    return preflight(Request(model=str(model)), until=until, python=python)


@pytest.mark.usefixtures("hub")
def test_beside_transformers_hfci_needs_msgspec_alone(llama: Path, tmp_path: Path) -> None:
    """As docs/preflight.md has it installed where the evaluation is: without pytest, and the rest of a test run."""
    packages = needed("transformers", "torch", "msgspec") | {"hfci"}
    assert not {"pytest", "pytest-xdist", "ruff", "coverage"} & packages
    python = environment(tmp_path / "there", packages)
    result = asked(llama, python, until="report")
    assert result.failures == ()
    assert result.python == python
    assert result.found.hello is not None
    assert result.found.configuration is not None
    there = result.found.configuration.versions
    assert there["torch"] == metadata.version("torch")
    assert "accelerate" not in there
    assert metadata.version("accelerate")


@pytest.mark.parametrize(
    ("packages", "lacking", "stage"),
    [
        (set(), "hfci", "configuration"),
        ({"hfci"}, "msgspec", "configuration"),
        pytest.param(needed("transformers", "msgspec") | {"hfci"}, "torch", "size", id="torch"),
    ],
)
def test_a_package_that_is_not_there_is_named(
    llama: Path, tmp_path: Path, packages: set[str], lacking: str, stage: str
) -> None:
    diagnosis = failure(asked(llama, environment(tmp_path / "there", packages)), stage)
    assert (diagnosis.code, diagnosis.facts["package"], diagnosis.exit_code) == ("package_missing", lacking, 4)


def test_another_hfci_is_not_spoken_to(llama: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "there", set())
    (site,) = (tmp_path / "there").glob("lib/python*/site-packages")
    (site / "hfci").mkdir()
    (site / "hfci" / "__init__.py").write_text('__version__ = "0.0.1"\n', encoding="utf-8")
    diagnosis = failure(asked(llama, python), "configuration")
    assert diagnosis.code == "package_missing"
    assert diagnosis.facts["package"] == f"hfci=={__version__}"


@pytest.mark.parametrize("name", ["no-such-python", "."])
def test_what_is_no_interpreter_is_wrong_use(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["preflight", "model", "--python", str(tmp_path / name), "--out", str(tmp_path)]
    assert main(asked) == 2
    assert "is no interpreter that can be run" in capsys.readouterr().err
