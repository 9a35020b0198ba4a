"""Executed lines: what workers wrote of them, put together and shown."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from hfci.cases.executed_lines import ExecutedLines, Function, LinesHeader, lines_file, read_executed_lines
from hfci.errors import UsageError
from hfci.results import read_results, summarize
from hfci.results.dashboard import write_dashboard
from hfci.results.executed_lines import Reach, reaches
from hfci.results.markdown import render_summary
from hfci.results.terminal import print_summary

from .support import record, save

HOSTILE = "<img src=x onerror=alert(1)>.forward"


def told(model_type: str, file: str, **functions: tuple[tuple[int, ...], tuple[int, ...]]) -> ExecutedLines:
    found = {name: Function(*lines) for name, lines in functions.items()}
    return ExecutedLines(model_type=model_type, file=file, functions=found)


def write(folder: Path, worker: str, *lines: ExecutedLines, run: str = "x", cut: int = 0) -> Path:
    path = folder / lines_file({"run": run}, worker)
    text = b"".join(msgspec.json.encode(line) + b"\n" for line in (LinesHeader(run=run), *lines))
    path.write_bytes(text[: len(text) - cut])
    return path


def test_what_any_worker_executed_is_executed() -> None:
    first = told("bert", "bert.py", forward=((2,), (3, 4)), unused=((), (8, 9)), empty=((), ()))
    second = told("bert", "bert.py", forward=((3,), (2, 4)), unused=((), (8, 9)), empty=((), ()))
    (found,) = reaches([first, second])
    assert found == Reach("bert", ("bert.py",), executed=2, lines=5, unentered=(("unused", 2),))
    assert found.share == 2 / 5


def test_a_shared_file_counts_for_each_as_all_executed_it_and_the_least_comes_first() -> None:
    found = reaches(
        [
            told("tower", "clip.py", image=((1, 2), ()), text=((), (5,))),
            told("clip", "clip.py", image=((), (1, 2)), text=((5,), ())),
            told("bert", "bert.py", forward=((2,), (3,))),
        ]
    )
    assert [(each.model_type, each.executed, each.lines) for each in found] == [
        ("bert", 1, 2),
        ("clip", 3, 3),
        ("tower", 3, 3),
    ]


def test_files_of_the_run_are_read_and_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    whole, torn = told("bert", "bert.py", forward=((2,), ())), told("gpt2", "gpt2.py", forward=((2,), ()))
    write(tmp_path, "gw0", whole, torn, cut=5)
    write(tmp_path, "gw1", torn, run="another")
    write(tmp_path, "gw2", cut=3)
    assert list(read_executed_lines([tmp_path], ["x"])) == [whole]


@pytest.mark.parametrize(
    "line",
    [
        b'{"model_type": "bert"}',
        b"nonsense",
        b'{"model_type": "bert", "file": "b.py", "functions": {"f": {"executed": [0], "missing": []}}}',
    ],
)
def test_a_line_that_tells_nothing_is_an_error_with_its_number(tmp_path: Path, line: bytes) -> None:
    path = write(tmp_path, "gw0")
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(UsageError, match=rf"{path.name}:2 tells no executed lines"):
        list(read_executed_lines([tmp_path], ["x"]))


def test_a_newer_schema_names_the_hfci_that_wrote_it(tmp_path: Path) -> None:
    path = write(tmp_path, "gw0")
    path.write_bytes(path.read_bytes().replace(b'"schema":1', b'"schema":99').replace(b"0.1.0", b"9.9"))
    with pytest.raises(UsageError, match=r"written by hfci 9\.9"):
        list(read_executed_lines([tmp_path], ["x"]))


def test_every_page_shows_them_and_escapes_names(tmp_path: Path) -> None:
    save(tmp_path, "x", record("bert", "builds_tiny", "passed"))
    function = Function((2,), (3,))
    line = ExecutedLines(model_type="bert", file="b.py", functions={"f": function, HOSTILE: Function((), (7, 8, 9))})
    results = read_results([tmp_path])
    summary = summarize(results, reaches=reaches([line]))
    median = "20.0% in the median of 1 model types"
    page = render_summary(summary)
    assert median in page
    rows = MarkdownIt("commonmark").enable("table").render(page)
    assert "&lt;img src=x onerror=alert(1)&gt;.forward (3)" in rows.replace("&amp;", "&")
    assert "<img" not in rows
    shown = io.StringIO()
    print_summary(summary, Console(file=shown, width=200))
    assert median in shown.getvalue()
    write_dashboard(tmp_path / "index.html", results, summary)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert median in html
    assert "&lt;img src=x onerror=alert(1)&gt;.forward (3)" in html
    assert "<img" not in html


def test_without_a_measurement_nothing_is_said(tmp_path: Path) -> None:
    save(tmp_path, "x", record("bert", "builds_tiny", "passed"))
    summary = summarize(read_results([tmp_path]))
    write_dashboard(tmp_path / "index.html", read_results([tmp_path]), summary)
    assert "Executed lines" not in render_summary(summary) + (tmp_path / "index.html").read_text(encoding="utf-8")
