"""What a parameter of a test says of its case: the check, and the dtype in which its tiny model is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import read_lines, run_pytest

TEST = """
import pytest

from hfci import checks

pytestmark = pytest.mark.hfci(model_type="bert", architecture="BertModel", family="text_encoder", tier="smoke"{more})


@pytest.mark.parametrize("check", ["builds_tiny", "builds_tiny[dtype=bfloat16]"])
def test_invariant(tiny, check):
    assert str(tiny.model.dtype) == ("torch.bfloat16" if "[" in check else "torch.float32")
    checks.assert_holds(tiny, check)
"""


def test_each_dtype_has_a_tiny_model_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_axes.py").write_text(TEST.format(more=""), encoding="utf-8")
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
    found = {record["case"]: record for record in read_lines(tmp_path / "out")[1]}
    assert found.keys() == {
        "bert/BertModel/builds_tiny[device=cpu]",
        "bert/BertModel/builds_tiny[device=cpu,dtype=bfloat16]",
    }
    assert {record["dtype"] for record in found.values()} == {"float32", "bfloat16"}


@pytest.mark.parametrize(
    ("more", "old", "new", "said"),
    [
        (', dtype="float32"', "", "", "both say dtype"),
        ("", "builds_tiny[dtype=bfloat16]", "builds_tiny[colour=red]", "no axis 'colour'"),
        ("", "builds_tiny[dtype=bfloat16]", "builds_tiny[dtype", "is no check"),
    ],
)
def test_a_wrong_axis_is_an_error_of_its_file(tmp_path: Path, more: str, old: str, new: str, said: str) -> None:
    (tmp_path / "test_axes.py").write_text(TEST.format(more=more).replace(old, new), encoding="utf-8")
    done = run_pytest(tmp_path)
    assert done.returncode not in (0, 1, 5), done.stdout
    assert said in done.stdout
