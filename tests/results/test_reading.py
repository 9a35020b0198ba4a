from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hfci.errors import NothingToDo, UsageError
from hfci.results import read_results

from .support import record, save

GOOD = record("bert", "builds_tiny", "passed")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    bad = record("bert", "forward_is_finite", "failed", message="a\nb")
    save(tmp_path / "shard", "x", GOOD, bad)
    results = read_results([tmp_path])
    assert results.records == (GOOD, bad)
    assert (results.torn, results.missing, results.superseded) == (0, 0, 0)
    assert [head["run"] for head in results.headers] == ["x"]


@pytest.mark.parametrize("kept", [1, 40])
def test_a_torn_last_line_is_counted_and_its_case_missing(tmp_path: Path, kept: int) -> None:
    path = save(tmp_path, "x", GOOD, record("vit", "builds_tiny", "passed"))
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(whole[: last + kept])
    results = read_results([path])
    assert results.records == (GOOD,)
    assert (results.torn, results.missing) == (1, 1)


def test_a_shard_cut_off_between_lines_is_missing_records(tmp_path: Path) -> None:
    save(tmp_path, "x", GOOD, planned=7)
    assert read_results([tmp_path]).missing == 6


def test_nothing_but_a_torn_header(tmp_path: Path) -> None:
    (tmp_path / "records-x.jsonl").write_text('{"schema": 1, "ru')
    results = read_results([tmp_path])
    assert (results.records, results.torn) == ((), 1)


def test_a_later_run_of_a_case_supersedes(tmp_path: Path) -> None:
    later = record("bert", "builds_tiny", "failed")
    save(tmp_path, "a", later, started="2026-02")
    save(tmp_path, "b", GOOD, started="2026-01")
    results = read_results([tmp_path])
    assert results.records == (later,)
    assert results.superseded == 1


def test_the_same_run_twice(tmp_path: Path) -> None:
    path = save(tmp_path / "one", "x", GOOD)
    (tmp_path / "two").mkdir()
    copy = shutil.copy(path, tmp_path / "two")
    assert read_results([tmp_path, path]).records == (GOOD,)
    with Path(copy).open("a") as file:
        file.write(path.read_text().splitlines()[1].replace("passed", "reused") + "\n")
    with pytest.raises(UsageError, match="two files of run x differ"):
        read_results([tmp_path])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['{"schema": 0, "run": "x"}'], "records of schema 0; this hfci reads 1"),
        (['{"run": "x"}'], "begins with a header"),
        (['{"schema": 1, "run": "x"}'], "the header lacks device, planned, started"),
        (["HEADER", '{"case": "x"}'], "exactly the fields of schema 1"),
        (["HEADER", "[]"], "a record is an object"),
        (["HEADER", "{torn", "RECORD"], ":2 is not JSON"),
    ],
)
def test_what_is_no_records_file_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    path = save(tmp_path, "x", GOOD)
    header, line = path.read_text().splitlines()
    text = "".join(f"{part}\n".replace("HEADER", header).replace("RECORD", line) for part in lines)
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_results([tmp_path])


def test_no_results(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo):
        read_results([tmp_path])
    with pytest.raises(UsageError, match="no such file or folder"):
        read_results([tmp_path / "nowhere"])


def test_records_are_plain_json(tmp_path: Path) -> None:
    path = save(tmp_path, "x", GOOD)
    assert json.loads(path.read_text().splitlines()[1])["case"] == GOOD.case
