"""The summary as Markdown, for `$GITHUB_STEP_SUMMARY` and a comment on a pull request, never over their limits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hfci.errors import EnvironmentUnfit
from hfci.results.sections import Column, Linked, Section, sections
from hfci.results.summary import Summary
from hfci.results.text import code, shorten
from hfci.templating import environment, templates_dir
from hfci.writing import replacing

__all__ = ["COMMENT_LIMIT", "STEP_SUMMARY_LIMIT", "append_summary", "render_summary", "write_summary"]

# GitHub drops the summary of a step that is larger than 1 MiB: "Adding a job summary", GitHub Docs.
STEP_SUMMARY_LIMIT = 1_048_576

# A comment on a pull request takes 65,536 characters, and what posts it may add a line of its own.
COMMENT_LIMIT = 65_000


# What was tested is told in one line: of commits and releases the first, as a rule the only ones.
LIBRARY = "transformers"
MOST_TESTED, LONGEST = 3, 60


def render_summary(summary: Summary, limit: int = STEP_SUMMARY_LIMIT, address: str | None = None) -> str:
    """Return the summary as a Markdown page of at most `limit` bytes of UTF-8; text from tests is inert in it.

    `address` is of the run's page, from `workflow`, and is linked. What is too much is cut row by row from the bottom,
    and the page says how much. Where not even the verdict fits, the page is empty.
    """
    page = _Page(summary, limit, address)
    whole = page.render(page.total)
    if page.fits(whole):
        return whole
    most, too_many = -1, page.total
    while too_many - most > 1:
        middle = (most + too_many) // 2
        most, too_many = (middle, too_many) if page.fits(page.render(middle)) else (most, middle)
    if most >= 0:
        return page.render(most)
    return next(filter(page.fits, (page.render(0, ["everything else"]), page.render(0, []))), "")


def write_summary(path: Path, summary: Summary, limit: int = STEP_SUMMARY_LIMIT, address: str | None = None) -> None:
    """Write the page to `path`; EnvironmentUnfit where that fails."""
    with replacing(path) as file:
        file.write(render_summary(summary, limit, address).encode())


def append_summary(summary: Summary, path: Path, limit: int = STEP_SUMMARY_LIMIT) -> None:
    """Append the page to `path`, as a step of a workflow does; all of the file together stays within `limit`.

    Raises EnvironmentUnfit where it cannot be written.
    """
    try:
        with path.open("a+b") as file:
            written = file.seek(0, os.SEEK_END)
            apart = b""
            if written:
                file.seek(-1, os.SEEK_END)
                apart = b"" if file.read(1) == b"\n" else b"\n\n"
            if page := render_summary(summary, limit - written - len(apart)):
                file.write(apart + page.encode())
    except OSError as error:
        raise EnvironmentUnfit(f"cannot append the summary to {path}: {error.strerror}") from error


class _Page:
    """The page's parts, ready to be put together with more or fewer rows."""

    def __init__(self, summary: Summary, limit: int, address: str | None) -> None:
        self.limit = limit
        self.address = address
        self.decision = summary.decision
        self.baseline = None if summary.baseline is None else code(shorten(summary.baseline["run"], 60))
        self.tested = _tested(summary)
        self.parts = [_Part.of(section) for section in sections(summary)]
        self.total = sum(part.size for part in self.parts)
        self.template = environment(templates_dir() / "report").get_template("summary.md.jinja")

    def fits(self, page: str) -> bool:
        return len(page.encode()) <= self.limit

    def render(self, rows: int, said: Sequence[str] | None = None) -> str:
        """Return the page with its first `rows` rows; a part of which none is among them is left out.

        What is left out is told at the end, in the words of `said` if there are any.
        """
        shown, cut = [], []
        for part in self.parts:
            taken = min(rows, part.size)
            rows -= taken
            if taken:
                shown.append(part.first(taken))
            if taken < part.size:
                cut.append(part.lost(taken))
        return self.template.render(
            decision=self.decision,
            baseline=self.baseline,
            tested=self.tested if shown else "",
            sections=shown,
            cut=cut if said is None else said,
            limit=self.limit,
            address=self.address,
        )


def _tested(summary: Summary) -> str:
    """Return in a line which commits and releases of the library were tested; nothing where no header says it."""
    known = {
        "commit": [shorten(head["commit"], LONGEST)[:12] for head in summary.runs if head["commit"]],
        LIBRARY: [shorten(head["versions"].get(LIBRARY) or "", LONGEST) for head in summary.runs],
    }
    said = {name: list(filter(None, dict.fromkeys(values)))[:MOST_TESTED] for name, values in known.items()}
    line = ", ".join(f"{name} {', '.join(map(code, values))}" for name, values in said.items() if values)
    return f"Tested: {line}." if line else ""


@dataclass(frozen=True)
class _Part:
    """A section with its rows in Markdown: those that are seen at once, those that are folded, and how many more."""

    section: Section
    rows: Sequence[str]
    left: int

    @classmethod
    def of(cls, section: Section) -> _Part:
        rows = [_row(section.columns, row) for row in section.rows]
        return cls(section, rows, section.total - len(rows))

    @property
    def size(self) -> int:
        return max(1, len(self.rows))  # a note alone is cut like a row

    @property
    def opened(self) -> Sequence[str]:
        return self.rows[: self.section.opened]

    @property
    def folded(self) -> Sequence[str]:
        return self.rows[self.section.opened :]

    def first(self, count: int) -> _Part:
        return self if count == self.size else _Part(self.section, self.rows[:count], 0)

    def lost(self, shown: int) -> str:
        total = self.section.total
        if not self.rows:
            return "what is not covered"
        count = f"{total - shown:,} of" if shown else "all"
        return f"{count} {total:,} rows of {self.section.title}"


def _row(columns: Sequence[Column], cells: Sequence[str]) -> str:
    escaped = (_cell(text) if column.is_foreign and text else text for column, text in zip(columns, cells, strict=True))
    return f"| {' | '.join(escaped)} |"


def _cell(text: str) -> str:
    address = text.address if isinstance(text, Linked) else None
    return f"[{code(text)}]({address})" if address else code(text)
