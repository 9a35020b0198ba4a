from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import jsonschema
import msgspec
import pytest

from hfci.cases.case import Case, case_id
from hfci.cases.records import SCHEMA_FILE, Header, Record, records_file
from hfci.errors import EnvironmentUnfit
from hfci.packages import addresses
from hfci.testing.record_writer import BEGAN, RecordWriter, new_header, new_run_id, set_up_seconds
from tests.warm import COLD

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def test_case_id_orders_the_axes() -> None:
    assert case_id("bert", "BertModel", "is_fine") == "bert/BertModel/is_fine[device=cpu]"
    full = case_id("b", "B", "c", dtype="float16", backend="eager", device="cuda", task="fill-mask")
    assert full == "b/B/c[task=fill-mask,device=cuda,backend=eager,dtype=float16]"


def test_schema_is_valid_and_names_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, kind in (("Record", Record), ("Header", Header)):
        described = SCHEMA["$defs"][name]
        assert sorted(described["properties"]) == sorted(described["required"]) == sorted(kind.__struct_fields__)


def test_lines_are_valid(tmp_path: Path) -> None:
    writer = RecordWriter(tmp_path / "deep" / "records-x.jsonl")
    writer.write(new_header("x", device="cpu", planned=1, folder=tmp_path))
    writer.write(Record.of(Case("a", None, None, None, "smoke", "cpu"), "not-run", reason="\ud800 é"))
    writer.close()
    for line in writer.path.read_text(encoding="utf-8").splitlines():
        jsonschema.validate(json.loads(line), SCHEMA)
    assert writer.lines == 2


@pytest.mark.parametrize("text", ["", "x", "nan", "-inf", "1e400", "0", "9" * 400, "٣"])
def test_who_says_no_time_at_which_a_job_began_says_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(BEGAN, text)
    assert set_up_seconds() is None


def test_how_long_a_job_has_set_itself_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BEGAN, raising=False)
    assert set_up_seconds() is None
    monkeypatch.setenv(BEGAN, str(int(time.time()) - 70))
    found = set_up_seconds()
    assert found is not None
    assert 69 < found < 90


def test_the_header_says_where_packages_come_from(tmp_path: Path) -> None:
    head = new_header("x", device="cpu", planned=1, folder=tmp_path)
    assert head.packages == addresses()
    assert "hfci" in addresses()  # which these tests are run on, from a folder


def test_a_failure_without_an_error_is_invalid() -> None:
    case = Case("a", "A", "f", "c", "smoke", "cpu")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(msgspec.to_builtins(Record.of(case, "failed")), SCHEMA)


def test_run_ids_sort_by_time_and_differ() -> None:
    assert new_run_id() != new_run_id()
    assert new_run_id()[:15].replace("T", "").isdigit()


def test_no_two_jobs_of_a_run_write_one_file(tmp_path: Path) -> None:
    jobs = [{}, {"shard": 0}, {"shard": 11}, {"shard": 1, "attempt": 1}, {"attempt": 2}, {"shard": 1, "attempt": 2}]
    heads = [new_header("x", device="cpu", planned=1, folder=tmp_path, **job) for job in jobs]
    names = {records_file(head) for head in heads}
    assert len(names) == len(jobs)
    assert all(name.startswith("records-x") and name.endswith(".jsonl") for name in names)


def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentUnfit, match="cannot write records"):
        RecordWriter(tmp_path / "file" / "records-x.jsonl")


def test_full_disk_keeps_whole_lines(tmp_path: Path) -> None:
    # The limit on a file's size gives the same half-written line as a full disk does.
    code = (
        "import resource, sys; from pathlib import Path; from hfci.testing.record_writer import RecordWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); writer = RecordWriter(Path(sys.argv[1]))\n"
        "for number in range(9): writer.write({'number': number, 'padding': 'x' * 20})"
    )
    path = tmp_path / "records-x.jsonl"
    done = subprocess.run([COLD, "-c", code, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot write records" in done.stderr
    assert "2 lines are kept" in done.stderr
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [0, 1]
    assert path.read_text().endswith("\n")
