"""Thirty failures of one fault and two of another: two rows lead, on every page."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.results import Results, Summary, read_results, summarize
from hfci.results.annotations import annotate
from hfci.results.causes import group
from hfci.results.comparison import Comparison, baseline_of, compare_results
from hfci.results.dashboard import write_dashboard
from hfci.results.formats import FORMATS
from hfci.results.formats.coverage_summary import coverage_summary
from hfci.results.markdown import COMMENT_LIMIT, render_summary
from hfci.results.spent import spent
from hfci.results.terminal import print_summary

from .browser import opened
from .faults import LOADING, MASKING, SIZES, failed
from .rendered import Rendered
from .support import save

TESTED = "Tested: commit <code>beefbeefbeef</code>, transformers <code>5&#46;24&#46;0</code>."
LINE = "transformers/masking_utils.py:210 in create_causal_mask"
ADDRESS = "https://github.com/huggingface/transformers/blob/v5.24.0/src/transformers/masking_utils.py#L210"


def as_before(record: Record) -> Record:
    return msgspec.structs.replace(record, outcome=Outcome.PASSED, stage=None, error=None, fingerprint="old")


def compared(folder: Path) -> tuple[Results, Comparison, Summary]:
    """Write and compare a run in which thirty cases fail of one fault, two of another, and eight hundred pass."""
    wide = [
        failed(
            f"model{n:02}",
            SIZES.format(n, n + 1, 1),
            MASKING,
            family=("text_encoder", "vision", "audio")[n % 3],
            fingerprint="new",
            reproduce=f"hfci run model{n:02} --check forward_is_finite --device cpu",
        )
        for n in range(30)
    ]
    deep = [failed(f"other{n}", "no", LOADING, fingerprint="old", reproduce=f"hfci run other{n}") for n in range(2)]
    good = [as_before(failed(f"good{n:03}")) for n in range(800)]
    known = {"commit": "c0ffee" * 6, "branch": "main"}
    save(folder / "old", "night-1", *map(as_before, [*wide, *deep]), *good, **known, versions={"torch": "2.12.0"})
    versions = {"torch": "2.13.0", "transformers": "5.24.0"}
    save(folder / "new", "night-2", deep[0], *wide, deep[1], *good, versions=versions, commit="beef" * 10)
    results = read_results([folder / "new"])
    comparison = compare_results(results, baseline_of(read_results([folder / "old"])))
    return results, comparison, summarize(results, comparison)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Comparison, Summary]:
    return compared(tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("limit", [COMMENT_LIMIT, 1 << 20])
def test_two_rows_lead_the_summary_and_the_comment(run: tuple[Results, Comparison, Summary], limit: int) -> None:
    page = Rendered(render_summary(run[2], limit))
    first, second = page.tables["Regressions"]
    assert page.headings[1] == "Regressions"
    assert render_summary(run[2], limit).splitlines()[2] == TESTED
    assert first[0] == "30"
    assert first[1] == f"failed at forward: RuntimeError: {SIZES.format(0, 1, 1)}"
    assert first[2] == LINE
    assert first[3] == "model00, model01, model02, model03, model04 and 25 more (text_encoder, vision, audio)"
    assert first[4] == "the change touches all of them"
    assert first[5] == "hfci run model00 --check forward_is_finite --device cpu"
    assert second[0] == "2"
    assert second[3:5] == ["other0, other1 (text_encoder)", "the change touches none of them"]
    assert ("href", ADDRESS) in page.attributes
    assert page.tables["Different from the baseline"] == [
        ["commit", "c0ffee" * 2, "beef" * 3],
        ["torch", "2.12.0", "2.13.0"],
        ["transformers", "-", "5.24.0"],
    ]
    assert len(page.tables["Failing cases"]) == 32


def test_two_causes_lead_on_a_terminal(run: tuple[Results, Comparison, Summary]) -> None:
    output = io.StringIO()
    print_summary(run[2], Console(file=output, width=100))
    lines = output.getvalue().splitlines()
    assert lines[:6] == [
        "Regressions",
        "failed at forward: 30 cases, model00, model01, model02, model03, model04 and 25 more (text_encoder, vision, "
        "audio)",
        f"    RuntimeError: {SIZES.format(0, 1, 1)}",
        f"    {LINE} {ADDRESS}",
        "    the change touches all of them",
        "    hfci run model00 --check forward_is_finite --device cpu",
    ]
    assert lines[6].startswith("failed at forward: 2 cases, other0, other1")
    assert sum(line.startswith("failed at") for line in lines) == 2


def test_two_annotations_say_it_all(run: tuple[Results, Comparison, Summary]) -> None:
    first, second = annotate(run[2], {"src/transformers/masking_utils.py"})
    assert first.startswith(
        "::error file=src/transformers/masking_utils.py,line=210,title=newly failed at forward%3A 30"
    )
    assert second.startswith("::error title=newly failed at forward%3A 2 cases")


def test_two_rows_lead_the_dashboard(browser: Any, run: tuple[Results, Comparison, Summary], tmp_path: Path) -> None:
    results, comparison, summary = run
    write_dashboard(tmp_path / "index.html", results, summary, comparison)
    with opened(browser, tmp_path / "index.html") as page:
        rows = page.locator("#problems .problems > li").all_inner_texts()
        assert len(rows) == 2
        assert rows[0].startswith("30 cases")
        assert LINE in rows[0]
        assert rows[1].startswith("2 cases")
        assert page.locator("#problems a", has_text=LINE).get_attribute("href") == ADDRESS
        assert "torch: 2.12.0 → 2.13.0" in page.locator("#problems .differences").inner_text()


def test_exports_carry_the_fingerprint(run: tuple[Results, Comparison, Summary], tmp_path: Path) -> None:
    results, _, summary = run
    for name in ("junit", "ctrf", "coverage-summary"):
        FORMATS[name].write(tmp_path / name, results, summary)
    first, second = (cause.fingerprint for cause in group(summary.regressions))
    assert first != second
    junit = (tmp_path / "junit").read_text()
    assert [junit.count(f'name="cause" value="{cause}"') for cause in (first, second)] == [30, 2]
    tests = json.loads((tmp_path / "ctrf").read_text())["results"]["tests"]
    assert [test["extra"].get("cause") for test in tests].count(first) == 30
    found = json.loads((tmp_path / "coverage-summary").read_text())
    assert [(one["cause"], one["cases"], one["new"]) for one in found["causes"]] == [
        (first, 30, True),
        (second, 2, True),
    ]
    assert found["causes"][0]["address"] == ADDRESS
    assert found["causes"][0]["families"] == {"text_encoder": 10, "vision": 10, "audio": 10}
    assert found["causes"][0]["model_types_left_out"] == 10
    assert [one["cause"] for one in found["failures"]].count(first) == 30
    assert [one["what"] for one in found["differences"]] == ["commit", "torch", "transformers"]


def test_what_is_fixed_is_told_by_cause(tmp_path: Path) -> None:
    _, _, _ = compared(tmp_path)
    results = read_results([tmp_path / "old"])
    summary = summarize(results, compare_results(results, baseline_of(read_results([tmp_path / "new"]))))
    first, second = Rendered(render_summary(summary)).tables["Fixed"]
    assert (first[1], second[1]) == ("1", "30") or (first[1], second[1]) == ("30", "2")
    assert "create_causal_mask" in first[2] + second[2]
    found = coverage_summary(results, summary)
    assert sorted(one.cases for one in found.fixed) == [2, 30]


def test_time_and_cost_are_told(tmp_path: Path) -> None:
    good = as_before(failed("good", reproduce=None))
    slow = msgspec.structs.replace(good, duration_s=100.0, worker="gw0")
    save(tmp_path, "x", slow, shard=0, set_up_s=60.0, start_up_s=5.0)
    save(tmp_path, "x", msgspec.structs.replace(slow, case="other", duration_s=10.0), shard=1)
    summary = summarize(read_results([tmp_path]))
    assert str(spent(summary.shards)) == "2 jobs, 4 machine minutes; the longest took 2.8 min"
    assert "2 jobs, 4 machine minutes; the longest took 2.8 min." in render_summary(summary)
