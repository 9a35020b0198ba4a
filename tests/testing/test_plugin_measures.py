"""What a run measures, and says of itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .support import by_check, read_lines, run_pytest, write_test

MEASURED = """
import time

SIZE = 300 * 2**20

def test_has_the_threads_and_kernels_that_the_header_says():
    import torch

    assert (torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()) == (2, "DEFAULT")

@pytest.fixture
def slow():
    time.sleep(0.3)

def test_is_slow_to_prepare(slow):
    time.sleep(0.1)

def test_a_is_heavy():
    assert len(bytearray(b"x") * SIZE) == SIZE

def test_b_is_light():
    time.sleep(0.01)
"""


SLOW_KERNELS = {"ATEN_CPU_CAPABILITY": "default"}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("measures")
    for command in (["init", "--quiet", "--initial-branch", "topic/one"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    write_test(folder, "measured", MEASURED)
    done = run_pytest(folder, "--hfci-seed", "7", "--hfci-threads", "2", GITHUB_RUN_ATTEMPT="2", **SLOW_KERNELS)
    assert done.returncode == 0, done.stdout
    header, records = read_lines(folder / "out")
    return header, by_check(records)


def test_setup_and_call_are_told_apart(lines: tuple[dict[str, Any], dict[str, dict[str, Any]]]) -> None:
    found = lines[1]["measured.is_slow_to_prepare"]
    assert found["setup_s"] >= 0.3
    assert 0.1 <= found["call_s"] < found["setup_s"]
    assert found["duration_s"] >= found["setup_s"] + found["call_s"] - 1e-3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak")
def test_peak_memory_is_that_of_the_case_not_of_the_process(
    lines: tuple[dict[str, Any], dict[str, dict[str, Any]]],
) -> None:
    heavy, light = (lines[1][f"measured.{name}"]["peak_memory_bytes"] for name in ("a_is_heavy", "b_is_light"))
    assert heavy > light + 250 * 2**20


def test_the_header_says_attempt_seed_and_branch(lines: tuple[dict[str, Any], dict[str, dict[str, Any]]]) -> None:
    header, records = lines
    assert (header["attempt"], header["branch"], header["shard"]) == (2, "topic/one", None)
    assert {record["attempt"] for record in records.values()} == {2}


def test_the_header_says_what_machine_the_cases_ran_on(
    lines: tuple[dict[str, Any], dict[str, dict[str, Any]]],
) -> None:
    header, records = lines
    assert header["processor"]
    assert (header["capability"], header["threads"], header["workers"]) == ("DEFAULT", 2, 1)
    assert header["variables"] == SLOW_KERNELS
    assert header["start_up_s"] > 0
    assert header["set_up_s"] is None  # it is no shard of a job
    command = records["measured.is_slow_to_prepare"]["reproduce"]
    assert command.startswith("ATEN_CPU_CAPABILITY=default pytest ")
    assert command.endswith("--hfci-seed 7 --hfci-threads 2")


def test_workers_say_what_machine_they_are(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_test(tmp_path, name, "def test_it():\n    assert 1 + 1 == 2\n")
    assert run_pytest(tmp_path, "--numprocesses", "2", **SLOW_KERNELS).returncode == 0
    header, _ = read_lines(tmp_path / "out")
    assert (header["capability"], header["threads"], header["workers"]) == ("DEFAULT", 1, 2)


def test_a_repeated_job_writes_another_file(tmp_path: Path) -> None:
    write_test(tmp_path, "one", "def test_it():\n    assert 1 + 1 == 2\n")
    assert run_pytest(tmp_path, GITHUB_RUN_ATTEMPT="3").returncode == 0
    (path,) = (tmp_path / "out").iterdir()
    assert path.name.endswith("-attempt3.jsonl")
