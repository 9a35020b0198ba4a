"""Fixes are what they say: each can be undone on the pinned transformers, and its model types have tests."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from hfci.cases.manifest import MANIFEST, load_manifest
from hfci.errors import UsageError

from .fixes import FIXES, Fix, read_fixes, with_tests
from .trials import ROOT

ROW = """
[[fix]]
release = "5.18.0"
file = "models/llama/modeling_llama.py"
model_types = ["llama"]
kind = "rope"
fault = "halves are not swapped"
old = "return torch.cat((-x2, x1), dim=-1)"
new = "return torch.cat((x1, x2), dim=-1)"
"""


@pytest.fixture(scope="module")
def known() -> set[str]:
    return with_tests(load_manifest(ROOT / "generated" / MANIFEST))


@pytest.fixture(scope="module")
def fixes(known: set[str]) -> tuple[Fix, ...]:
    return read_fixes(known)


def _read(folder: Path, text: str) -> tuple[Fix, ...]:
    path = folder / "fixes.toml"
    path.write_text(text, encoding="utf-8")
    return read_fixes({"llama", "mistral"}, path)


def test_each_is_undone_on_the_pinned_transformers_and_leaves_another_program(fixes: tuple[Fix, ...]) -> None:
    programs = {path: ast.dump(ast.parse(path.read_text(encoding="utf-8"))) for path in {fix.path for fix in fixes}}
    assert [str(fix) for fix in fixes if ast.dump(ast.parse(fix.applied())) == programs[fix.path]] == []


def test_there_are_many_in_many_model_types_and_releases_and_none_twice(fixes: tuple[Fix, ...]) -> None:
    assert len(fixes) >= 60
    assert len({name for fix in fixes for name in fix.model_types}) >= 40
    assert len({fix.release for fix in fixes}) == 8
    assert max(len(fix.model_types) for fix in fixes) <= 3
    assert [places for places, count in Counter((fix.file, fix.old) for fix in fixes).items() if count > 1] == []


def test_copies_of_a_fix_are_three_at_most(fixes: tuple[Fix, ...]) -> None:
    copies = Counter((fix.release, fix.fault) for fix in fixes)
    assert [copy for copy, count in copies.items() if count > 3] == []


def test_a_row_is_read_and_undone(tmp_path: Path) -> None:
    (fix,) = _read(tmp_path, ROW)
    assert str(fix) == "models/llama/modeling_llama.py, mended in 5.18.0: halves are not swapped"
    assert fix.new in fix.applied()
    assert fix.old not in fix.applied()


@pytest.mark.parametrize(
    ("old", "times"), [("no such text", 0), ("import", None), ("return torch.cat((-x2, x1), dim=-1)\nnot", 0)]
)
def test_a_text_that_does_not_stand_once_is_an_error_that_names_the_row(
    tmp_path: Path, old: str, times: int | None
) -> None:
    (fix,) = _read(tmp_path, ROW.replace('"return torch.cat((-x2, x1), dim=-1)"', f"'''{old}'''"))
    count = fix.path.read_text(encoding="utf-8").count(old) if times is None else times
    assert count != 1
    with pytest.raises(UsageError, match=rf"modeling_llama\.py, mended in 5\.18\.0: .* stands {count} times"):
        fix.applied()


def test_a_file_that_is_not_there_is_an_error_that_names_the_row(tmp_path: Path) -> None:
    (fix,) = _read(tmp_path, ROW.replace("modeling_llama.py", "modeling_lama.py"))
    with pytest.raises(UsageError, match=r"modeling_lama\.py, mended in .*No such file"):
        fix.applied()


@pytest.mark.parametrize(
    "file", ["../os.py", "/etc/passwd", "models/../../os.py", "C:/os.py", "models\\\\llama.py", ""]
)
def test_a_file_outside_the_package_is_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(UsageError, match=r"fix\[0\] \(halves are not swapped\).*file must be a path within the folder"):
        _read(tmp_path, ROW.replace("models/llama/modeling_llama.py", file))


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('"llama"', '"lama"', r"no functional tests of 'lama'\. Did you mean llama\?"),
        ('["llama"]', "[]", "model_types must be a list of names"),
        ('"rope"', '"rop"', r"kind.*rope"),
        ('"5.18.0"', '"next"', "release must be a version"),
        ('"5.18.0"', '"99.0"', r"transformers [0-9.]+ is older"),
        ("old = ", "odl = ", "unknown key 'odl'.*old"),
        ('"return torch.cat((-x2, x1), dim=-1)"', '""', "old must be a text that is not empty"),
        ('"return torch.cat((x1, x2), dim=-1)"', '"return torch.cat((-x2, x1), dim=-1)"', "undone it is the same"),
        ("halves are not swapped", " ", "fault must be a text with something in it"),
        ("[[fix]]", "[[fix]", "cannot read the fixes"),
        ("[[fix]]", "[[fixes]]", "unknown key|lacks"),
    ],
)
def test_a_row_that_is_wrong_is_an_error_that_says_what(tmp_path: Path, old: str, new: str, error: str) -> None:
    text = ROW.replace(old, new)
    assert text != ROW
    with pytest.raises(UsageError, match=error):
        _read(tmp_path, text)


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the fixes"):
        read_fixes({"llama"}, tmp_path / FIXES.name)
