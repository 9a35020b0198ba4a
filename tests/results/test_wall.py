"""The wall: what a history says on one page, in a browser, and inert whatever the history holds."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hfci.cases.records import Frame
from hfci.cli import main
from hfci.results import read_results
from hfci.results.expiring import Expiring
from hfci.results.history import History
from hfci.results.quarantine import propose
from hfci.results.wall import Board, chart, write_wall

from .faults import MASKING, failed
from .history.test_quarantine import _save
from .rendered import HOSTILE
from .support import record, save

NIGHTS = 60
SOON = Expiring("masks-are-short", "2026-03-20", 12, "why", "https://x")


def board(folder: Path, name: str, nights: int) -> Board:
    with History.open(folder / f"{name}.db", create=True) as history:
        for night in range(nights):
            history.add(_save(folder / name, night))
        trends = history.trends("main")
        held = frozenset(entry.case for entry in propose(trends.flaky, date(2026, 3, 1)).entries)
        return Board(name, trends, history.versions(trends.points[-1].run), held)


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wall")
    write_wall(folder / "wall.html", [board(folder, "pinned", NIGHTS), board(folder, "newest", 5)], [SOON])
    return folder / "wall.html"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (1280, "dark")])
def test_it_shows_what_the_history_says(browser: Any, wall: Path, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(wall.as_uri())
    text = page.locator("body").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".board h2").all_inner_texts() == ["✕ pinned", "✕ newest"]
    assert "2.12.0" in text
    assert "5 of 5 cases" in text
    assert page.locator("svg.chart polyline").count() == 5
    assert "RuntimeError at forward: no, transformers/modeling_utils.py" in text
    assert "seen before, mended in run night-47" in text
    assert "masks-are-short" in text
    assert "quarantined" in text
    assert "flaky/flakyModel/forward_is_finite[device=cpu]" in text
    assert "No level rose and stayed." in text
    context.close()


def test_an_empty_history_says_so(tmp_path: Path) -> None:
    with History.open(tmp_path / "history.db", create=True) as history:
        write_wall(tmp_path / "wall.html", [Board("x", history.trends(), {})])
    page = (tmp_path / "wall.html").read_text(encoding="utf-8")
    assert "There is no run yet." in page
    assert "No cause is open." in page


@pytest.mark.parametrize("text", [*HOSTILE[:3], "".join(HOSTILE)])
def test_hostile_text_is_shown_and_does_nothing(tmp_path: Path, text: str) -> None:
    bad = failed(f"m{text}", text, Frame(text, 1, text, text), stage=text or None, kind=text)
    save(tmp_path / "a", "one", bad, commit=text, started=f"2026{text}", versions={"transformers": text})
    with History.open(tmp_path / "history.db", create=True) as history:
        history.add(read_results([tmp_path / "a"]))
        trends = history.trends()
        write_wall(
            tmp_path / "wall.html", [Board(text, trends, history.versions("one"))], [Expiring(text, text, 1, "", "")]
        )
    page = (tmp_path / "wall.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("<h1>") == 1


def test_a_chart_shows_what_is_far_from_zero() -> None:
    flat = chart("", {"a": [100.0, 100.0]})
    assert (flat.lines[0].last, flat.axis) == ("100", "axis from 99 to 100")
    (rising,) = chart("", {"a": [90.0, 100.0]}).lines
    first, last = (float(point.partition(",")[2]) for point in rising.points.split())
    assert first - last > 80
    assert chart("", {"a": []}).lines[0].points == ""


def test_the_command_writes_it_and_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "a", "one", record("a", "c", "passed"), failed("b", "no", MASKING))
    with History.open(tmp_path / "one.db", create=True) as history:
        history.add(read_results([tmp_path / "a"]))
    given = ["history", "wall", "--history", str(tmp_path / "one.db"), "--html", str(tmp_path / "wall.html")]
    assert main([*given, "--beside", f"newest={tmp_path / 'one.db'}"]) == 0
    assert "newest" in (tmp_path / "wall.html").read_text(encoding="utf-8")
    assert main([*given, "--beside", "newest"]) == 2
    assert "--beside takes NAME=FILE" in capsys.readouterr().err
