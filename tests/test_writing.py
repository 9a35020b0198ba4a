from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from hfci.errors import EnvironmentUnfit, UsageError
from hfci.writing import replacing
from tests.warm import COLD


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    for content in (b"first", b"2"):
        with replacing(path) as file:
            file.write(content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_others_may_read_it_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "file") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_an_exception_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with contextlib.suppress(ZeroDivisionError), replacing(path) as file:
        file.write(b"x" * 100_000)
        raise ZeroDivisionError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_link_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    with replacing(tmp_path / "link") as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "file").read_bytes() == b"x"


def test_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(UsageError, match=f"cannot write {path}: it is no regular file"), replacing(path):
            pass
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_an_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "below"
    with pytest.raises(EnvironmentUnfit, match=f"cannot write {path}: "), replacing(path):
        pass


def test_an_error_of_another_file_names_it_too(tmp_path: Path) -> None:
    lacking = tmp_path / "records-x.jsonl"
    wanted = r"cannot write .*/page: No such file or directory \(.*/records-x.jsonl\)$"
    with pytest.raises(EnvironmentUnfit, match=wanted), replacing(tmp_path / "page"):
        lacking.read_text()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path) -> None:
    # The limit on a file's size gives the same error of the same call as a full disk does.
    code = (
        "import resource, sys; from pathlib import Path; from hfci.writing import replacing\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "with replacing(Path(sys.argv[1])) as file: file.write(b'x' * 20_000)"
    )
    path = tmp_path / "page"
    path.write_text("before")
    done = subprocess.run([COLD, "-c", code, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"EnvironmentUnfit: cannot write {path}: File too large; the earlier file is as it was" in done.stderr
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_leaves_the_earlier_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hfci.writing import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n"
        "    for _ in range(10**6): file.write(b'x' * 1000); print(flush=True)"
    )
    path = tmp_path / "page"
    path.write_text("before")
    with subprocess.Popen([COLD, "-c", code, path], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert path.read_text() == "before"
