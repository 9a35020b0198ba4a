"""The table of the functional tier: what it counts, of which records, and what it says of none."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hfci.cases.manifest import MANIFEST, load_manifest
from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.checks.table import CHECKS

from .breakages import BREAKAGES
from .breaking import ROOT
from .tier_page import ended, main, page


def record(case: str, outcome: Outcome, check: str | None = "rope_types_agree") -> Record:
    about = {"model_type": "bert", "architecture": "BertModel", "family": "text_encoder", "task": None}
    return Record(case=case, check=check, tier="functional", outcome=outcome, **about)


def test_of_a_case_the_last_record_counts_and_a_row_without_a_test_does_not() -> None:
    records = [
        record("a", Outcome.FAILED),
        record("b", Outcome.PASSED, "rope_types_agree[dtype=bfloat16]"),
        record("a", Outcome.PASSED),
        record("c", Outcome.UNAVAILABLE, "config_roundtrip"),
        record("d", Outcome.UNAVAILABLE, None),
    ]
    assert ended(records) == {
        "rope_types_agree": {Outcome.PASSED: 2},
        "config_roundtrip": {Outcome.UNAVAILABLE: 1},
    }


def test_shares_and_counts_are_those_of_the_records_and_of_the_manifest() -> None:
    manifest = load_manifest(ROOT / "generated" / MANIFEST)
    outcomes = [Outcome.PASSED] * 6 + [Outcome.KNOWN_FAILURE] + [Outcome.FAILED] + [Outcome.UNAVAILABLE] * 2
    counts = ended(record(f"{number}", outcome) for number, outcome in enumerate(outcomes))
    first, *_, row = page(counts, manifest).splitlines()
    assert first == "10 cases: 8 ran, of which 6 passed, 75.0%, and 60.0% of the 10 that apply."
    _, check, asked, seen, *told, broken, excluded, rule, _ = [cell.strip() for cell in row.split("|")]
    assert check == "`rope_types_agree`"
    assert told == ["6", "1", "1", "2", "0"]
    assert int(broken) == sum(breakage.check == "rope_types_agree" for breakage in BREAKAGES)
    cases = [(row.model_type, case.architecture, case.checks) for row in manifest.model_types for case in row.cases]
    named = {(name, one) for name, one, checks in cases if any("rope_types_agree" in check for check in checks)}
    assert int(asked) == len(named)
    assert 0 < int(seen) < int(excluded)
    assert rule == CHECKS["rope_types_agree"].excluded


@pytest.mark.parametrize("lines", [None, "", "no JSON\n", "{}\n"])
def test_where_there_is_no_record_it_ends_with_1(
    lines: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if lines is not None:
        (tmp_path / "records-x.jsonl").write_text(lines)
    assert main([str(tmp_path)]) == 1
    assert "no record of a check is there" in capsys.readouterr().err


def test_a_line_that_is_no_record_is_told(tmp_path: Path) -> None:
    (tmp_path / "records-x.jsonl").write_bytes(b"{}\n" + msgspec.json.encode({"case": 1}) + b"\n")
    with pytest.raises(Exception, match="is no record of schema"):
        main([str(tmp_path)])
