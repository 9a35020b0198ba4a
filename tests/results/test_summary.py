from __future__ import annotations

import io
from pathlib import Path

from markdown_it import MarkdownIt
from rich.console import Console

from hfci.results import read_results, summarize
from hfci.results.markdown import append_summary, render_summary
from hfci.results.summary import Summary
from hfci.results.terminal import print_summary
from hfci.testing.records import Error

from .support import record, save

HOSTILE = "<img src=x onerror=alert(1)> | `a` @octocat \x1b[31mred\nnext"


def summary_of(tmp_path: Path, *records: object, planned: int | None = None) -> Summary:
    save(tmp_path, "x", *records, planned=planned)  # type: ignore[arg-type]
    return summarize(read_results([tmp_path]))


def test_known_failures_are_executed_told_and_not_red(tmp_path: Path) -> None:
    error = Error("ValueError", "no", "")
    fields = {"stage": "build", "error": error, "reason": f"split-heads: {HOSTILE}"}
    known = [record("stuck", check, "known-failure", **fields) for check in ("builds_tiny", "forward_is_finite")]
    summary = summary_of(tmp_path, *known, record("good", "builds_tiny", "passed"))
    assert summary.is_green
    assert summary.verdict == "Green: 2 known-failure, 3 of 3 cases executed"
    assert summary.ladder["checked"] == 1
    assert list(summary.known.values()) == [2]
    page = MarkdownIt("commonmark").enable("table").render(render_summary(summary))
    assert "Known failures" in page
    assert "<img" not in page
    shown = io.StringIO()
    print_summary(summary, Console(file=shown, width=200))
    assert "known failure (2): split-heads: <img" in shown.getvalue()
    assert "\x1b[31m" not in shown.getvalue()


def test_a_failure_says_what_the_ledger_has_to_say_of_it(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, record("stuck", "builds_tiny", "failed", reason="the entry x has expired"))
    assert summary.failures[0].error == "AssertionError: no; the entry x has expired"


def test_ladder_counts_what_really_happened(tmp_path: Path) -> None:
    summary = summary_of(
        tmp_path,
        record("catalogued", None, "not-applicable", reason="none of its own"),
        record("generated", "builds_tiny", "not-run", reason="interrupted"),
        record("collected", "builds_tiny", "failed", stage="build"),
        record("built", "builds_tiny", "passed"),
        record("built", "forward_is_finite", "failed", stage="forward"),
        record("forwarded", "forward_is_finite", "passed"),
        record("forwarded", "save_load_roundtrip", "failed"),
        record("checked", "builds_tiny", "passed"),
        record("checked", "forward_is_finite", "passed"),
        record("checked", "batch_is_independent", "not-applicable", reason="mixes rows"),
        record("gpu", "forward_is_finite", "passed", device="cuda:0"),
        record("pipeline", "answers", "passed", task="fill-mask"),
    )
    assert summary.ladder == {
        "catalogued": 8,
        "generated": 7,
        "collected": 6,
        "built": 5,
        "forwarded": 4,
        "checked": 3,
        "run in a pipeline": 1,
        "run on a GPU": 1,
    }
    assert summary.planned == 12
    assert summary.executed == 9
    assert summary.verdict == "Red: 3 failed, 1 not-run, 9 of 12 cases executed"
    assert [failure.case.partition("/")[0] for failure in summary.failures] == [
        "collected",
        "built",
        "forwarded",
        "generated",
    ]


def test_green_needs_something_executed(tmp_path: Path) -> None:
    only = record("a", None, "not-applicable", reason="x")
    nothing = summary_of(tmp_path / "nothing", only)
    assert not nothing.is_green
    assert not nothing.is_red
    assert summary_of(tmp_path / "one", record("a", "c", "passed"), only).is_green


def test_a_missing_record_is_not_run_and_red(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, record("a", "c", "passed"), planned=3)
    assert summary.is_red
    assert summary.outcomes["not-run"] == 2
    assert summary.planned == 3


def test_slowest_ten(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, *(record(f"m{n}", "c", "passed", duration_s=float(n)) for n in range(15)))
    assert [seconds for _, seconds in summary.slowest] == [float(n) for n in range(14, 4, -1)]


def hostile(tmp_path: Path) -> Summary:
    return summary_of(
        tmp_path,
        record("a", "c", "failed", message=HOSTILE, reproduce="hfci run a --check c", duration_s=1.0),
        record("b", "c", "unavailable", reason=HOSTILE),
        record("c|<b>", "c", "passed", duration_s=0.5),
    )


def test_markdown_is_inert_and_complete(tmp_path: Path) -> None:
    page = render_summary(hostile(tmp_path))
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    assert "<img" not in rendered
    assert "<b>" not in rendered
    assert "\x1b" not in page
    assert rendered.count("<table>") == 5, rendered
    row = rendered.partition("<tbody>")[2].partition("</tr>")[0]
    assert row.count("<td>") == 5
    assert "hfci run a &#45;" in page.replace("&#45;&#45;", "&#45;")
    assert rendered.startswith("<h2>Red: 1 failed, 2 of 3 cases executed</h2>")


def test_markdown_is_appended(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n")
    append_summary(hostile(tmp_path), page)
    assert page.read_text().startswith("before\n## Red")


def test_terminal_has_whole_commands_and_no_escapes(tmp_path: Path) -> None:
    output = io.StringIO()
    print_summary(hostile(tmp_path), Console(file=output, width=40))
    text = output.getvalue()
    assert "    hfci run a --check c\n" in text
    assert "\x1b" not in text
    assert "Red: 1 failed, 2 of 3 cases executed" in text


def test_json(tmp_path: Path) -> None:
    data = hostile(tmp_path).to_json()
    assert data["green"] is False
    assert data["outcomes"]["failed"] == 1
