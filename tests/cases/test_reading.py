"""The one reader of records, as planning meets it; what reporting makes of it stands in tests/results."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hfci.cases.reading import find_parts
from hfci.cases.records import SCHEMA
from hfci.errors import UsageError
from hfci.planning.fingerprinting.green_records import read_ended
from hfci.results import read_results
from tests.results.support import record, save
from tests.warm import COLD

GREEN = record("cat", "forward", "passed", fingerprint="f")
READERS = {"report": lambda folder: list(read_results([folder])), "plan": lambda folder: list(read_ended([folder]))}


@pytest.fixture(params=READERS.values(), ids=READERS)
def read(request: pytest.FixtureRequest) -> object:
    return request.param


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"schema": ', '"schema": 1', f"records of schema 1{SCHEMA}"),
        ('"outcome": "passed"', '"outcome": "perfect"', ":2 is no record"),
        ('"outcome": "passed"', '"outcome": "passed", "of_a_newer_hfci": 1', ":2 is no record"),
        ('{"case"', '{"ca', ":2 is no record"),
        ('"check": "forward"', '"check": "\udcff"', ":2 is no record"),
        ('"schema": ', '"run": "\udcff", "schema": ', ":1 is no header of records: .*(?i:utf-8)"),
        ('"check": "forward"', f'"check": {"[" * 100_000}', ":2 is no record"),
    ],
)
def test_an_older_green_does_not_outlive_a_later_file_that_cannot_be_read(
    tmp_path: Path, read: object, old: str, new: str, said: str
) -> None:
    save(tmp_path, "old", GREEN, started="2026-01-01T00:00:00+00:00")
    later = save(tmp_path, "later", GREEN, started="2026-02-01T00:00:00+00:00")
    text = later.read_text()
    assert old in text
    later.write_text(text.replace(old, new), errors="surrogateescape")
    assert callable(read)
    with pytest.raises(UsageError, match=said):
        read(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "dangling link", "folder"])
def test_what_bears_the_name_of_a_records_file_and_is_none_is_told(tmp_path: Path, read: object, kind: str) -> None:
    save(tmp_path, "old", GREEN)
    place = tmp_path / "records-later.jsonl"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(tmp_path / "nowhere")
    assert callable(read)
    if kind == "folder":  # of whatever name, it is looked into
        assert len(read(tmp_path)) == 1
        return
    with pytest.raises(UsageError, match=r"records-later.jsonl is no file that can be read"):
        read(tmp_path)


AS_NOBODY = """
import os, sys
from pathlib import Path
from hfci.errors import UsageError
from hfci.planning.fingerprinting.green_records import read_ended
from hfci.results import read_results
if os.getuid() == 0:
    os.setuid(65534)
for read in (read_results, read_ended):
    try:
        print(len(list(read([Path(sys.argv[1])]))))
    except UsageError as error:
        print(error)
"""


@pytest.mark.parametrize("locked", ["a folder", "a file"])
def test_what_may_not_be_read_is_told_and_not_passed_over(locked: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to anybody else
        folder = Path(name)
        folder.chmod(0o755)
        save(folder / "open", "old", GREEN)
        shut = save(folder / "shut", "later", record("cat", "forward", "failed"))
        (shut if locked == "a file" else shut.parent).chmod(0)
        try:
            done = subprocess.run([COLD, "-c", AS_NOBODY, name], capture_output=True, text=True, check=False, cwd="/")
        finally:
            shut.parent.chmod(0o755)
    said = f"cannot read the records {shut}" if locked == "a file" else f"cannot look for records in {shut.parent}"
    assert done.stdout.splitlines() == [f"{said}: Permission denied"] * 2, done.stderr


def test_the_oldest_run_comes_first_and_of_copies_there_is_one(tmp_path: Path) -> None:
    save(tmp_path / "b", "later", GREEN, started="2026-02-01T00:00:00+00:00")
    path = save(tmp_path / "a", "first", GREEN, started="2026-01-01T00:00:00+00:00", shard=1)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "copy" / "records-torn.jsonl").write_text('{"schema": 2, "ru')
    parts, torn = find_parts([tmp_path])
    assert [part.head.run for part in parts] == ["first", "later"]
    assert torn == 1
