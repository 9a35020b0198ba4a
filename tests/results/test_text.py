from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hfci.results.text import clean, code, first_line, no_command, shorten

from .rendered import Rendered, hostile_texts

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
    joined = inside[1].replace("<wbr>", "")
    assert "<" not in joined
    return html.unescape(joined)


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
    assert first_line("x" * 200) == "x" * 200
    assert first_line("a" * 10_000_000 + "\n") == "a" * 199 + "…"


def test_shorten() -> None:
    assert shorten("a\nb" * 4, 5) == "a ba…"
    assert shorten("abc", 3) == "abc"


@given(hostile_texts)
def test_github_shows_code_as_it_is_and_links_nothing(text: str) -> None:
    page = Rendered(f"## {code(text)}\n\n| a |\n| --- |\n| {code(text)} |\n")
    assert page.tags <= {"h2", "table", "thead", "tbody", "tr", "th", "td", "code", "wbr"}
    assert [" ".join(heading.split()) for heading in page.headings] == [clean(text)]
    assert list(page.tables.values()) == [[[clean(text)]]]


@pytest.mark.parametrize("text", ["me@example.com", "a.b+c@d-e.org.", "mailto:me@example.com", "xmpp:me@example.com"])
def test_a_mail_address_is_no_link(text: str) -> None:
    # cmark-gfm looks for them after references are decoded.
    assert "a" not in Rendered(code(text)).tags
    assert "a" in Rendered(f"<code>{text}</code>").tags


def is_command(line: str) -> bool:
    """Tell whether a runner takes a line for a command: `::name` at its beginning, `##[name]` anywhere in it."""
    return line.lstrip().startswith("::") or "##[" in line


@given(hostile_texts, st.integers(1, 40))
def test_no_line_is_a_command(text: str, width: int) -> None:
    assert not is_command(no_command(text))
    broken = no_command(text, broken=True)
    assert not any(is_command(broken[i : i + width]) for i in range(0, len(broken), width))


def test_a_command_that_a_person_may_paste_stays_whole() -> None:
    line = "pytest generated/text/test_bert.py::test_forward_is_finite --hfci-device cpu"
    assert no_command(line) == line
    assert no_command("::add-mask::x") == ": :add-mask::x"
    assert no_command("a:::b ###[c]", broken=True) == "a: : :b ### [c]"
