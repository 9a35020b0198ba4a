"""A run that measures writes what it measured into the record of the case, whose own seconds have no part in it."""

from __future__ import annotations

from pathlib import Path

from hfci.cases.measured import BREAKS
from hfci.cases.reading import find_parts, read_records
from hfci.testing.folders import GENERATED

from .support import by_check, read_lines, run_pytest

BERT = Path(__file__).parents[2] / GENERATED / "text_encoder" / "test_bert.py"


def test_the_case_of_a_forward_bears_what_was_measured(tmp_path: Path) -> None:
    (tmp_path / "test_bert.py").write_text(BERT.read_text(encoding="utf-8"), encoding="utf-8")
    done = run_pytest(tmp_path, "-q", "-k", "forward_is_finite or builds_tiny", "--hfci-measure")
    assert done.returncode == 0, done.stdout + done.stderr
    records = by_check(read_lines(tmp_path / "out")[1])
    assert records["bert.builds_tiny"]["measured"] is None
    ((part,), _) = find_parts([tmp_path / "out"])
    (found,) = [record for _, record in read_records(part.path) if record is not None and record.measured is not None]
    assert found.check == "forward_is_finite"
    assert found.measured is not None
    assert [speed.name for speed in found.measured.speeds] == ["forward"]
    assert found.measured.graphs is not None
    assert found.measured.graphs.counts[BREAKS] == 0
