from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from hfci.cases.case import Case
from hfci.cases.records import Error, Header, Record
from hfci.errors import UsageError
from hfci.planning.requirements import KEPT, KEPT_JOBS, KNOWN_PARTS, SCHEMA_FILE, Need, Requirements, load_requirements


def head(run: str, **fields: object) -> Header:
    known = {"started": "2026", "commit": None, "versions": {}, "device": "cpu", "planned": 1, "runner": "small"}
    return Header(run=run, **{**known, **fields})  # type: ignore[arg-type]


def record(name: str, seconds: float, memory: int | None = None, outcome: str = "passed") -> Record:
    error = Error("E", "no", "") if outcome == "failed" else None
    case = Case(name, "M", "f", "c", "smoke", "cpu")
    return Record.of(case, outcome, duration_s=seconds, peak_memory_bytes=memory, error=error)


A, B = (Case(name, "M", "f", "c", "smoke", "cpu").id for name in "ab")


def test_the_median_of_the_latest_and_the_largest_memory() -> None:
    known = Requirements()
    for number, seconds in enumerate([100.0, 1.0, 2.0, 9.0, 3.0, 4.0]):
        assert known.merge(head(f"r{number}"), [record("a", seconds, 10 * (6 - number))]) == 1
    assert known.need(A, "small") == Need(3.0, 50)
    assert len(known.runners["small"].cases[A]) == KEPT
    assert known.need(A, "large") is None
    assert known.need(B, "small") is None


def test_all_needs_of_a_runner_are_those_of_each_case() -> None:
    known = Requirements()
    for number in range(3):
        known.merge(head(f"r{number}"), [record("a", number, 5), record("b", 2 * number)])
    assert known.needs("small") == {case: known.need(case, "small") for case in (A, B)}
    assert known.needs("large") == {}


def test_a_lost_shard_loses_no_case(tmp_path: Path) -> None:
    known = Requirements()
    known.merge(head("r1", shard=0), [record("a", 1.0)])
    known.merge(head("r1", shard=1), [record("b", 2.0)])
    known.merge(head("r2", shard=0), [record("a", 3.0)])
    known.write(tmp_path / "needs.json")
    again = load_requirements(tmp_path / "needs.json")
    assert again == known
    assert again.need(B, "small") == Need(2.0)
    assert again.need(A, "small") == Need(2.0)


def test_a_second_merge_changes_nothing() -> None:
    known = Requirements()
    known.merge(head("r1"), [record("a", 1.0)])
    assert known.merge(head("r1"), [record("a", 9.0)]) == 0
    assert known.need(A, "small") == Need(1.0)
    assert known.merge(head("r1", attempt=2), [record("a", 3.0)]) == 1


def test_the_list_of_merged_parts_does_not_grow_for_ever() -> None:
    known = Requirements()
    parts = [head(f"r{number // 2}", shard=number % 2) for number in range(KNOWN_PARTS + 3)]
    for part in parts:
        assert known.merge(part, [record("a", 1.0)]) == 1
    runs = known.runners["small"].runs
    assert (len(runs), runs[0], runs[-1]) == (KNOWN_PARTS, "r1:1:1", f"r{(KNOWN_PARTS + 2) // 2}:0:1")
    assert known.merge(parts[-1], [record("a", 9.0)]) == 0


def test_only_what_ran_to_its_end_is_measured() -> None:
    known = Requirements()
    outcomes = ("failed", "unavailable", "not-applicable", "not-run", "reused")
    assert known.merge(head("r1"), [record(name, 1.0, outcome=name) for name in outcomes]) == 0
    assert known.runners["small"].cases == {}


def test_without_a_runner_it_is_the_device() -> None:
    known = Requirements()
    known.merge(head("r1", runner=None, device="cuda"), [record("a", 1.0)])
    assert known.need(A, "cuda") == Need(1.0)


def test_the_file_fits_its_schema_and_has_a_line_a_case(tmp_path: Path) -> None:
    known = Requirements()
    known.merge(head("r1"), [record("b", 1.23456, 7), record("a\n\"'", 0.5)])
    known.merge(head("r1", runner="large"), [record("a", 2.0)])
    path = tmp_path / "needs.json"
    known.write(path)
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema)
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith('  "')]
    assert len(lines) == 3
    assert f'  "{B}": [[1.235,7]]' in lines
    first = path.read_bytes()
    load_requirements(path).write(path)
    assert path.read_bytes() == first


def test_how_long_jobs_take_to_begin_is_kept_of_the_latest(tmp_path: Path) -> None:
    known = Requirements()
    known.merge(head("r"), [record("a", 1.0)])  # of an older hfci: it says neither
    for number in range(KEPT_JOBS + 3):
        known.merge(head(f"r{number}", set_up_s=float(number), start_up_s=0.5), [record("a", 1.0)])
    path = tmp_path / "needs.json"
    known.write(path)
    assert json.loads(path.read_text())["schema"] == 3
    found = load_requirements(path).runners["small"]
    assert found.set_up == [float(number) for number in range(3, KEPT_JOBS + 3)]
    assert found.start_up == [0.5] * KEPT_JOBS


def test_a_file_of_an_older_hfci_is_read(tmp_path: Path) -> None:
    path = tmp_path / "needs.json"
    path.write_text('{"schema": 1, "runners": {"small": {"runs": ["r:0:1"], "cases": {"x": [[1.5, 2]]}}}}')
    known = load_requirements(path)
    assert (known.need("x", "small"), known.runners["small"].set_up) == (Need(1.5, 2), [])


def test_no_file_is_a_beginning(tmp_path: Path) -> None:
    assert load_requirements(tmp_path / "none.json") == Requirements()
    Requirements().write(tmp_path / "empty.json")
    assert load_requirements(tmp_path / "empty.json") == Requirements()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no file of requirements"),
        (
            '{"schema": 4, "hfci": "1.2"}',
            r"json \(written by hfci 1.2\): .*requirements of schema 4, this hfci reads 1, 2, 3",
        ),
        (
            '{"schema": 1, "runners": {"a": {"runs": [], "cases": {"x": [["1", 2]]}}}}',
            r"runners\.a: cases\.x\[0\]: Expected `float`, got `str`",
        ),
        ('{"schema": 1, "other": 1}', "is no file of requirements: unknown key 'other'"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "needs.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_requirements(path)
