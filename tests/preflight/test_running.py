"""Stages run in a child process, each within its time: one that hangs is killed, and Ctrl-C ends all of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from importlib import metadata
from pathlib import Path

import pytest

from hfci.cli import main
from hfci.errors import EnvironmentUnfit, UsageError
from hfci.preflight.configuration import Request
from hfci.preflight.diagnosis import diagnoses
from hfci.preflight.running import preflight
from hfci.preflight.stages import STAGES, Found, stage_names
from tests.preflight.conftest import failure
from tests.warm import COLD


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    """A YAML file that nobody ever writes: to read it takes for ever."""
    file = tmp_path / "model.yaml"
    os.mkfifo(file)
    return file


def workers(of: int) -> list[int]:
    """Return those children of the process `of` that run stages."""
    found = subprocess.run(
        ["pgrep", "--parent", str(of), "--full", "from hfci.preflight.worker import main"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(line) for line in found.stdout.split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_stage_that_hangs_is_killed_when_its_time_is_up(hanging: Path, tmp_path: Path) -> None:
    begun = time.monotonic()
    log = tmp_path / "preflight.log"
    result = preflight(Request(file=str(hanging)), limits={"configuration": 1.0}, log=log)
    assert time.monotonic() - begun < 8.0
    (stage, *others) = result.stages
    assert (stage.outcome, result.exit_code) == ("failed", 4)
    diagnosis = failure(result, "configuration")
    assert diagnosis.code == "timeout"
    assert "configuration was not done within 1 seconds" in diagnosis.cause
    assert {other.outcome for other in others} <= {"not-run"}
    assert workers(os.getpid()) == []


def test_ctrl_c_ends_the_child_and_keeps_what_was_found(hanging: Path, tmp_path: Path) -> None:
    command = [COLD, "-m", "hfci", "preflight", "--config", str(hanging), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20.0
        while not (children := workers(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in told
    assert children
    assert not any(map(is_alive, children))
    result = json.loads((tmp_path / "out" / "preflight.json").read_text(encoding="utf-8"))
    assert result["stages"][0]["outcome"] == "interrupted"
    assert result["exit_code"] == 130


def test_a_child_does_not_outlive_who_started_it(hanging: Path, tmp_path: Path) -> None:
    command = [COLD, "-m", "hfci", "preflight", "--config", str(hanging), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 20.0
        while not (children := workers(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.kill()
    assert children
    while any(map(is_alive, children)) and time.monotonic() < deadline + 10.0:
        time.sleep(0.1)
    assert not any(map(is_alive, children))


def test_until_names_a_stage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean configuration"):
        preflight(Request(model="m"), until="configration")
    assert main(["preflight", "m", "--until", "configuration", "--out", str(tmp_path)]) == 0
    assert main(["preflight", "--out", str(tmp_path)]) == 2
    assert main(["preflight", "m", "--model-args", "dtpe=auto", "--out", str(tmp_path)]) == 2
    with pytest.raises(SystemExit, match="2"):
        main(["preflight", "m", "--limit", "load=never"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_a_log_that_cannot_be_written_is_told() -> None:
    with pytest.raises(EnvironmentUnfit, match="cannot write /dev/full: No space left"):
        preflight(Request(model="m"), until="configuration", log=Path("/dev/full"))


def test_what_is_no_text_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="is no text"):
        preflight(Request(model="\udcff\udcfe"))


def test_versions_are_those_of_where_the_stages_run() -> None:
    result = preflight(Request(model="m"), until="configuration")
    assert result.found.configuration is not None
    versions = result.found.configuration.versions
    assert versions["transformers"] == metadata.version("transformers")
    assert {"python", "torch", "huggingface_hub", "tokenizers"} <= versions.keys()


def test_no_secret_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "a-token-of-my-own")
    arguments = ["token=a-token-of-my-own", "dtype=a-token-of-my-own"]
    assert main(["preflight", "a-token-of-my-own", "--model-args", *arguments, "--out", str(tmp_path)]) == 2
    written = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert len(written) == 3
    assert not any("a-token-of-my-own" in text for text in (*written, *capfd.readouterr()))


def test_the_stages_are_those_of_the_taxonomy_and_of_what_is_found() -> None:
    names = [stage.name for stage in STAGES]
    assert [*Found.__struct_fields__] == names
    for stage in STAGES:
        assert set(stage.needs) <= set(names[: names.index(stage.name)])
    for row in diagnoses().values():
        assert row.stages


def test_the_parent_imports_neither_torch_nor_the_hub() -> None:
    code = (
        "import sys; from hfci.cli import main\n"
        "try: main(['preflight', '--help'])\n"
        "except SystemExit: pass\n"
        "import hfci.preflight.running\n"
        "print(sorted({'torch', 'transformers', 'huggingface_hub', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([COLD, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[]\n")
    assert stage_names()[-1] == "report"
