"""A Markdown page as GitHub renders it: by its own cmark, with raw HTML let through, then read again from the HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options
from hypothesis import strategies as st

# What somebody may write into the name of a model, a reason, a message, a branch.
HOSTILE = (
    "a | b || \\| c",
    "`tick` ``` fence ~~~ `",
    "<script>alert(1)</script><img src=x onerror=y>",
    "</code></td></tr></table><h1>Green</h1>",
    "</details><details open>",
    "<!-- hidden --> <![CDATA[ x ]]> <?php ?>",
    "@octocat @org/team #1 GH-1 octo/hub#2 d8f77dc513987edf2e9d2c6d2aac609f64c931c0",
    "https://example.com www.example.com me@example.com mailto:me@example.com ftp://example.com",
    "**bold** _x_ __y__ ~~s~~ [a](javascript:b) ![i](u) [x]: http://u <https://u>",
    "&lt;b&gt; &#124; &copy; \\",
    "line\nbreak\r\n\ttab | x\u2028y\u2029z\x85",
    "# heading\n- list\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode",
    ":smile: :rocket: $x$ $$y$$ \\(z\\)",
    "\x1b[31mred\x1b[0m \x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\ \x9b2J",
    "right\u202eleft\u2066 zero\u200bwidth \u202d \ufeff",
    "::error::x\n::set-output name=a::b\n##[add-mask]x %0A::stop-commands::y",
    "\U0001f600 é 中文 עברית 0\ufe0f\u20e3 \U000e0041",
    "",
)

_PIECES = st.sampled_from([*HOSTILE, "|", "`", "\\", "<", ">", "&", "::", "##[", "@a", "\n", "-", "_", "*", "$"])
hostile_texts = st.one_of(st.text(max_size=40), st.lists(_PIECES, max_size=4).map("".join))

# What GitHub makes a link or a picture of, outside of code.
LIVE = re.compile(r"@\w|#\d|\bGH-\d|://|www\.|:[a-z_]+:|\b[0-9a-f]{7,40}\b|\$|[<>`|]")


class Rendered(HTMLParser):
    """What a reader sees: tags, headings, the cells of each table with their text, text outside of code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.headings: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.plain = ""
        self._open: list[str] = []
        self.feed(cmarkgfm.github_flavored_markdown_to_html(page, options=Options.CMARK_OPT_UNSAFE))
        self.close()
        assert self._open == [], "a tag is left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)
        if tag == "wbr":
            return
        self._open.append(tag)
        if tag in ("h2", "h3"):
            self.headings.append("")
        elif tag == "tr" and "tbody" in self._open:
            self.tables.setdefault(self.headings[-1], []).append([])
        elif tag == "td":
            self.tables[self.headings[-1]][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, "tags are not nested"

    def handle_data(self, data: str) -> None:
        if "td" in self._open:
            self.tables[self.headings[-1]][-1][-1] += data
        elif self._open[:1] in (["h2"], ["h3"]):
            self.headings[-1] += data
        if "code" not in self._open:
            self.plain += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")
