from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hfci.cases.case import Case
from hfci.cases.outcome import Outcome
from hfci.cases.records import Error, Frame, Record
from hfci.results.comparison import Baseline, Change, Comparison, Observation, Shift
from hfci.results.dashboard import write_dashboard
from hfci.results.differences import Difference
from hfci.results.history.flakes import Flake
from hfci.results.history.runs import Point
from hfci.results.history.trends import Streak, Trends
from hfci.results.reading import read_results
from hfci.results.summary import summarize
from tests.results.browser import opened, until
from tests.results.support import record, save
from tests.results.views import status

PROBES = (
    "<img src=x onerror=window.__xss=1>",
    "</script><script>window.__xss=2</script>",
    '"><svg onload=window.__xss=3>',
    "javascript:window.__xss=4",
    "'-window.__xss++-'{{7*7}}${window.__xss=5}",
    "<!--<script>",
    "__proto__",
    "&lt;b&gt;",
)


def hostile(folder: Path, probe: str) -> tuple[Path, list[str]]:
    """Write a page with `probe` in every text that comes from outside; return it and the cases' IDs."""

    def said(place: str) -> str:
        return f"{place} {probe}"

    frame = Frame(said("path"), 7, said("function"), said("source"))
    records = []
    for outcome in Outcome:
        case = Case(
            said("model"), said("architecture"), said("family"), said("check"), said("tier"), said("device"),
            task=said("task"), backend=said(outcome.value), dtype=said("dtype"),
        )  # fmt: skip
        records.append(
            Record.of(
                case, outcome, stage=said("stage"), reason=said("reason"), worker=said("worker"), duration_s=1.0,
                error=Error(said("type"), said("message"), said("trace"), frame, said("module")),
                fingerprint=probe, reproduce=said("run"),
                peak_memory_bytes=1 << 20,
            )
        )  # fmt: skip
    failed = records[1]
    save(
        folder, "run", *records, commit=said("commit"), branch=said("branch"), runner=said("runner"),
        device=said("device"), tier=said("tier"), names=(probe,), checks=(probe,), started=said("2026-01-01"),
        versions={name: said(name) for name in ("transformers", "torch", "python", "hfci", probe)},
    )  # fmt: skip
    results = read_results([folder])
    observed = Observation(Outcome.PASSED, model_type=said("model"), check=said("check"))
    comparison = Comparison(
        baseline=Baseline(said("baseline"), said("started"), said("commit"), {said("vanished"): observed}),
        failing=(Change(failed.case, Outcome.PASSED, Outcome.FAILED, failed),),
        vanished=(Change(said("vanished"), Outcome.PASSED, None, None),),
        fixed=(Change(records[0].case, Outcome.FAILED, Outcome.PASSED, records[0]),),
        differences=(Difference(said("package"), said("old"), said("new")),),
        added=(Change(records[2].case, None, records[2].outcome, records[2]),),
        slower=(Shift(failed.case, "duration_s", 1, 2, said("since"), said("commit"), said("started")),),
    )
    point = Point(
        said("run"), said("started"), said("commit"), said("branch"), 7, 3, False,
        {outcome.value: 1 for outcome in Outcome}, {said("rung"): 1, "catalogued": 1}, 7.0,
    )  # fmt: skip
    trends = Trends(
        points=(point, point),
        streaks={failed.case: Streak(failed.case, said("run"), said("started"), said("commit"), 1, said("good"))},
        flaky=(Flake(failed.case, said("print"), 1, 1, said("last")),),
        slower=(Shift(failed.case, "duration_s", 1, 2, said("since"), said("commit"), said("started")),),
        heavier=(Shift(failed.case, "peak_memory_bytes", 1, 2, said("since"), said("commit"), said("started")),),
        added=(said("added"),),
        vanished=(said("vanished"),),
        changes={failed.case: ((0, Outcome.PASSED), (1, Outcome.FAILED))},
    )
    write_dashboard(folder / "index.html", results, summarize(results, comparison, trends), comparison, trends)
    return folder / "index.html", [one.case for one in records]


@pytest.mark.parametrize("probe", [" ".join(PROBES), " ".join(reversed(PROBES))], ids=["in order", "reversed"])
def test_text_from_tests_is_shown_and_never_run(browser: Any, tmp_path: Path, probe: str) -> None:
    path, cases = hostile(tmp_path, probe)
    with opened(browser, path) as page:
        tags = page.evaluate("[...new Set([...document.querySelectorAll('*')].map(one => one.localName))]")
        assert not {"img", "svg", "iframe", "object"} & set(tags)
        assert page.locator("#table .tabulator-row .model").inner_text() == f"model {probe}"
        for place in ("baseline", "vanished", "transformers", "branch", "runner", "path", "package", "old", "new"):
            assert f"{place} {probe}"[:40] in page.locator("body").inner_text()
        page.select_option("#family", f"family {probe}")
        page.select_option("#tier", f"tier {probe}")
        page.fill("#search", probe)
        until(page, "location.hash.includes('q=')")
        assert status(page) == (len(cases), 1)
        page.locator("#table [role=gridcell]").first.hover()
        page.locator("#table [role=gridcell]").first.click()
        details = page.locator("#details")
        page.evaluate("document.querySelectorAll('#details details').forEach(one => { one.open = true })")
        until(page, "[...document.querySelectorAll('#details details')].every(one => one.children.length > 1)")
        text = details.inner_text()
        for place in ("architecture", "reason", "message", "trace", "run", "task", "dtype", "stage", "worker", "good"):
            assert f"{place} {probe}" in text
        for case in cases:
            assert case in text
        page.keyboard.press("Escape")
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        until(page, "document.querySelectorAll('#charts canvas').length === 5")
        page.click("#theme")
        links = page.evaluate("[...document.querySelectorAll('a')].map(one => one.getAttribute('href'))")
        assert all(link.startswith("#") for link in links)
        fragment = page.evaluate("location.hash")
        assert page.evaluate("window.__xss") is None
    with opened(browser, path, fragment) as page:
        assert status(page) == (len(cases), 1)
        assert page.evaluate("window.__xss") is None


def test_the_policy_stops_a_script_that_got_in(browser: Any, tmp_path: Path) -> None:
    save(tmp_path, "run", record("bert", "builds_tiny", "passed"))
    results = read_results([tmp_path])
    write_dashboard(tmp_path / "index.html", results, summarize(results))
    page_text = (tmp_path / "index.html").read_text(encoding="utf-8")
    slip = "<script>window.__xss = 1</script><p id=slip onclick='window.__xss = 2'>slip</p>"
    (tmp_path / "index.html").write_text(page_text.replace("</main>", f"{slip}</main>"), encoding="utf-8")
    with opened(browser, tmp_path / "index.html", wrong="Content Security Policy") as page:
        page.click("#slip")
        assert page.evaluate("window.__xss") is None
