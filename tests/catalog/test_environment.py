"""Environments that are unfit, made of real package metadata on the path."""

from __future__ import annotations

import gc
import os
import subprocess
from pathlib import Path

import msgspec
import packaging
import pytest

import hfci
from hfci.catalog.environment import Misfit, check_environment, check_system, find_misfits, import_libraries
from hfci.errors import EnvironmentUnfit
from tests.warm import COLD


def hfci_command(*arguments: str, path: Path, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COLD, *flags, "-m", "hfci", *arguments],
        env={**os.environ, "PYTHONPATH": str(path)},
        cwd=path,
        capture_output=True,
        text=True,
        check=False,
    )


def install(folder: Path, name: str, version: str, *requires: str) -> None:
    """Write the metadata of an installed package."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    lines = [f"Requires-Dist: {line}" for line in requires]
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, ""])
    (info / "METADATA").write_text(text, encoding="utf-8")


def test_this_environment_is_fit() -> None:
    check_environment()


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_systems_that_it_runs_on(platform: str) -> None:
    check_system(platform)


def test_windows_is_told_where_it_runs_there() -> None:
    with pytest.raises(EnvironmentUnfit, match="on Windows it runs in WSL"):
        check_system("win32")


@pytest.mark.parametrize("command", ["run", "doctor", "catalog", "generate", "validate"])
def test_without_torch_and_transformers(tmp_path: Path, command: str) -> None:
    for package in (hfci, packaging, msgspec):  # what is imported before anything is asked for
        source = Path(package.__file__).parent
        (tmp_path / source.name).symlink_to(source)
    done = hfci_command(command, path=tmp_path, flags=("-S",))  # without this environment's packages
    assert done.returncode == 4, done.stderr
    assert done.stderr == "hfci: torch and transformers not installed: pip install torch transformers\n"


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_a_companion_for_another_torch_is_named_with_its_mend(tmp_path: Path, command: str) -> None:
    install(tmp_path, "torchvision", "0.1", "torch==1.0.0", "numpy", 'nothing==1; extra == "all"')
    done = hfci_command(command, path=tmp_path)
    assert done.returncode == 4, done.stdout
    assert done.stderr.count("torchvision 0.1 needs torch==1.0.0, but torch ") == 1
    assert "pip install --upgrade torchvision 'torch==" in done.stderr


def test_the_version_of_transformers_is_that_of_what_is_imported(tmp_path: Path) -> None:
    (tmp_path / "transformers").mkdir()
    (tmp_path / "transformers" / "__init__.py").write_text('__version__ = "5.99.0.dev0"\n')
    install(tmp_path, "peft", "0.1", "transformers<5.50")
    done = hfci_command("run", path=tmp_path)
    assert done.returncode == 4, done.stdout
    assert "peft 0.1 needs transformers<5.50, but transformers 5.99.0.dev0 is installed" in done.stderr


def test_a_run_does_not_mind_what_transformers_does_not_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "somebodys-tool", "1.0", "transformers<1")
    monkeypatch.syspath_prepend(tmp_path)
    check_environment()
    assert [misfit.package for misfit in find_misfits()] == ["somebodys-tool"]


def test_mend_leaves_out_the_local_version() -> None:
    misfit = Misfit("torchaudio", "1", "torch==1.0", "torch 2.13.0+cpu")
    assert misfit.mend == "pip install --upgrade torchaudio 'torch==2.13.0'"


def test_a_package_that_breaks_the_import_is_named(tmp_path: Path) -> None:
    (tmp_path / "safetensors").mkdir()
    (tmp_path / "safetensors" / "__init__.py").write_text("raise RuntimeError('made for another torch')")
    done = hfci_command("doctor", path=tmp_path)
    assert done.returncode == 4
    assert "safetensors is missing or broken (RuntimeError: made for another torch)" in done.stderr
    assert done.stderr.count("safetensors is missing") == 1


@pytest.mark.parametrize("then", ["raise AttributeError('half a module')", "pass"])
def test_an_interruption_that_a_package_swallows_is_none_of_its_faults(tmp_path: Path, then: str) -> None:
    (tmp_path / "numpy.py").write_text(
        f"import os, signal\ntry: os.kill(os.getpid(), signal.SIGTERM)\nexcept BaseException: pass\n{then}\n"
    )
    code = "from hfci.catalog.environment import import_libraries; from hfci.interruption import interruptible"
    main = f"{code}\nwith interruptible():\n try: import_libraries()\n except KeyboardInterrupt: print('interrupted')"
    done = subprocess.run(
        [COLD, "-c", main],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "interrupted\n", done.stderr


def test_the_libraries_import_and_garbage_is_collected_after_it() -> None:
    import_libraries()
    assert gc.isenabled()
