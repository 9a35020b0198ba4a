"""Annotations, read as GitHub's runner reads them: the worst first, within its limits, and nothing but annotations."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfci.cases.records import Error, Frame
from hfci.results import read_results
from hfci.results.annotations import annotate
from hfci.results.comparison import Shift, baseline_of, compare_results
from hfci.results.expiring import Expiring
from hfci.results.lost import Lost
from hfci.results.summary import Changed, Flaky, Summary, summarize
from hfci.results.tally import Failure
from hfci.results.text import clean

from .rendered import HOSTILE, hostile_texts
from .support import record, save


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    data: str


def parse(line: str) -> Command:
    """Read a line as `ActionCommand.TryParseV2` of actions/runner does; raises ValueError where it finds no command.

    What it does not find there it looks for as `##[name]` anywhere in the line.
    """
    text = line.lstrip()
    if not text.startswith("::") or (end := text.find("::", 2)) < 0:
        raise ValueError("no command")
    name, _, rest = text[2:end].partition(" ")
    properties = {}
    for pair in filter(None, rest.strip().split(",")):
        key, equals, value = pair.partition("=")
        if equals:
            properties[key] = unescape(value, {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"})
    return Command(name, properties, unescape(text[end + 2 :], {"%0D": "\r", "%0A": "\n", "%25": "%"}))


def unescape(text: str, codes: dict[str, str]) -> str:
    return re.sub("|".join(codes), lambda found: codes[found[0]], text)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    folder = tmp_path_factory.mktemp("good")
    save(folder, "x", record("good", "c", "passed"))
    results = read_results([folder])
    return summarize(results, compare_results(results, baseline_of(results)))


def failure(name: str, outcome: str = "failed", **fields: Any) -> Failure:
    return Failure(name, outcome, "check", f"ValueError: {name}", f"hfci run {name}", **fields)


def test_nothing_is_said_of_what_is_good(good: Summary) -> None:
    assert annotate(good) == []


def test_the_worst_comes_first(tmp_path: Path) -> None:
    names = ("a", "b", "c", "d", "gone")
    save(tmp_path / "old", "old", *(record(name, "c", "failed" if name == "d" else "passed") for name in names))
    error = Error("ValueError", "x,y: 50%\nand more", "", Frame("transformers/a.py", 12, "A.f", "raise"))
    ended = [
        record("a", "c", "not-run", reason="lost"),
        record("b", "c", "failed", error=error, reproduce="hfci run b"),
        record("c", "c", "unavailable", reason="needs timm"),
        record("d", "c", "failed"),
    ]
    save(tmp_path / "new", "new", *ended)
    results = read_results([tmp_path / "new"])
    summary = summarize(results, compare_results(results, baseline_of(read_results([tmp_path / "old"]))))
    found = [parse(line) for line in annotate(summary, {"src/transformers/a.py"})]
    assert [(command.name, command.properties["title"]) for command in found] == [
        ("error", f"newly failed at check: {ended[1].case}"),
        ("error", f"newly not-run: {ended[0].case}"),
        ("error", "vanished: gone/goneModel/c[device=cpu]"),
        ("error", f"failed at check: {ended[3].case}"),
        ("warning", f"no longer tested: {ended[2].case}"),
    ]
    assert found[0].data == "ValueError: x,y: 50%\ntransformers/a.py:12 in A.f\nreproduce: hfci run b"
    assert (found[0].properties["file"], found[0].properties["line"]) == ("src/transformers/a.py", "12")
    assert "file" not in found[1].properties
    assert found[2].data == "passed in run old, and not in this one\nreproduce: hfci run gone --check c --device cpu"
    assert found[4].data == "was passed, is unavailable: needs timm"


@pytest.mark.parametrize("count", [0, 9, 10, 11, 5_000])
def test_no_more_than_ten_of_a_kind_and_the_last_says_how_many_more(good: Summary, count: int) -> None:
    many = [f"m{i}" for i in range(count)]
    summary = replace(
        good,
        regressions=tuple(map(failure, many)),
        unavailable=tuple(Changed(name, "passed", "unavailable", "") for name in many),
        slower=tuple(Shift(name, "duration_s", 1.0, 9.0) for name in many),
    )
    found = [parse(line) for line in annotate(summary)]
    for kind in ("error", "warning", "notice"):
        titles = [command.properties["title"] for command in found if command.name == kind]
        assert len(titles) == min(count, 10)
        if count > 10:
            assert titles[-1] == f"{count - 9:,} more like this"
            titles.pop()
        assert all(title.endswith(name) for title, name in zip(titles, many, strict=False))
    assert len(found) <= 50


def test_ledger_entries_shifts_and_flakes_are_told(good: Summary) -> None:
    summary = replace(
        good,
        expiring=(Expiring("near", "2027-01-03", 2, "why", "l"), Expiring("over", "2026-12-31", -1, "why", "l")),
        slower=(Shift("s", "duration_s", 1.0, 4.5, "run9", "c0ffee" * 7),),
        heavier=(Shift("h", "peak_memory_bytes", 2.0**30, 2.0**31),),
        flaky=(Flaky("f", 5, 2, "run8"), Flaky("u")),
    )
    found = [(name, properties["title"], data) for name, properties, data in map(parse, annotate(summary))]
    assert found == [
        ("warning", "ledger entry near", "expires in 2 day(s), on 2027-01-03; then its cases fail\nwhy"),
        ("warning", "ledger entry over", "expires 1 day(s) ago, on 2026-12-31; then its cases fail\nwhy"),
        ("notice", "slower: s", "1.00 s before, 4.50 s now, since run run9 (commit c0ffeec0ffee)"),
        ("notice", "heavier: h", "1,024 MiB before, 2,048 MiB now"),
        ("notice", "flaky: f", "5 passed and 2 failed on the same code"),
        ("notice", "flaky: u", "two attempts of this run ended differently"),
    ]


def test_records_that_nobody_wrote_are_an_error(tmp_path: Path) -> None:
    save(tmp_path, "x", record("a", "c", "passed"), planned=1_235)
    (found,) = map(parse, annotate(summarize(read_results([tmp_path]))))
    assert (found.name, found.properties["title"]) == ("error", "not-run: 1,234 case(s) without a record")


def hostile(good: Summary, text: Any) -> Summary:
    return replace(
        good,
        regressions=(
            Failure(
                *(text(), "failed", text(), text(), text()),
                **{"since": text(), "since_commit": text(), "runs": 1, "file": text(), "line": 3, "place": text()},
            ),
        ),
        unavailable=(Changed(text(), "passed", "unavailable", text()),),
        expiring=(Expiring(text(), "2027-01-03", 2, text(), text()),),
        lost=(Lost(text(), text()), Lost(text(), text(), text())),
        slower=(Shift(text(), "duration_s", 1.0, 4.5, text(), text()),),
        flaky=(Flaky(text(), 1, 1, text()),),
    )


def check_inert(lines: list[str]) -> list[Command]:
    for line in lines:
        assert len(line.splitlines()) == 1
        assert "##[" not in line
        assert "\x1b" not in line
    found = [parse(line) for line in lines]
    assert [command.name for command in found] == ["error", "error", "warning", "warning", "notice", "notice"]
    for command in found:
        assert command.properties.keys() <= {"file", "line", "title"}
        # What the runner prints of it is not read for commands again; in its log, groups begin at the head of a line.
        assert not any(line.lstrip().startswith(("::", "##[")) for line in command.data.split("\n"))
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_begins_no_other_command(good: Summary, text: str) -> None:
    summary = hostile(good, lambda: text)
    check_inert(annotate(summary, {f"src/{text}"}))


@given(st.data())
def test_no_text_begins_another_command(good: Summary, data: st.DataObject) -> None:
    summary = hostile(good, lambda: data.draw(hostile_texts))
    found = check_inert(annotate(summary, {f"src/{summary.regressions[0].file}"}))
    title = clean(f"flaky: {summary.flaky[0].case}").replace("##[", "## [")
    assert found[-1].properties["title"] == (title if len(title) <= 200 else found[-1].properties["title"])


def test_what_is_as_long_as_a_book_is_cut(good: Summary) -> None:
    long = "x%:," * 1_000_000
    summary = replace(good, regressions=(Failure(long, "failed", long, long, long, since=long, runs=1),) * 10)
    assert all(len(line) < 10_000 for line in annotate(summary))
