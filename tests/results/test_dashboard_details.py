from __future__ import annotations

from typing import Any

from hfci.results.causes import group
from tests.results.browser import opened
from tests.results.dashboards import Made
from tests.results.views import cell, current_cell, reds


def test_a_click_opens_all_that_is_known_of_a_case(browser: Any, made: Made) -> None:
    examples = {cause.example.case for cause in group(made.summary.regressions)}
    failed = next(one for one in made.records if one.case in examples and one.error)
    assert failed.error is not None
    assert failed.peak_memory_bytes is not None
    with opened(browser, made.path) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        cell(page, failed).click()
        details = page.locator("#details")
        text = details.inner_text()
        for said in (
            failed.case,
            failed.error.message,
            failed.error.traceback.splitlines()[0],
            f"{failed.peak_memory_bytes / 2**20:.1f} MiB",
            str(failed.worker),
            "newly broken: was passed",
            f"last good run {made.trends.streaks[failed.case].last_good}",
        ):
            assert said in text
        details.locator("details[open] .copy").first.click()
        page.wait_for_selector("text=Copied")
        assert page.evaluate("navigator.clipboard.readText()") == failed.reproduce
        page.keyboard.press("Escape")
        assert not details.is_visible()
        page.locator("#problems a.case", has_text=failed.case).click()
        assert details.locator("details[open] > summary > code").inner_text() == failed.case
        fragment = page.evaluate("location.hash")
        page.click("#close")
        page.wait_for_url(lambda url: "case=" not in url)  # the dialog tells that it was closed a task later
    with opened(browser, made.path, fragment) as page:
        assert failed.case in page.locator("#details details[open]").inner_text()


def test_a_model_type_opens_with_all_its_cases(browser: Any, made: Made) -> None:
    with opened(browser, made.path) as page:
        page.locator("#table .tabulator-row .model", has_text="model_003").click()
        found = page.locator("#details details > summary > code").all_inner_texts()
        assert sorted(found) == sorted(one.case for one in made.records if one.model_type == "model_003")
        last = page.locator("#details details").last
        last.locator("summary").click()
        last.locator(".facts").wait_for(state="visible")


def test_the_keyboard_reaches_everything(browser: Any, made: Made) -> None:
    checks = sorted({one.check for one in made.records if one.check})
    with opened(browser, made.path) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        reached = []
        while not reached or (reached[-1] != "table" and len(reached) < 40):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
        assert {"search", "family", "task", "tier", "sort", "regressions", "clear", "table"} <= set(reached)
        for key in ["ArrowDown"] * 3 + ["ArrowRight"] * 4 + ["ArrowUp", "ArrowLeft"]:
            page.keyboard.press(key)
        current = current_cell(page, f"model_002, {checks[2]}:")
        assert page.get_attribute("#table", "aria-activedescendant") == current.get_attribute("id")
        assert "none" not in current.evaluate("cell => getComputedStyle(cell).boxShadow")
        page.keyboard.press("Enter")
        assert page.locator("#details-title").inner_text() == f"model_002 {checks[2]}"
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.id") == "table"
        page.keyboard.press("Control+End")
        current_cell(page, "without, no check:")
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        assert page.locator("#details-title").inner_text() == "without all checks"


def test_the_history_of_a_case_is_a_strip(browser: Any, made: Made) -> None:
    failed = max(reds(made), key=lambda one: len(made.trends.changes[one.case]))
    changes = made.trends.changes[failed.case]
    assert len(changes) > 2
    ends = [run for run, _ in changes[1:]] + [len(made.trends.points)]
    wanted = [[outcome, str(end - begin)] for (begin, outcome), end in zip(changes, ends, strict=True)]
    with opened(browser, made.path) as page:
        page.evaluate("id => { location.hash = new URLSearchParams({ case: id }) }", failed.case)
        strip = page.locator("#details details[open] .strip")
        found = strip.evaluate("strip => [...strip.children].map(one => [one.dataset.outcome, one.style.flexGrow])")
        assert found == wanted
        newest = made.trends.points[changes[-1][0]]
        assert newest.started[:10] in page.locator("#details details[open] .stretches li").first.inner_text()
