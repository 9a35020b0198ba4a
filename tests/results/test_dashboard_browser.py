from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hfci.cases.outcome import EXECUTED, RED, Outcome
from hfci.cases.records import Record
from hfci.results.causes import group
from hfci.results.dashboard import write_dashboard
from hfci.results.reading import read_results
from hfci.results.summary import summarize
from hfci.results.tally import failure_of
from tests.results.browser import opened, until
from tests.results.dashboards import Made, made_page, made_results
from tests.results.support import record, save
from tests.results.views import cell, counted, current_cell, painted, reds, status, worst


def test_the_made_run_has_what_the_others_look_at(made: Made) -> None:
    ended = Counter(one.outcome for one in made.records)
    assert all(ended[outcome] for outcome in (*EXECUTED, *RED[:1], Outcome.UNAVAILABLE, Outcome.NOT_APPLICABLE))
    assert len(made.comparison.failing) > 1


def test_the_first_view_answers_what_a_maintainer_asks(browser: Any, made: Made) -> None:
    with opened(browser, made.path) as page:
        assert made.summary.verdict.split(": ")[1] in page.locator("#verdict").inner_text()
        problems = page.locator("#problems .problems > li")
        causes = group(made.summary.regressions)
        assert problems.count() == len(causes)
        assert len(causes) < len(made.comparison.failing) + len(made.comparison.vanished)
        first, example = problems.first.inner_text(), causes[0].example
        assert f"{causes[0].count} case" in first
        assert example.case in first
        assert example.reproduce is not None
        assert example.reproduce in first
        assert f"{example.since}" in first
        problems.first.locator("a.struck").click()
        until(page, f"location.hash === '#q={causes[0].fingerprint}'")
        red = [failure_of(one) for one in made.records if one.outcome in (*RED, Outcome.KNOWN_FAILURE)]
        assert status(page)[0] == sum(failure.cause == causes[0].fingerprint for failure in red)
        facts = page.locator("header .facts").inner_text()
        assert "5.23.0" in facts
        assert "c0ffee" in facts
        ended = Counter(one.outcome.value for one in made.records)
        for row in page.locator("section[aria-labelledby=outcomes-title] tr").all():
            name, number = row.locator("th").inner_text().strip(), row.locator("td.number").inner_text()
            assert int(number) == ended[re.sub(r"^\W\s*", "", name)]
        for row in page.locator("section[aria-labelledby=ladder-title] tr").all():
            assert int(row.locator("td.number").inner_text()) == made.summary.ladder[row.locator("th").inner_text()]


def test_the_grid_shows_the_worst_case_of_every_cell(browser: Any, made: Made) -> None:
    with opened(browser, made.path) as page:
        assert status(page) == counted(made.records)
        assert painted(page) == worst(made.records)
        glyphs = page.evaluate(
            "[...document.querySelectorAll('#table .checks [role=gridcell]')]"
            ".map(cell => [cell.dataset.outcome, cell.textContent])"
        )
        by_outcome = {outcome: {glyph for name, glyph in glyphs if name == outcome} for outcome, _ in glyphs}
        assert all(len(found) == 1 for found in by_outcome.values())
        assert len({next(iter(found)) for found in by_outcome.values()}) == len(by_outcome)


def test_filters_narrow_the_cases(browser: Any, made: Made) -> None:
    with opened(browser, made.path) as page:
        for field in ("family", "task", "tier"):
            values = {getattr(one, field) for one in made.records} - {None}
            options = page.locator(f"#{field} option").evaluate_all("all => all.map(one => one.value)")
            assert set(options) == values | {""}
            for value in values:
                page.select_option(f"#{field}", value)
                wanted = [one for one in made.records if getattr(one, field) == value]
                assert status(page) == counted(wanted)
                assert painted(page) == worst(wanted)
            page.select_option(f"#{field}", "")
        for outcome in {one.outcome for one in made.records}:
            button = page.locator(f"#outcomes button:has([data-outcome='{outcome.value}'])")
            button.click()
            assert button.get_attribute("aria-pressed") == "true"
            assert status(page) == counted([one for one in made.records if one.outcome == outcome])
            button.click()
        page.locator("#outcomes button:has([data-outcome='failed'])").click()
        page.select_option("#tier", "smoke")
        wanted = [one for one in reds(made) if one.tier == "smoke"]
        assert painted(page) == worst(wanted)
        page.click("#clear")
        assert status(page) == counted(made.records)


def test_only_what_newly_broke_is_shown_on_demand(browser: Any, made: Made) -> None:
    broken = {change.case for change in made.comparison.failing}
    with opened(browser, made.path) as page:
        fresh = page.locator("#table [data-fresh]").count()
        page.click("#regressions")
        wanted = [one for one in made.records if one.case in broken]
        assert status(page) == counted(wanted)
        assert painted(page) == worst(wanted)
        assert page.locator("#table [data-fresh]").count() == fresh == len(worst(wanted))


def test_search_looks_at_names_errors_and_reasons(browser: Any, made: Made) -> None:
    failed = reds(made)[0]
    assert failed.error is not None

    def texts(one: Record) -> str:
        error = f"{one.error.type} {one.error.message} {one.error.traceback}" if one.error else ""
        said = (one.model_type, one.architecture, one.check, one.case, one.reason)
        return " ".join([*filter(None, said), error]).lower()

    with opened(browser, made.path) as page:
        for query in (
            "MODEL_003",
            "Model4ForTestingAgain",
            "timm",
            failed.error.message,
            failed.case,
            "model_01 0_holds",
        ):
            page.fill("#search", query)
            wanted = [one for one in made.records if all(word in texts(one) for word in query.lower().split())]
            assert wanted, query
            until(page, f"document.querySelector('#status').textContent.startsWith('{len(wanted)} of')")
            assert painted(page) == worst(wanted)
        page.fill("#search", "nothing has this")
        page.wait_for_selector("text=No case matches.")
        assert status(page) == (0, 0)


def test_the_address_keeps_the_view(browser: Any, made: Made) -> None:
    with opened(browser, made.path) as page:
        page.select_option("#family", "vision")
        page.locator("#outcomes button:has([data-outcome='passed'])").click()
        page.select_option("#sort", "slowest")
        page.fill("#search", "model_0")
        until(page, "location.hash.includes('q=')")
        shown, fragment = painted(page), page.evaluate("location.hash")
    with opened(browser, made.path, fragment) as page:
        assert painted(page) == shown
        assert page.input_value("#family") == "vision"
        assert page.input_value("#search") == "model_0"
        seconds: Counter[str] = Counter()
        for one in made.records:
            seconds[one.model_type] += one.duration_s  # type: ignore[assignment]
        names = page.locator("#table .tabulator-row .model").all_inner_texts()
        assert names == sorted(names, key=lambda name: -seconds[name])
    with opened(browser, made.path, "#family=none-such&sort=__proto__&outcome=x&case=gone&theme=9") as page:
        assert status(page) == counted(made.records)


def test_without_baseline_history_or_failures_it_says_so(browser: Any, tmp_path: Path) -> None:
    save(tmp_path, "run", record("bert", "builds_tiny", "passed"))
    results = read_results([tmp_path])
    write_dashboard(tmp_path / "index.html", results, summarize(results))
    with opened(browser, tmp_path / "index.html") as page:
        assert "There is no baseline" in page.locator("#problems").inner_text()
        assert "Nothing failed." in page.locator("#problems").inner_text()
        assert page.locator("#regressions").is_disabled()
        assert page.locator("#task").is_disabled()
        assert "they need two runs in the history" in page.locator("#charts").inner_text()
        cell(page, next(iter(results))).click()
        assert "History" not in page.locator("#details").inner_text()


def test_a_run_of_nothing_opens(browser: Any, tmp_path: Path) -> None:
    save(tmp_path, "run")
    results = read_results([tmp_path])
    write_dashboard(tmp_path / "index.html", results, summarize(results))
    with opened(browser, tmp_path / "index.html") as page:
        assert status(page) == (0, 0)
        assert "Nothing was executed" in page.locator("#verdict").inner_text()


def test_eight_hundred_model_types_and_two_hundred_runs_fit(
    browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = made_results(tmp_path, 800, 40)
    made = made_page(tmp_path, results, 200)
    size = made.path.stat().st_size
    assert size < 15_000_000
    wheel = """async () => {
      const took = [];
      for (let turn = 0; turn < 30; turn++) {
        const begin = performance.now();
        document.querySelector(".tabulator-tableholder").scrollTop += 100;
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        took.push(performance.now() - begin);
      }
      return took.sort((one, other) => one - other)[15];
    }"""
    filtering = """async () => {
      const begin = performance.now();
      document.querySelector("#outcomes button").click();
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      return performance.now() - begin;
    }"""
    with opened(browser, made.path) as page:
        paint, grid = page.evaluate(
            "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
            " performance.getEntriesByName('hfci-grid')[0].startTime]"
        )
        assert status(page) == (32_000, 800)
        shown = page.locator("#table .tabulator-row").count()
        assert 10 < shown < 100  # the rest is made when it is scrolled to
        scroll = page.evaluate(wheel)
        narrowed = page.evaluate(filtering)
        assert status(page) == counted(reds(made))
        name = max(one.model_type for one in reds(made))
        page.locator("#table").focus()
        page.keyboard.press("Control+End")
        current_cell(page, f"{name}, invariant_number_39_holds:")
        for _ in range(60):
            page.keyboard.press("ArrowUp")
        names = sorted({one.model_type for one in reds(made)})
        current_cell(page, f"{names[-61]}, invariant_number_39_holds:")
        page.set_viewport_size({"width": 1000, "height": 1400})
        page.keyboard.press("ArrowUp")
        current_cell(page, f"{names[-62]}, invariant_number_39_holds:")
    with capsys.disabled():
        print(
            f"\n800 model types, 40 checks, 200 runs: {size / 1e6:.1f} MB, first paint {paint:.0f} ms,"
            f" grid {grid:.0f} ms,"
            f" a scroll by 100 px {scroll:.0f} ms, a filter {narrowed:.0f} ms"
        )
