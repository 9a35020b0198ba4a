"""Plain pytest chooses among generated tests by what their markers say: axes of the case, and packages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hfci.testing.folders import GENERATED

from .support import run_pytest

GENERATED_HERE = Path(__file__).parents[2] / GENERATED
FILES = (
    "text_encoder/test_bert.py",
    "text_encoder/test_bert_deep.py",
    "segmentation/test_edgetam.py",
    "time_series/test_patchtst_deep.py",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("chosen")
    for file in FILES:
        shutil.copy(GENERATED_HERE / file, made)
    return made


def _chosen(folder: Path, expression: str) -> set[str]:
    done = run_pytest(folder, "--collect-only", "-q", "--strict-markers", "-m", expression)
    assert done.returncode == 0, done.stdout + done.stderr
    return {line for line in done.stdout.splitlines() if "::" in line}


@pytest.fixture(scope="module")
def every(folder: Path) -> set[str]:
    return _chosen(folder, "hfci_case")


def test_cases_are_chosen_by_their_axes(folder: Path, every: set[str]) -> None:
    smoke = {test for test in every if test.startswith("test_bert.py")}
    exported = {test for test in every if "BertForMaskedLM" in test and "dynamo" in test}
    one_export = "hfci_case(architecture='BertForMaskedLM', tier='deep', backend='dynamo')"
    chosen = _chosen(folder, f"hfci_case(model_type='bert', tier='smoke', device='cpu') or {one_export}")
    assert chosen == smoke | exported
    assert smoke
    assert exported


def test_cases_are_chosen_by_the_packages_that_they_need(folder: Path, every: set[str]) -> None:
    timm = {test for test in every if "edgetam" in test}  # needed by the architecture
    torchao = {test for test in every if "quantised_load_stays_close" in test}  # needed by the check
    assert timm
    assert torchao
    assert _chosen(folder, "not needs_package") == every - timm - torchao
    assert _chosen(folder, "needs_package(name='timm')") == timm
