"""Ten thousand causes, and one cause with 200,000 cases: bounded pages, in bounded time, and the right counts."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from hfci.cases.records import Error, Frame, Record
from hfci.results import Results, read_results, summarize
from hfci.results.annotations import annotate
from hfci.results.causes import group
from hfci.results.dashboard import write_dashboard
from hfci.results.formats.coverage_summary import coverage_summary
from hfci.results.history import History
from hfci.results.markdown import COMMENT_LIMIT, STEP_SUMMARY_LIMIT, render_summary
from hfci.results.wall import Board, write_wall

from .faults import failed
from .rendered import Rendered
from .support import save

# Seconds of the processor that all of it may take; measured: 5 and 35.
PATIENCE = 60.0


def results_of(folder: Path, count: int, causes: int) -> Results:
    """Return so many failures of so many causes."""
    one = failed("model", "size 3")
    assert one.error is not None
    records = []
    for number in range(count):
        frame = Frame("transformers/cache_utils.py", 1, "f", f"line {number % causes}")
        error = Error(one.error.type, f"size {number}", "", frame)
        name = f"model{number % 800}"
        records.append(
            Record(**{**msgspec.structs.asdict(one), "case": f"{name}/A/c{number}", "model_type": name, "error": error})
        )
    save(folder, "x", *records)
    return read_results([folder])


@pytest.mark.parametrize(("count", "causes"), [(10_000, 10_000), (200_000, 1)], ids=["ten thousand causes", "one"])
def test_pages_are_bounded_and_count_right(tmp_path: Path, count: int, causes: int) -> None:
    results = results_of(tmp_path / "records", count, causes)
    began = time.process_time()
    summary = summarize(results)
    found = group(summary.failures)
    assert [cause.count for cause in found] == [count // causes] * causes
    for limit in (COMMENT_LIMIT, STEP_SUMMARY_LIMIT):
        page = render_summary(summary, limit)
        assert len(page.encode()) <= limit
        assert Rendered(page).tables["Failures"][0][0] == f"{count // causes:,}"
    assert len(annotate(summary)) <= 10
    exported = coverage_summary(results, summary)
    assert len(exported.causes) + exported.causes_left_out == causes
    assert sum(cause.cases for cause in exported.causes) == count // causes * len(exported.causes)
    write_dashboard(tmp_path / "index.html", results, summary)
    with History.open(tmp_path / "history.db", create=True) as history:
        history.add(results)
        trends = history.trends(newest=results)
    assert sum(episode.cases for episode in trends.causes.values()) == count
    write_wall(tmp_path / "wall.html", [Board("x", trends, {})])
    assert (tmp_path / "wall.html").stat().st_size < 100_000
    assert time.process_time() - began < PATIENCE
