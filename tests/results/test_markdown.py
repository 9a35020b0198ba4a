"""The page, as GitHub's own renderer shows it: inert whatever it says, and never larger than GitHub takes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cmarkgfm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfci.cases.records import Error, Frame
from hfci.errors import EnvironmentUnfit
from hfci.results import read_results
from hfci.results.comparison import Shift, baseline_of, compare_results
from hfci.results.differences import Difference
from hfci.results.expiring import Expiring
from hfci.results.lost import Lost
from hfci.results.markdown import COMMENT_LIMIT, STEP_SUMMARY_LIMIT, append_summary, render_summary, write_summary
from hfci.results.sections import sections
from hfci.results.summary import Changed, Flaky, Summary, summarize
from hfci.results.tally import Failure
from hfci.results.text import clean

from .rendered import HOSTILE, LIVE, Rendered, hostile_texts
from .support import record, save

OWN_TAGS = {
    "h2",
    "h3",
    "p",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "code",
    "wbr",
    "details",
    "summary",
    "strong",
    "a",
}

# The only links: to a line of transformers.
ADDRESS = re.compile(r"https://github\.com/[\w-]+/[\w.-]+/blob/[\w.]+/src/transformers/[\w/]+\.py#L\d+", re.ASCII)


def hostile_summary(text: Any) -> Summary:
    """Return a summary in which every text is what `text()` returns: of records, of headers, of a history."""
    with TemporaryDirectory() as folder:
        old, new = Path(folder) / "old", Path(folder) / "new"
        names = [f"m{i}" for i in range(6)]
        before = [record(name, "c", "passed") for name in names]
        save(old, "old", *before)
        error = Error(text(), text(), text(), Frame(text(), 3, text(), text()), text())
        ended = [
            record("m0", "c", "failed", error=error, stage=text(), reason=text(), reproduce=text(), family=text()),
            record("m1", "c", "not-run", reason=text(), tier=text()),
            record("m2", "c", "unavailable", reason=text(), worker=text()),
            record("m3", "c", "known-failure", reason=text(), worker=text(), duration_s=2.0),
            record(f"x{text()}", f"y{text()}", "failed", reproduce=text(), duration_s=1.0),
        ]
        head = {"commit": text(), "branch": text(), "started": text(), "runner": text(), "seed": 5}
        save(new, "new", *_distinct(ended), versions={text(): text(), "transformers": text()}, **head)
        results, baseline = read_results([new]), baseline_of(read_results([old]))
        summary = summarize(
            results, compare_results(results, replace(baseline, run=text(), started=text(), commit=text()))
        )
    dated = {"since": text(), "since_commit": text(), "runs": 3, "episode": text()}
    return replace(
        summary,
        regressions=tuple(replace(failure, **dated) for failure in summary.regressions),
        differences=(Difference(text(), text(), text()),),
        quarantined=(Failure(text(), "quarantined", text(), text(), text()),),
        fixed=(Changed(text(), "failed", "passed", text(), text()),),
        flaky=(Flaky(text()), Flaky(text(), 3, 2, text())),
        expiring=(Expiring(text(), "2027-01-01", 3, text(), text()),),
        lost=(Lost(text(), text()), Lost(text(), text(), text())),
        slower=(Shift(text(), "duration_s", 1.0, 4.0, text(), text(), text()),),
        heavier=(Shift(text(), "peak_memory_bytes", 2.0**30, 2.0**32),),
    )


def _distinct(records: list[Any]) -> list[Any]:
    return list({one.case: one for one in records}.values())


def check_inert(summary: Summary) -> Rendered:
    page = Rendered(render_summary(summary))
    assert page.tags <= OWN_TAGS
    assert all(name == "href" or (name, value) == ("align", "right") for name, value in page.attributes)
    assert all(ADDRESS.fullmatch(value or "") for name, value in page.attributes if name == "href")
    assert LIVE.search(page.plain) is None, page.plain
    assert page.headings[0].strip() == clean(summary.verdict)
    shown = [section for section in sections(summary) if section.title]
    assert page.headings[1:] == [section.title for section in shown]
    for section in shown:
        assert page.tables[section.title] == [list(row) for row in section.rows]
    return page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is_and_does_nothing(text: str) -> None:
    summary = hostile_summary(lambda: text)
    page = check_inert(summary)
    cells = {cell for rows in page.tables.values() for row in rows for cell in row}
    for failure in summary.failures:
        assert clean(failure.case) in cells
    assert {clean(shift.case) for shift in summary.slower} <= cells


@settings(max_examples=60)
@given(st.data())
def test_any_texts_are_inert_in_every_field(data: st.DataObject) -> None:
    check_inert(hostile_summary(lambda: data.draw(hostile_texts)))


@given(hostile_texts, hostile_texts)
def test_a_cell_is_its_cleaned_text(case: str, error: str) -> None:
    summary = summary_with(Failure(case, "failed", "check", error, "hfci run x"))
    row = Rendered(render_summary(summary)).tables["Regressions"][0]
    line = cut(next((line for line in map(clean, error.splitlines()) if line), ""), 200)
    assert row == ["1", f"failed at check: {line}" if line else "failed at check", cut(clean(case), 300), "hfci run x"]


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def test_commands_are_whole_or_not_there() -> None:
    long = "hfci run " + "x" * 991
    summary = summary_with(Failure("a", "failed", "", "", long), Failure("b", "failed", "", "", long + "y"))
    rows = Rendered(render_summary(summary)).tables["Regressions"]
    assert [row[3] for row in rows] == [long, "(too long to show; it is in the records)"]


# Never too large.


def summary_with(*regressions: Failure, **fields: Any) -> Summary:
    """Return the summary of a good run, to which these regressions are added."""
    with TemporaryDirectory() as folder:
        good = record("good", "c", "passed", duration_s=1.0)
        save(Path(folder), "x", good)
        results = read_results([Path(folder)])
        summary = summarize(results, compare_results(results, baseline_of(results)))
    return replace(summary, regressions=regressions, failures=(*regressions, *fields.pop("failures", ())), **fields)


MANY = tuple(
    Failure(f"model{i}/Model{i}/c[device=cpu]", "failed", "check", f"ValueError: {i}", f"hfci run model{i} --check c")
    for i in range(50_000)
)
HUGE = "<@|`é中\U0001f600\x1b[31m" * 100_000
HUGE_ONES = (Failure(HUGE, "failed", HUGE, HUGE, HUGE),) * 60


@pytest.mark.parametrize("limit", [STEP_SUMMARY_LIMIT, 65_536, 9_999, 1_500, 200, 60, 1, 0])
@pytest.mark.parametrize("regressions", [(), MANY[:3], MANY, HUGE_ONES], ids=["none", "few", "many", "huge"])
def test_the_page_is_never_larger_than_its_limit_and_says_what_is_cut(
    limit: int, regressions: tuple[Failure, ...]
) -> None:
    summary = summary_with(
        *regressions, failures=MANY[:700], slower=(Shift(HUGE, "duration_s", 1, 9, HUGE, HUGE),) * 20
    )
    page = render_summary(summary, limit)
    assert len(page.encode()) <= limit
    if limit < 80:
        assert page == ""
        return
    rendered = Rendered(page)
    assert rendered.headings[0] == summary.verdict
    if limit < 500:
        assert "Left out: everything else" in page
        return
    check_counts(summary, rendered)
    if limit == STEP_SUMMARY_LIMIT and regressions != HUGE_ONES:
        assert "Cut here" not in page


def check_counts(summary: Summary, page: Rendered) -> None:
    """What is shown and what is said to be left out are together all that there is; nothing is kept below a cut."""
    said = " ".join(page.plain.split())
    cut = re.search(r"Cut here, to stay within [\d,]+ bytes\. Left out: (.*)\. The records", said)
    left_out = cut[1].split("; ") if cut else []
    gone = False
    for section in (section for section in sections(summary) if section.title):
        shown = len(page.tables.get(section.title, []))
        assert not (gone and shown), f"{section.title} is kept below what was cut"
        if shown == len(section.rows):
            more = section.total - shown
            assert not more or f"… and {more:,} more, all in the records." in said
            continue
        gone = True
        missing = f"{section.total - shown:,} of" if shown else "all"
        assert f"{missing} {section.total:,} rows of {section.title}" in left_out


def test_what_fits_is_kept() -> None:
    summary = summary_with(*MANY[:100])
    whole = len(render_summary(summary).encode())
    assert "Cut here" not in render_summary(summary, whole)
    cut = Rendered(page := render_summary(summary, whole - 1))
    assert "Cut here" in page
    assert len(cut.tables["Regressions"]) == 100
    rows = [
        len(Rendered(render_summary(summary, limit)).tables.get("Regressions", []))
        for limit in range(500, whole, 2_000)
    ]
    assert rows == sorted(rows)
    assert {rows[0], rows[-1]} == {0, 100}


def test_verdict_and_regressions_are_the_first_lines() -> None:
    lines = render_summary(summary_with(*MANY[:2])).splitlines()
    assert lines[0].startswith("## ")
    assert lines[2] == "### Regressions"
    assert "ValueError&#58; 0" in lines[6]
    assert "ValueError&#58; 1" in lines[7]


def test_long_tables_are_folded_and_complete() -> None:
    page = render_summary(summary_with(*MANY[:40]))
    assert "<summary>15 more</summary>" in page
    assert len(Rendered(page).tables["Regressions"]) == 40


@pytest.mark.parametrize("before", ["", "before\n", "no end of line", "| a |\n| --- |\n| b |\n"])
def test_what_is_appended_stands_apart(tmp_path: Path, before: str) -> None:
    path = tmp_path / "page.md"
    path.write_text(before)
    summary = summary_with(MANY[0])
    append_summary(summary, path)
    text = path.read_text()
    assert text.startswith(before)
    assert text.endswith(render_summary(summary))
    html = cmarkgfm.github_flavored_markdown_to_html(text)
    assert f"<h2>{summary.decision}" in html


def test_what_is_appended_leaves_room_for_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_bytes("é".encode() * 500_000 + b"\n")
    append_summary(summary_with(*MANY), path)
    assert 1_000_001 < path.stat().st_size <= STEP_SUMMARY_LIMIT
    assert "Cut here" in path.read_text()
    for _ in range(3):
        append_summary(summary_with(*MANY), path)
        assert path.stat().st_size <= STEP_SUMMARY_LIMIT
    full = tmp_path / "full.md"
    full.write_bytes(b"x" * (STEP_SUMMARY_LIMIT - 20))
    append_summary(summary_with(*MANY), full)
    assert full.read_bytes() == b"x" * (STEP_SUMMARY_LIMIT - 20)


def test_the_page_of_a_new_file_is_the_page(tmp_path: Path) -> None:
    append_summary(summary_with(), tmp_path / "new.md")
    assert (tmp_path / "new.md").read_text() == render_summary(summary_with())


def test_a_page_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "comment.md"
    for _ in range(2):
        write_summary(path, summary_with(*MANY), COMMENT_LIMIT)
        assert path.read_text() == render_summary(summary_with(*MANY), COMMENT_LIMIT)
    assert COMMENT_LIMIT - 1_000 < path.stat().st_size <= COMMENT_LIMIT


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnfit, match=f"cannot append the summary to {tmp_path}: Is a directory"):
        append_summary(summary_with(), tmp_path)
