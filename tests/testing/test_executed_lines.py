"""What a run measures of its modelling files, against sys.settrace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from hfci.cases.executed_lines import ExecutedLines, read_executed_lines
from hfci.testing.folders import GENERATED
from hfci.tiny import build_tiny
from tests.warm import COLD

from .support import environment, read_lines

BERT = Path(__file__).parents[2] / GENERATED / "text_encoder" / "test_bert.py"


def traced_lines() -> set[int]:
    """Return the lines that a forward executes of BertModel's own, as Python tells them."""
    tiny, lines = build_tiny("bert", "BertModel"), set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_qualname != "BertModel.forward":
            return None
        if event == "line":
            lines.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        tiny.forward()
    finally:
        sys.settrace(before)
    return lines


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [COLD, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> ExecutedLines:
    folder = tmp_path_factory.mktemp("lines")
    (folder / "test_bert.py").write_text(BERT.read_text(encoding="utf-8"), encoding="utf-8")
    arguments = ("-k", "forward_is_finite", "--hfci-executed-lines", "--hfci-results", "out")
    done = run(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    header, _ = read_lines(folder / "out")
    (line,) = read_executed_lines([folder / "out"], [header["run"]])
    return line


def test_the_lines_of_a_forward_are_those_that_python_says_it_executes(measured: ExecutedLines) -> None:
    assert (measured.model_type, measured.file) == ("bert", "models/bert/modeling_bert.py")
    executed = set(measured.functions["BertModel.forward"].executed)
    traced = traced_lines()
    assert executed <= traced  # Python tells every line of a statement, coverage.py its first
    assert min(traced) in executed


def test_what_no_case_entered_is_missing_and_not_absent(measured: ExecutedLines) -> None:
    head = measured.functions["BertForMaskedLM.forward"]
    assert head.executed == ()
    assert len(head.missing) > 3


def test_without_a_place_for_them_the_option_is_wrong_use(tmp_path: Path) -> None:
    done = run(tmp_path, "--hfci-executed-lines")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--hfci-executed-lines needs --hfci-results" in done.stderr
