from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hfci.results.text import clean, code, first_line

HOSTILE = [
    "a | b",
    "`tick` ``` fence",
    "<script>alert(1)</script><img src=x onerror=y>",
    "@octocat #1 https://example.com www.example.com",
    "**bold** _x_ [a](javascript:b) ![i](u) ~s~",
    "&lt;b&gt; &#124; \\| \\",
    "line\nbreak\r\n\ttab | x",
    "# heading\n- list\n\n| a | b |\n|---|---|",
    "</code></td>",
]


def shown(text: str) -> str:
    """Return the text that a reader sees in the middle cell of a rendered table row."""
    page = f"| a | b | c |\n| --- | --- | --- |\n| left | {code(text)} | right |\n"
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    cells = re.findall(r"<td>(.*?)</td>", rendered, re.DOTALL)
    assert len(cells) == 3
    assert cells[0] == "left"
    assert cells[2] == "right"
    inside = re.fullmatch(r"<code>(.*)</code>", cells[1], re.DOTALL)
    assert inside, cells[1]
    assert "<" not in inside[1]
    return html.unescape(inside[1])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_in_a_table(text: str) -> None:
    assert shown(text) == clean(text)


@given(st.text())
def test_any_text_is_inert_in_a_table(text: str) -> None:
    assert shown(text) == clean(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x00b\x08c\x7f", "abc"),
        ("right\u202eleft\u2066", "rightleft"),
        ("a\n  b\tc", "a b c"),
        ("::error::x\rhidden", "::error::x hidden"),
        ("\x1b[2Jcleared\x9b5m", "cleared"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(st.text())
def test_clean_is_one_printable_line(text: str) -> None:
    assert "\x1b" not in clean(text)
    assert len(clean(text).splitlines()) <= 1
    assert clean(clean(text)) == clean(text)


def test_first_line() -> None:
    assert first_line("\n\n  \x1b[1mone\x1b[0m\ntwo") == "one"
    assert first_line("x" * 300) == "x" * 199 + "…"
    assert first_line("") == ""
