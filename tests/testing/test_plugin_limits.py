"""What the plugin leaves alone, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hfci.cases.case import case_from_marker
from hfci.errors import UsageError

from .support import read_lines, run_pytest, write_test

FIELDS = {"model_type": "a", "architecture": "A", "family": "f", "tier": "smoke"}
PASSES = "def test_passes():\n    assert True\n"


def test_other_peoples_tests_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import os, socket, sys, pytest\n"
        "def test_nothing_is_imported():\n"
        "    assert not {'torch', 'transformers', 'hfci.tiny'} & set(sys.modules)\n"
        "    assert 'HF_HUB_OFFLINE' not in os.environ\n"
        "def test_skips():\n"
        "    pytest.skip('its own business')\n"
    )
    done = run_pytest(tmp_path, is_warm=False)
    assert "1 passed, 1 skipped" in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("fields", "positional", "said"),
    [
        ({**FIELDS, "taks": "x"}, (), "Did you mean task"),
        ({**FIELDS, "architecture": ""}, (), "architecture must be a non-empty string"),
        ({**FIELDS, "requires": "timm"}, (), "requires must be a tuple"),
        ({"model_type": "a", "tier": "smoke"}, (), "lacks architecture, family"),
        ({}, ("a",), "keyword arguments only"),
    ],
)
def test_wrong_markers(fields: dict[str, Any], positional: tuple[Any, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        case_from_marker(fields, positional, {}, check="x", device="cpu")


def test_unknown_axis() -> None:
    with pytest.raises(UsageError, match="no axis 'size'"):
        case_from_marker(FIELDS, (), {"size": "3"}, check="x", device="cpu")


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        write_test(tmp_path, name, PASSES)
    return tmp_path


def test_wrong_marker_fails_its_file_only(marked: Path) -> None:
    (marked / "test_wrong.py").write_text(f"import pytest\n@pytest.mark.hfci(model_type='x')\n{PASSES}")
    done = run_pytest(marked, "--continue-on-collection-errors")
    assert done.returncode == 1
    assert "the hfci marker lacks architecture, family, tier" in done.stdout
    assert "3 passed, 1 error" in done.stdout


def test_two_tests_of_one_case_are_refused(marked: Path) -> None:
    write_test(marked, "a2", PASSES)
    text = (marked / "test_a2.py").read_text().replace('"a2', '"a')
    (marked / "test_a2.py").write_text(text)
    done = run_pytest(marked)
    assert done.returncode == 4
    assert "two tests of a/aModel/passes[device=cpu]" in done.stderr


@pytest.mark.parametrize("device", ["cuda:99", "warp"])
def test_a_device_that_is_not_there(marked: Path, device: str) -> None:
    done = run_pytest(marked, "--hfci-device", device)
    assert done.returncode == 4
    assert device in done.stdout
    assert "passed" not in done.stdout


def test_a_broken_package_is_named_once(marked: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    broken = tmp_path_factory.mktemp("broken")
    (broken / "safetensors").mkdir()
    (broken / "safetensors" / "__init__.py").write_text("raise RuntimeError('built for another torch')")
    done = run_pytest(marked, "-n", "2", "--dist", "loadfile", PYTHONPATH=str(broken))
    assert done.returncode == 4, done.stdout
    text = done.stdout + done.stderr
    assert text.count("pip install --upgrade --force-reinstall safetensors") == 1, text
    assert "ERROR test_" not in text


UNWRITABLE = """
def test_says_what_no_file_takes():
    print("printed \\udc80")
    assert False, "raised \\udc80"

def test_after():
    assert True
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1", "--dist", "loadfile")])
def test_what_cannot_be_encoded_costs_nothing(tmp_path: Path, workers: tuple[str, ...]) -> None:
    write_test(tmp_path, "surrogate", UNWRITABLE)
    done = run_pytest(tmp_path, *workers, PYTHONIOENCODING="utf-8:backslashreplace")
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed" in done.stdout
    _, lines = read_lines(tmp_path / "out")
    assert [line["outcome"] for line in lines] == ["failed", "passed"]
    assert lines[0]["error"]["message"].startswith("raised \\udc80")
