from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.results.browser import opened, until
from tests.results.dashboards import Made
from tests.results.views import cell


def test_the_charts_draw_what_the_history_says(browser: Any, made: Made) -> None:
    points = made.trends.points
    with opened(browser, made.path) as page:
        page.locator("#charts").scroll_into_view_if_needed()
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        until(page, "document.querySelectorAll('#charts canvas').length === 5")
        drawn = page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('[data-chart]')].map(one => [one.dataset.chart,"
            " Chart.getChart(one.querySelector('canvas')).data.datasets.map(set => [set.label, set.data])]))"
        )
    assert dict(drawn["coverage"]) == {rung: [one.ladder[rung] for one in points] for rung in points[0].ladder}
    assert drawn["success"][0][1] == pytest.approx([100 * one.outcomes["passed"] / one.executed for one in points])
    assert [60 * minutes for minutes in drawn["durations"][0][1]] == pytest.approx([one.duration_s for one in points])
    slowest = sorted((one.duration_s for one in made.records), reverse=True)[:15]
    assert drawn["slowest"][0][1] == pytest.approx(slowest, abs=1e-3)
    seconds: Counter[str | None] = Counter()
    for one in made.records:
        seconds[one.worker] += one.duration_s  # type: ignore[assignment]
    assert drawn["balance"][0][1] == pytest.approx([seconds[f"gw{index}"] for index in range(4)], abs=0.1)


DARK = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).every(part => part < 64)"


def test_it_is_dark_where_the_system_or_the_reader_says_so(browser: Any, made: Made) -> None:
    with opened(browser, made.path, color_scheme="dark") as page:
        assert page.evaluate(DARK)
        page.emulate_media(color_scheme="light")
        assert not page.evaluate(DARK)
        page.click("#theme")
        page.click("#theme")
        assert page.locator("#theme").inner_text() == "Theme: dark"
        assert page.evaluate(DARK)
        fragment = page.evaluate("location.hash")
    with opened(browser, made.path, fragment, color_scheme="light") as page:
        assert page.evaluate(DARK)
    with opened(browser, made.path, "#theme=light", color_scheme="dark") as page:
        assert not page.evaluate(DARK)


CONTRAST = """() => {
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).map((part) => linear(part / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const shown = [...document.querySelectorAll("#table [role=gridcell], .badge")].filter((one) => one.dataset.outcome);
  return shown.filter((one) => one.textContent).map((one) => {
    const { color, backgroundColor } = getComputedStyle(one);
    const [dark, light] = [luminance(color), luminance(backgroundColor)].sort((a, b) => a - b);
    return [one.dataset.outcome, (light + 0.05) / (dark + 0.05)];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_outcome_can_be_read(browser: Any, made: Made, scheme: str) -> None:
    with opened(browser, made.path, color_scheme=scheme) as page:
        ratios = dict(sorted(page.evaluate(CONTRAST), key=lambda pair: -pair[1]))
    assert len(ratios) >= 6
    assert {name for name, ratio in ratios.items() if ratio < 4.5} == set()  # WCAG 2.2, 1.4.3


def test_a_phone_shows_it_without_scrolling_sideways(browser: Any, made: Made) -> None:
    with opened(browser, made.path, width=375, height=812, has_touch=True, is_mobile=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        cell(page, made.records[0]).scroll_into_view_if_needed()
        cell(page, made.records[0]).tap()
        box = page.locator("#details").bounding_box()
        assert (box["x"], box["width"]) == (0, 375)
        right = (
            "Math.max(...[...document.querySelectorAll('#details *')].map(one => one.getBoundingClientRect().right))"
        )
        assert page.evaluate(right) <= 375
        page.click("#close")
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        until(page, "document.querySelectorAll('#charts canvas').length >= 2")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
