"""Thirty failures of one fault and two of another: two rows lead, on every page."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from hfci.cases.outcome import Outcome
from hfci.cases.records import Record
from hfci.results import Results, Summary, read_results, summarize
from hfci.results.annotations import annotate
from hfci.results.comparison import Comparison, baseline_of, compare_results
from hfci.results.dashboard import write_dashboard
from hfci.results.markdown import COMMENT_LIMIT, render_summary
from hfci.results.terminal import print_summary

from .browser import opened
from .faults import LOADING, MASKING, SIZES, failed
from .rendered import Rendered
from .support import save

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
