"""`[tool.hfci]` in pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfci.configuration import load_configuration
from hfci.errors import UsageError


def written(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_nearest_file_counts_and_paths_are_relative_to_it(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    written(tmp_path, '[tool.hfci]\nledger = "known/ledger.toml"\n')
    assert load_configuration(below).ledger == tmp_path / "known" / "ledger.toml"
    written(tmp_path / "a", "[project]\n")
    assert load_configuration(below).ledger is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[tool.hfci]\nledgr = "x"', "Did you mean ledger?"),
        ("[tool.hfci]\nledger = 3", "ledger must be a path"),
        ('[tool.hfci]\nledger = ""', "ledger must be a path"),
        ("[tool]\nhfci = 3", "must be a table"),
        ("[tool.hfci", "cannot read"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        load_configuration(written(tmp_path, text))
