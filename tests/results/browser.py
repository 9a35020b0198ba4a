"""Pages in a real browser: headless Chromium, with no network, and nothing may go wrong unseen."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["chromium", "opened", "until"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 10.0  # seconds


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the browser that this machine has; without one the test is skipped, in CI it fails."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        found = None
    if found is None:
        said = f"the dashboard is tested with Playwright and one of {', '.join(BROWSERS)}; something is missing"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(said)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Any,
    path: Path,
    fragment: str = "",
    *,
    width: int = 1280,
    height: int = 900,
    wrong: str = "",
    **options: Any,
) -> Iterator[Any]:
    """Open the file at a fragment; at the end nothing was said on the console, thrown or asked of a network.

    Where `wrong` is given, that must have been said, and nothing else.
    """
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    page = context.new_page()
    heard: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: heard.append(f"console: {message.type}: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"thrown: {error}"))
    page.on("dialog", lambda dialog: (heard.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("popup", lambda popup: heard.append(f"popup: {popup.url}"))
    context.on("request", lambda request: asked.append(request.url))
    context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    page.goto(path.as_uri() + fragment)
    page.wait_for_selector("html[data-ready]", state="attached")
    yield page
    context.close()
    assert [said for said in heard if not wrong or wrong not in said] == []
    assert heard or not wrong
    assert {url.split("#")[0] for url in asked} == {path.as_uri()}
    assert len(asked) == 1


def until(page: Any, expression: str) -> None:
    """Wait until the page says that the expression is true; Playwright's own way is an eval, which the page forbids."""
    begin = time.monotonic()
    while not page.evaluate(expression):
        assert time.monotonic() - begin < PATIENCE, expression
        page.wait_for_timeout(20)
