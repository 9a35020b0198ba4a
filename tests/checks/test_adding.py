"""Adding a check is a function, a row, its breakages and whom it is seen to be meant for: nothing else is touched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hfci.cases.reading import find_parts, read_records

from .breaking import ROOT

FUNCTION = '''

def outputs_are_small(tiny: TinyModel) -> None:
    """Assert that no output is larger than a million."""
    for name, tensor in floating(outputs_of(tiny)).items():
        if float(tensor.abs().max()) > {limit}:
            raise AssertionError(f"{{name}} is too large")
'''
OF_A_MODEL_TYPE = '''

def has_a_tokenizer(tiny: TinyModel) -> None:
    """Assert that its model type has a tokenizer, and its model room for its tokens."""
    if tiny.processors.tokenizer is None or tiny.config.vocab_size != 512:
        raise AssertionError(f"{tiny.config.vocab_size} tokens, {tiny.processors}")


def is_told_its_task(tiny: TinyModel, task: str) -> None:
    """Assert that it is told a task."""
    if task not in ("fill-mask", "token-classification"):
        raise AssertionError(f"the task is {task}")
'''
ROWS = """
[[check]]
name = "has_a_tokenizer"
theme = "forward"
tiers = ["functional"]
invariant = "its model type has a tokenizer"
subject = "model_type"
any = ["processor:tokenizer"]
excluded = "it has no tokenizer"
needs = ["processor"]

[[check]]
name = "is_told_its_task"
theme = "forward"
tiers = ["functional"]
invariant = "it is told each task that it can serve"
axes = { task = ["fill-mask", "token-classification"] }
"""
ROW = """
[[check]]
name = "outputs_are_small"
theme = "forward"
tiers = ["smoke", "functional"]
invariant = "no output is larger than a million"
needs = ["forward"]
none = ["input:image"]
excluded = "an image is as large as it is"
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Copy hfci, and add to it what CONTRIBUTING says."""
    for name in ("hfci", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
    shutil.copytree(ROOT / "templates" / "report", tmp_path / "templates" / "report", dirs_exist_ok=True)
    add(tmp_path, limit="1e6")
    return tmp_path


def add(package: Path, limit: str) -> None:
    source = ROOT / "hfci" / "checks" / "forward.py"
    (package / "hfci" / "checks" / "forward.py").write_text(source.read_text() + FUNCTION.format(limit=limit))
    table = ROOT / "hfci" / "checks" / "data" / "checks.toml"
    (package / "hfci" / "checks" / "data" / "checks.toml").write_text(table.read_text() + ROW)


def outcomes(package: Path, *arguments: str) -> dict[str, str]:
    results = package / "out"
    shutil.rmtree(results, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "hfci", "run", *arguments, "--results", str(results)],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    (part,) = find_parts([results])[0]
    return {record.case: record.outcome.value for _, record in read_records(part.path) if record is not None}


def test_what_is_added_is_asked_of_whom_it_applies_to(package: Path) -> None:
    found = outcomes(package, "bert", "vit", "--tier", "functional", "--check", "outputs_are_small")
    assert len(found) == 8
    assert found["bert/BertForMaskedLM/outputs_are_small[device=cpu]"] == "passed"
    manifest = next((package / ".hfci").glob("generated*/manifest.json")).read_text()
    assert re.search(r'"name": "ViTModel"[^}]*"excluded": \[[^\]]*"outputs_are_small"', manifest)
    add(package, limit="0.0")
    assert outcomes(package, "bert", "vit", "--check", "outputs_are_small") == {
        "bert/BertModel/outputs_are_small[device=cpu]": "failed"
    }


def test_a_model_type_as_a_whole_and_a_task_are_asked(package: Path) -> None:
    with (package / "hfci" / "checks" / "forward.py").open("a") as source:
        source.write(OF_A_MODEL_TYPE)
    with (package / "hfci" / "checks" / "data" / "checks.toml").open("a") as table:
        table.write(ROWS)
    names = ("has_a_tokenizer", "is_told_its_task")
    asked = [word for name in names for word in ("--check", name)]
    assert outcomes(package, "bert", "vit", "--tier", "functional", *asked) == {
        "bert/-/has_a_tokenizer[device=cpu]": "passed",
        "bert/BertForMaskedLM/is_told_its_task[task=fill-mask,device=cpu]": "passed",
        "bert/BertForTokenClassification/is_told_its_task[task=token-classification,device=cpu]": "passed",
    }
    reproduced = outcomes(package, "bert", "--tier", "functional", "--check", "is_told_its_task[task=fill-mask]")
    assert reproduced == {"bert/BertForMaskedLM/is_told_its_task[task=fill-mask,device=cpu]": "passed"}
    manifest = next((package / ".hfci").glob("generated*/manifest.json")).read_text()
    assert re.search(r'"name": "ViTModel"[^}]*"excluded": \[[^\]]*"has_a_tokenizer"', manifest)


def test_contributing_names_these_and_no_other_file() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (steps,) = re.findall(r"## Add a check\n(.*?)\n## ", text, re.DOTALL)
    assert re.findall(r"`([\w/.]+/[\w.]*)`", steps) == [
        "hfci/checks/",
        "hfci/checks/data/checks.toml",
        "tests/checks/breakages.py",
        "tests/checks/seen.py",
    ]
