"""What stands in for an interpreter in tests must be one to whoever starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warm import COLD, WarmInterpreter

IMPORTS = "import builtins, importlib.util; builtins.WARM = not importlib.util.find_spec('gone')"
IS_WARM = "import builtins; print(hasattr(builtins, 'WARM'))"


@pytest.fixture(scope="module")
def python() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, WarmInterpreter(Path(folder), IMPORTS, ("HF_GIVEN",)) as warm:
        yield warm.python


def said(*command: str, **more: object) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=60, **more).stdout.strip()


@pytest.mark.parametrize(
    ("options", "environment", "is_warm"),
    [
        ((), {}, True),
        (("-u",), {"HF_TOKEN": "x", "HF_GIVEN": "x", "ANYTHING": "x"}, True),
        ((), {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "TORCHINDUCTOR_CACHE_DIR": "x"}, True),
        ((), {"PYTHONPATH": "x"}, True),
        ((), {"HF_HOME": "x"}, False),
        ((), {"OMP_NUM_THREADS": "17"}, False),
        (("-I",), {}, False),
        (("-X", "dev"), {}, False),
    ],
)
def test_it_is_warm_where_nothing_that_is_read_at_the_start_is_otherwise(
    python: str, options: tuple[str, ...], environment: dict[str, str], is_warm: bool
) -> None:
    assert said(python, *options, "-c", IS_WARM, env={**os.environ, **environment}) == str(is_warm)


@pytest.mark.parametrize(
    ("name", "is_warm"),
    [
        ("mine.py", True),
        ("json.py", False),
        ("json/__init__.py", False),
        ("gone.so", False),
        ("sitecustomize.py", False),
    ],
)
def test_it_is_warm_where_a_folder_has_nothing_that_was_imported_or_looked_for(
    python: str, tmp_path: Path, name: str, is_warm: bool
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    code = f"{IS_WARM}; print(sys.path[1], sys.path[0])"
    places = os.pathsep.join([".", *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": places}
    assert said(python, "-c", f"import sys; {code}", cwd=tmp_path, env=environment) == f"{is_warm}\n{tmp_path}"


@pytest.mark.parametrize("value", ["1", "0", ""])
def test_what_a_library_has_read_before_is_read_again(value: str) -> None:
    code = "import huggingface_hub.constants as read; print(read.HF_HUB_DISABLE_IMPLICIT_TOKEN)"
    environment = {**os.environ, "HF_HUB_DISABLE_IMPLICIT_TOKEN": value}
    told = [said(python, "-c", code, env=environment) for python in (sys.executable, COLD)]
    assert told == [str(value == "1")] * 2


def test_it_has_what_it_was_given(python: str, tmp_path: Path) -> None:
    told = "__name__, sys.argv, sys.path[0], os.getcwd(), os.environ['A'], input(), sys.executable"
    (tmp_path / "program.py").write_text(f"import os, sys\nprint({told})\n")
    argv = [str(tmp_path / "program.py"), "-m", "x y"]
    told = said(python, "-m", "program", *argv[1:], cwd=tmp_path, env={**os.environ, "A": "b"}, input="line\n")
    assert told == f"__main__ {argv} {tmp_path} {tmp_path} b line {python}"
    assert said(python, "-c", "import sys; print(sys.argv, repr(sys.path[0]))", "1") == "['-c', '1'] ''"
    code = "import sys; print('' in sys.path); print(sum(name.partition('.')[0] == 'tests' for name in sys.modules))"
    assert said(python, "-P", "-c", code) == "False\n0"
    reading, writing = os.pipe()
    said(python, "-c", f"import os; os.write({writing}, b'here')", pass_fds=(writing,))
    os.close(writing)
    assert os.read(reading, 9) == b"here"
    assert os.read(reading, 9) == b"", "somebody else has it open"
    os.close(reading)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("raise ValueError", 1),
        ("import os; os._exit(9)", 9),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV),
    ],
)
def test_it_ends_as_what_it_runs(python: str, code: str, status: int) -> None:
    assert subprocess.run([python, "-c", code], stderr=subprocess.DEVNULL, check=False).returncode == status


def test_it_is_interrupted_as_what_it_runs(python: str) -> None:
    # No long sleep: Python sees a signal that comes just before it sleeps only when it has slept.
    waiting = "import time\ntry:\n  print(flush=True)\n  while True: time.sleep(0.1)\n"
    code = f"{waiting}except KeyboardInterrupt: raise SystemExit(130)"
    with subprocess.Popen([python, "-c", code], stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 130


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells two ends at once")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_who_kills_it_kills_what_it_runs(python: str, number: signal.Signals) -> None:
    code = "import os, time; os.setpgid(0, 0); print(os.getpid(), flush=True); time.sleep(600)"
    with subprocess.Popen([python, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        running = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(60) == -number
    for _ in range(600):
        try:
            os.kill(running, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("it goes on")
