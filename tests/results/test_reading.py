from __future__ import annotations

import json
import shutil
import tracemalloc
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
    assert tuple(results) == (GOOD, bad)
    assert (results.torn, results.missing, results.superseded) == (0, 0, 0)
    assert [head.run for head in results.headers] == ["x"]


@pytest.mark.parametrize("kept", [1, 40])
def test_a_torn_last_line_is_counted_and_its_case_missing(tmp_path: Path, kept: int) -> None:
    path = save(tmp_path, "x", GOOD, record("vit", "builds_tiny", "passed"))
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(whole[: last + kept])
    results = read_results([path])
    assert tuple(results) == (GOOD,)
    assert (results.torn, results.missing) == (1, 1)


def test_a_shard_cut_off_between_lines_is_missing_records(tmp_path: Path) -> None:
    save(tmp_path, "x", GOOD, planned=7)
    assert read_results([tmp_path]).missing == 6


def test_nothing_but_a_torn_header(tmp_path: Path) -> None:
    (tmp_path / "records-x.jsonl").write_text('{"schema": 1, "ru')
    results = read_results([tmp_path])
    assert (tuple(results), results.torn, results.missing) == ((), 1, 1)


def test_a_later_run_of_a_case_supersedes(tmp_path: Path) -> None:
    later = record("bert", "builds_tiny", "failed")
    save(tmp_path, "a", later, started="2026-02")
    save(tmp_path, "b", GOOD, started="2026-01")
    results = read_results([tmp_path])
    assert tuple(results) == (later,)
    assert results.superseded == 1


def test_a_link_in_a_folder_of_records_does_not_have_another_file_read(tmp_path: Path) -> None:
    path = save(tmp_path / "elsewhere", "x", GOOD)
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / path.name).symlink_to(path)
    with pytest.raises(UsageError, match=r"leads out of .*records by a symbolic link"):
        read_results([tmp_path / "records"])
    assert tuple(read_results([tmp_path / "records" / path.name])) == (GOOD,)


def test_the_same_run_twice(tmp_path: Path) -> None:
    path = save(tmp_path / "one", "x", GOOD)
    (tmp_path / "two").mkdir()
    copy = shutil.copy(path, tmp_path / "two")
    assert tuple(read_results([tmp_path, path])) == (GOOD,)
    with Path(copy).open("a") as file:
        file.write(path.read_text().splitlines()[1].replace("passed", "reused") + "\n")
    with pytest.raises(UsageError, match="differ, and are of the same attempt of run x"):
        read_results([tmp_path])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['{"schema": 0, "run": "x"}'], "records of schema 0, this hfci reads 1, 2, 3, 4, 5, 6, 7, 8"),
        (['{"schema": "new", "run": "x"}'], "records of schema 'new', this hfci reads 1, 2, 3, 4, 5, 6, 7, 8"),
        (['{"run": "x"}'], "x.jsonl:1: a header of records of schema None"),
        (['{"schema": 1, "run": "x"}'], ":1 is no header of records: it lacks started"),
        (["HEADER", '{"case": "x"}'], ":2 is no record of schema 8: .*missing required field `model_type`"),
        (["HEADER", '{"case": 5}'], ":2 is no record of schema 8: Expected `str`, got `int`"),
        (["HEADER", "[]"], ":2 is no record of schema 8: Expected `object`, got `array`"),
        (["HEADER", "{torn", "RECORD"], ":2 is no record of schema 8: JSON is malformed"),
        (["HEADER", "RECORD", "RECORD"], "two records of bert/bertModel/builds_tiny.device=cpu.; a file has one"),
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


def test_shards_of_one_run_are_one_run(tmp_path: Path) -> None:
    other = record("vit", "builds_tiny", "passed")
    save(tmp_path, "x", GOOD, shard=0)
    save(tmp_path, "x", other, shard=1, planned=3)
    save(tmp_path, "y", GOOD, started="2025")
    results = read_results([tmp_path])
    assert results.runs == ("y", "x")
    assert (len(results), results.superseded, results.missing) == (2, 1, 2)
    alone = results.of_run("x")
    assert tuple(alone) == (GOOD, other)
    assert [head.shard for head, _ in alone.parts()] == [0, 1]
    assert GOOD.case in alone
    assert results.of_run("y").superseded == 0


def test_a_second_attempt_supersedes_the_first_and_what_it_missed(tmp_path: Path) -> None:
    bad = record("bert", "builds_tiny", "failed")
    other = record("vit", "builds_tiny", "passed")
    # The first attempt is the later one by its clock: attempts are counted, clocks are not trusted.
    save(tmp_path, "x", bad, shard=0, planned=9, started="2027")
    save(tmp_path, "x", GOOD, other, shard=0, attempt=2)
    results = read_results([tmp_path])
    assert {one.case: one.outcome for one in results} == {GOOD.case: "passed", other.case: "passed"}
    assert (results.superseded, results.missing) == (1, 0)
    assert results.unsteady == {GOOD.case}


def test_two_runs_that_differ_are_not_unsteady(tmp_path: Path) -> None:
    save(tmp_path, "x", record("bert", "builds_tiny", "failed"))
    save(tmp_path, "y", GOOD)
    assert read_results([tmp_path]).unsteady == frozenset()


def test_what_was_expected_and_nobody_recorded_is_not_run(tmp_path: Path) -> None:
    save(tmp_path, "x", GOOD, planned=4)
    absent = [record(name, "builds_tiny", "not-run", reason="no records") for name in ("bert", "vit", "t5")]
    results = read_results([tmp_path]).lacking(absent)
    assert [one.model_type for one in results] == ["bert", "vit", "t5"]
    assert (len(results), results.missing) == (3, 1)


def test_records_of_schema_1_are_migrated(tmp_path: Path) -> None:
    path = save(tmp_path, "x", GOOD)
    head, line = (json.loads(part) for part in path.read_text().splitlines())
    old = {name: head[name] for name in ("run", "started", "commit", "versions", "device", "planned")}
    del line["setup_s"], line["call_s"]
    path.write_text(f"{json.dumps({'schema': 1, **old})}\n{json.dumps(line)}\n")
    results = read_results([path])
    assert tuple(results) == (GOOD,)
    (found,) = results.headers
    assert (found.schema, found.shard, found.attempt, found.names) == (8, None, 1, None)


def test_records_of_schema_2_are_migrated(tmp_path: Path) -> None:
    path = save(tmp_path, "x", GOOD)
    head, line = (json.loads(part) for part in path.read_text().splitlines())
    for name in ("processor", "capability", "threads", "workers", "variables", "packages"):
        del head[name]
    path.write_text(f"{json.dumps({**head, 'schema': 2})}\n{json.dumps(line)}\n")
    (found,) = read_results([path]).headers
    assert (found.schema, found.names, found.variables, found.machine, found.packages) == (8, (), None, "", None)


def test_reading_keeps_places_not_records(tmp_path: Path) -> None:
    # Each record carries 8 KB of text that is read, and gone before the next.
    heavy = [record("m", f"c{n}", "failed", message="x" * 8_000) for n in range(3_000)]
    path = save(tmp_path, "x", *heavy)
    del heavy
    tracemalloc.start()
    results = read_results([path])
    assert sum(1 for _ in results) == 3_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 24_000_000
    assert peak < 2_000_000
