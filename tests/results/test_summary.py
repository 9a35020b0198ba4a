from __future__ import annotations

import io
import json
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from packaging.specifiers import SpecifierSet
from rich.console import Console

from hfci import workflow
from hfci.cases.case import Case
from hfci.cases.ledger import OWN, Entry, Failure, Ledger, load_ledger
from hfci.cases.manifest import Manifest, ManifestArchitecture, ManifestRow
from hfci.cases.outcome import Outcome
from hfci.cases.records import Error, Frame, Record
from hfci.checks.applicability import NUMERICS_CHANGED
from hfci.results import read_results, summarize
from hfci.results.comparison import Shift, baseline_of, compare_results
from hfci.results.expiring import expiring
from hfci.results.history.flakes import Flake
from hfci.results.history.trends import Streak, Trends
from hfci.results.markdown import append_summary, render_summary
from hfci.results.sections import MOST_ROWS, sections
from hfci.results.summary import Flaky, Summary
from hfci.results.tally import Cell
from hfci.results.terminal import print_summary

from .rendered import Rendered
from .support import record, save

HOSTILE = "<img src=x onerror=alert(1)> | `a` @octocat \x1b[31mred\nnext"


def summary_of(tmp_path: Path, *records: object, planned: int | None = None) -> Summary:
    save(tmp_path, "x", *records, planned=planned)  # type: ignore[arg-type]
    return summarize(read_results([tmp_path]))


def test_the_verdict_says_how_many_causes_where_they_are_fewer(tmp_path: Path) -> None:
    error = Error("ValueError", "no", "")
    failed = [record("m", f"check_{number}", "failed", stage="forward", error=error) for number in range(3)]
    other = record("m", "another", "failed", stage="build", error=error)
    assert summary_of(tmp_path, *failed, other).verdict == "Red: 4 failed (2 causes), 4 of 4 cases executed"
    assert summary_of(tmp_path / "each", other).verdict == "Red: 1 failed, 1 of 1 cases executed"


def test_known_failures_are_told_by_entry_and_cause(tmp_path: Path) -> None:
    causes = {"first": ("no", "yes"), "second": ("no",)}
    known = [
        record("m", f"{entry}_{said}_{number}", "known-failure", stage="forward", error=error, reason=f"{entry}: why")
        for entry, messages in causes.items()
        for said in messages
        for number in range(2 if said == "no" else 1)
        for error in (Error("ValueError", said, "", Frame("transformers/a.py", 3, "f", "raise")),)
    ]
    rows = Rendered(render_summary(summary_of(tmp_path, *known))).tables["Known failures"]
    assert [row[:3] for row in rows] == [
        ["2", "first: why", "ValueError: no"],
        ["1", "first: why", "ValueError: yes"],
        ["2", "second: why", "ValueError: no"],
    ]
    assert all("transformers/a.py:3" in row[3] for row in rows)


def test_a_comment_leads_to_the_run_that_wrote_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = summary_of(tmp_path, record("m", "check", "passed"))
    said = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "me/models", "GITHUB_RUN_ID": "17"}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    page = Rendered(render_summary(summary, address=workflow.run_address()))
    assert ("href", "https://github.com/me/models/actions/runs/17") in page.attributes
    for name, hostile in (
        ("GITHUB_RUN_ID", "1)<b>"),
        ("GITHUB_REPOSITORY", "a/b](x)"),
        ("GITHUB_SERVER_URL", "ftp://x"),
    ):
        with monkeypatch.context() as changed:
            changed.setenv(name, hostile)
            assert workflow.run_address() is None
    monkeypatch.delenv("GITHUB_RUN_ID")
    assert workflow.run_address() is None


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


def test_each_task_counts_its_architectures(tmp_path: Path) -> None:
    summary = summary_of(
        tmp_path,
        record("ant", "runs", "passed", task="fill-mask"),
        record("ant", "follows", "not-applicable", reason="none", task="fill-mask"),
        record("bee", "runs", "passed", task="fill-mask"),
        record("bee", "follows", "failed", stage="check", task="fill-mask"),
        record("cow", "runs", "unavailable", reason="needs av", task="fill-mask"),
        record("cow", "runs", "known-failure", reason="x: y", stage="pipeline", task="decision"),
    )
    (section,) = (section for section in sections(summary) if section.title == "Tasks")
    assert [column.name for column in section.columns] == ["task", "allowed", "run", "passed", "excluded by rule"]
    assert section.rows == (("decision", "1", "1", "0", ""), ("fill-mask", "3", "2", "1", ""))


def test_each_task_names_the_rules_that_exclude_its_architectures(tmp_path: Path) -> None:
    excluded = {"ant": ["cannot-generate"], "bee": ["cannot-generate", "no-processor"], "elk": ["no-processor"]}
    rows = tuple(
        ManifestRow(
            name,
            "catalogued",
            architectures=tuple(
                ManifestArchitecture(f"{name}{at}", excluded_tasks={"decision": rule}) for at, rule in enumerate(rules)
            ),
        )
        for name, rules in excluded.items()
    )
    records = [record(name, "runs", "passed", task="decision") for name in ("ant", "bee")]
    save(tmp_path, "x", *records)
    summary = summarize(read_results([tmp_path]), manifest=Manifest("5.24.0", rows))
    (section,) = (section for section in sections(summary) if section.title == "Tasks")
    assert section.rows == (("decision", "2", "2", "2", "cannot-generate 2, no-processor 1"),)


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
    assert rendered.count("<table>") == 9, rendered  # also families, shards, failing cases and runs
    row = rendered.partition("<tbody>")[2].partition("</tr>")[0]
    assert row.count("<td") == 4
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
    assert json.loads(json.dumps(data))["families"]["text"]["smoke"]["red"] == 1


# Against a baseline.


def against(tmp_path: Path, before: list[Record], after: list[Record], trends: Any = None, **head: Any) -> Summary:
    save(tmp_path / "old", "old", *before, commit="c0ffee", started="2025-12-31")
    save(tmp_path / "new", "new", *after, **head)
    results = read_results([tmp_path / "new"])
    return summarize(results, compare_results(results, baseline_of(read_results([tmp_path / "old"]))), trends)


def good(*names: str) -> list[Record]:
    return [record(name, "c", "passed") for name in names]


def test_what_newly_broke_is_told_first_and_how_to_repeat_it(tmp_path: Path) -> None:
    broken = record("b", "c", "failed", stage="forward", message="no\nmore", reproduce="hfci run b --check c")
    still = record("d", "c", "failed")
    summary = against(
        tmp_path, [*good("a", "b", "gone"), record("d", "c", "failed")], [*good("a", "new"), broken, still]
    )
    assert summary.verdict == ("Red: 1 newly failing, 1 vanished; 2 failed, 4 of 4 cases executed, against run old")
    new, vanished = summary.regressions
    assert (new.model_type, new.architecture, new.check, new.stage) == ("b", "bModel", "c", "forward")
    assert (new.error, new.reproduce, new.before) == ("AssertionError: no", "hfci run b --check c", "passed")
    assert (vanished.case, vanished.outcome, vanished.stage) == (good("gone")[0].case, "vanished", None)
    assert vanished.reproduce == "hfci run gone --check c --device cpu"
    assert [failure.case for failure in summary.others] == [still.case]
    assert summary.added == 1
    page = render_summary(summary).splitlines()
    assert page[0].startswith("## Red: 1 newly failing, 1 vanished;")
    assert page[2] == "### Regressions"
    assert "hfci run b" in page[6]
    assert "vanished" in page[7]
    assert Rendered("\n".join(page)).tables["Failing cases"] == [
        [broken.case, "failed (was passed)", "AssertionError: no"],
        [good("gone")[0].case, "vanished", "passed in run old, and not in this one"],
        [still.case, "failed", "AssertionError: no"],
    ]


def test_a_vanished_case_alone_is_red(tmp_path: Path) -> None:
    summary = against(tmp_path, good("a", "b"), good("a"))
    assert summary.is_red
    assert not summary.is_green
    assert summary.verdict == "Red: 1 vanished; 1 of 1 cases executed, against run old"


def test_what_was_red_before_keeps_the_run_red(tmp_path: Path) -> None:
    red = record("b", "c", "failed")
    summary = against(tmp_path, [*good("a"), red], [*good("a"), red])
    assert summary.is_red
    assert summary.verdict == "Red: nothing newly broken; 1 failed, 2 of 2 cases executed, against run old"
    assert summary.regressions == ()
    assert [failure.case for failure in summary.others] == [red.case]


def test_a_good_run_against_a_good_one_is_green(tmp_path: Path) -> None:
    summary = against(tmp_path, [*good("a"), record("b", "c", "failed")], good("a", "b"))
    assert summary.is_green
    assert summary.verdict == "Green: nothing newly broken; 2 of 2 cases executed, against run old"
    assert [changed.case for changed in summary.fixed] == [good("b")[0].case]


def test_what_is_no_longer_tested_is_told_with_its_reason(tmp_path: Path) -> None:
    lost = [record("a", "c", "unavailable", reason="needs timm"), record("b", "c", "not-applicable", reason="a flag")]
    summary = against(tmp_path, good("a", "b", "c"), [*lost, *good("c")])
    assert summary.is_green
    assert [(changed.case, changed.after, changed.reason) for changed in summary.unavailable] == [
        (lost[0].case, "unavailable", "needs timm"),
        (lost[1].case, "not-applicable", "a flag"),
    ]
    assert "Besides: 2 no longer tested." in render_summary(summary)


def test_changed_numerics_are_told_and_no_failure(tmp_path: Path) -> None:
    moved = f"{NUMERICS_CHANGED} since transformers 5.24.0: logits moved by 2.0e-02 of its size {HOSTILE}"
    records = [
        record("a", "golden_output", "not-applicable", reason=moved),
        record("b", "golden_output", "not-applicable", reason="no golden output of it was measured"),
        *good("c"),
    ]
    summary = summary_of(tmp_path, *records)
    assert summary.is_green
    assert list(summary.numerics) == [records[0].case]
    ((case, how),) = Rendered(render_summary(summary)).tables["Numerics changed"]
    assert case == records[0].case
    assert "logits moved by 2.0e-02" in how
    assert "<img" not in MarkdownIt("commonmark").enable("table").render(render_summary(summary))


def test_a_vanished_case_of_another_tier_is_asked_for_by_its_architecture(tmp_path: Path) -> None:
    gone = Record.of(Case("b", "BHead", "text", "c", "functional", "cuda"), "passed", device="cuda:0")
    here = Record.of(Case("a", "AHead", "text", "c", "functional", "cuda"), "passed")
    summary = against(tmp_path, [gone, here], [here], tier="functional", device="cuda")
    assert summary.regressions[0].reproduce == "hfci run BHead --check c --device cuda --tier functional"


def test_hostile_names_are_quoted_in_the_command_of_a_vanished_case(tmp_path: Path) -> None:
    summary = against(tmp_path, good("a", "b; rm -rf $HOME"), good("a"))
    assert summary.regressions[0].reproduce == "hfci run 'b; rm -rf $HOME' --check c --device cpu"


def test_a_history_says_since_when_and_what_is_flaky(tmp_path: Path) -> None:
    bad = record("b", "c", "failed")
    streak = Streak(bad.case, "run7", "2026-01-01", "c0ffee", 3)
    slow = Shift("a", "duration_s", 1.0, 4.0, "run5", "beef", "2025-12-01")
    flake = Flake("a", "f", 5, 2, "run6")
    trends = Trends((), {bad.case: streak}, (flake,), (slow,), (), (), (), {})
    summary = against(tmp_path, good("a", "b"), [*good("a"), bad], trends)
    (failure,) = summary.regressions
    assert (failure.since, failure.since_commit, failure.runs) == ("run7", "c0ffee", 3)
    assert summary.slower == (slow,)
    assert summary.flaky == (Flaky("a", 5, 2, "run6"),)
    table = Rendered(render_summary(summary)).tables["Regressions"]
    assert table[0][3] == "since run run7 (commit c0ffee), 3 runs"


def test_two_attempts_that_differ_are_flaky(tmp_path: Path) -> None:
    save(tmp_path, "x", record("a", "c", "failed"), attempt=1)
    save(tmp_path, "x", *good("a"), attempt=2)
    summary = summarize(read_results([tmp_path]))
    assert summary.is_green
    assert summary.flaky == (Flaky(good("a")[0].case),)
    assert summary.superseded == 1


# Counts.


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(Outcome),
            st.sampled_from(["text", "vision", None]),
            st.sampled_from(["smoke", "deep"]),
            st.floats(0, 9),
            st.sampled_from(["gw0", "gw1", None]),
            st.integers(0, 2),
        ),
        max_size=40,
    )
)
def test_every_count_equals_one_made_another_way(rows: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        records = [
            (shard, record(f"m{i}", "c", end, family=family, tier=tier, duration_s=seconds, worker=worker))
            for i, (end, family, tier, seconds, worker, shard) in enumerate(rows)
        ]
        for shard in range(3):
            save(Path(folder), "x", *(one for place, one in records if place == shard), shard=shard, runner=f"r{shard}")
        summary = summarize(read_results([Path(folder)]))
    ends = Counter(end.value for end, *_ in rows)
    assert {name: count for name, count in summary.outcomes.items() if count} == ends
    assert summary.planned == len(rows)
    assert summary.executed == ends["passed"] + ends["failed"] + ends["known-failure"] + ends["quarantined"]
    cells = {(family, tier): vars(cell) for family, tiers in summary.families.items() for tier, cell in tiers.items()}
    for family, tier in {(family, tier) for _, family, tier, *_ in rows}:
        mine = Counter(end.value for end, of, at, *_ in rows if (of, at) == (family, tier))
        assert cells.pop((family or "(none)", tier)) == {
            "planned": mine.total(),
            "executed": mine["passed"] + mine["failed"] + mine["known-failure"] + mine["quarantined"],
            "passed": mine["passed"],
            "red": mine["failed"] + mine["not-run"],
        }
    assert cells == {}
    times = [(seconds, -i) for shard in range(3) for i, (*_, seconds, _, at) in enumerate(rows) if at == shard]
    assert [seconds for _, seconds in summary.slowest] == sorted((s for s, _ in times if s), reverse=True)[:10]
    assert len(summary.shards) == 3
    for shard in summary.shards:
        mine = [(worker, seconds) for *_, seconds, worker, at in rows if at == shard.shard]
        workers = Counter()
        for worker, seconds in mine:
            workers[worker] += seconds
        assert (shard.cases, shard.runner) == (len(mine), f"r{shard.shard}")
        assert shard.seconds == pytest.approx(sum(seconds for _, seconds in mine))
        assert shard.longest_s == pytest.approx(max(workers.values(), default=0))


def test_records_are_not_kept(tmp_path: Path) -> None:
    text = "x" * 4_000
    save(tmp_path, "x", *(record(f"m{i}", "c", "passed", reason=text, fingerprint=text) for i in range(4_000)))
    results = read_results([tmp_path])
    tracemalloc.start()
    summary = summarize(results)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert summary.planned == 4_000
    assert peak < 4_000_000  # the file has 32 MB


def test_what_is_absent_is_counted_in_its_family(tmp_path: Path) -> None:
    save(tmp_path, "x", *good("a"), planned=2)
    results = read_results([tmp_path]).lacking([record("b", "c", "not-run", reason="no shard 1")])
    summary = summarize(results)
    assert summary.verdict == "Red: 1 not-run, 1 of 2 cases executed"
    assert summary.families["text"]["smoke"] == Cell(planned=2, executed=1, passed=1, red=1)
    assert [shard.cases for shard in summary.shards] == [1]


# The ledger.


def entry(name: str, expires: date) -> Entry:
    return Entry(
        name=name,
        model_types=("a",),
        stage="build",
        error=Failure("E", "m"),
        reason="why",
        link="https://x",
        transformers=SpecifierSet(),
        expires=expires,
    )


def test_entries_expire_within_a_month_or_have_done_so() -> None:
    today = date(2026, 3, 1)
    days = {"over": -5, "yesterday": -1, "today": 0, "near": 30, "far": 31}
    entries = [entry(name, today + timedelta(days=left)) for name, left in reversed(days.items())]
    found = expiring(Ledger(tuple(entries)), today)
    assert [(one.name, one.days_left) for one in found] == [("over", -5), ("yesterday", -1), ("today", 0), ("near", 30)]
    assert found[0].expires == "2026-02-24"


def test_hfcis_own_ledger_is_read(tmp_path: Path) -> None:
    ledger = load_ledger(OWN)
    expired = expiring(ledger, date(2999, 1, 1))
    assert len(expired) == len(ledger)
    assert expiring(ledger, date(2000, 1, 1)) == ()
    assert {one.name for one in expired} == {one.name for one in ledger}
    summary = replace(summary_of(tmp_path, *good("a")), expiring=expired)
    rows = Rendered(render_summary(summary)).tables["Known failures about to expire"]
    assert [row[0] for row in rows] == [one.name for one in expired][:MOST_ROWS]


def test_what_is_most_used_is_told_first(tmp_path: Path) -> None:
    use = {"big": 3, "small": 1, "middle": 2}
    red = [record(name, "c", outcome, reason="x") for outcome in ("not-run", "failed") for name in ("small", "big")]
    red = [*red[:2], record("middle", "d", "failed"), *red[2:]]
    red = [msgspec.structs.replace(one, case=f"{one.case}{number}") for number, one in enumerate(red)]
    summary = summary_of(tmp_path, *red).in_order(lambda name: -use[name])
    told = [(failure.model_type, failure.outcome) for failure in summary.failures]
    failed, not_run = [("big", "failed"), ("middle", "failed"), ("small", "failed")], ["big", "small"]
    assert told == [*failed, *((name, "not-run") for name in not_run)]
