"""What a user, a workflow or a file can get wrong: one clear error each, with its exit code, before anything runs."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hfci.cases.manifest import load_manifest
from hfci.errors import UsageError, nearest
from tests.results.support import record, save
from tests.warm import COLD

from .test_cli import INSTALLED, generated, records, run

NESTED = "[" * 100_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "1" * 23], "must be a whole number from 0"),
        (["--seed", "-1"], "must be a whole number from 0"),
        (["--timeout", "-1"], "must be seconds from 0, which is without limit"),
        (["--timeout", "nan"], "must be seconds from 0"),
        (["--timeout", "inf"], "must be seconds from 0"),
        (["--timeout", "soon"], "must be seconds from 0"),
        (["--device", "gpu"], "Did you mean cuda?"),
        (["--device", "CUDA:1"], "Did you mean cuda?"),
        (["--device", "cudda"], "no device 'cudda'"),
        (["--shard", "plan.json:" + "1" * 5_000], "a shard is PLAN:INDEX"),
        (["GOOD"], "Did you mean good, goodModel?"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value)[:30],
)
def test_one_error_with_exit_code_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    generated(tmp_path / "generated", good="assert True")
    done = run("run", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 4_000
    assert not (tmp_path / "results").exists()


def test_an_attempt_that_is_no_number(tmp_path: Path) -> None:
    generated(tmp_path / "generated", good="assert True")
    done = run("run", "good", cwd=tmp_path, GITHUB_RUN_ATTEMPT="abc")
    assert done.returncode == 2
    assert (
        done.stderr == "hfci: GITHUB_RUN_ATTEMPT must be the number of this attempt at the job, not 'abc': unset it\n"
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plan.json", ["run", "--shard", "plan.json:0"]),
        ("pyproject.toml", ["plan"]),
        ("manifest.json", ["report", ".", "--manifest", "manifest.json"]),
        ("records-x.jsonl", ["report", "."]),
    ],
)
def test_a_file_of_nothing_but_brackets(name: str, arguments: list[str], tmp_path: Path) -> None:
    generated(tmp_path / "generated", good="assert True")
    (tmp_path / name).write_text(f"{'a = ' if name.endswith('toml') else ''}{NESTED}\n")
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("value", ["-1e308", "1e308", "-0.1"])
def test_a_duration_that_cannot_be(value: str, tmp_path: Path) -> None:
    path = save(tmp_path / "out", "r1", record("cat", "forward", "passed"))
    assert run("report", "out", cwd=tmp_path).returncode == 0
    *lines, last = path.read_text().splitlines()
    changed = {**json.loads(last), "duration_s": float(value)}
    path.write_text("\n".join([*lines, json.dumps(changed)]) + "\n")
    done = run("report", "out", cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "duration_s" in done.stderr


@pytest.mark.parametrize("ledger", [None, "schema = 7\n"], ids=["missing", "broken"])
def test_a_plan_reads_the_ledger_too(ledger: str | None, tmp_path: Path) -> None:
    generated(tmp_path / "generated", good="assert True")
    (tmp_path / "pyproject.toml").write_text('[tool.hfci]\nledger = "mine.toml"\n')
    if ledger is not None:
        (tmp_path / "mine.toml").write_text(ledger)
    done = run("plan", "good", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "mine.toml" in done.stderr


# Capitals, and other names of a thing.


@pytest.mark.parametrize(
    ("name", "found"), [("BERT", "bert"), ("EvollaModl", "EvollaModel"), ("gpu", "cuda"), ("Metal", "mps"), ("q", None)]
)
def test_the_nearest_name(name: str, found: str | None) -> None:
    said = nearest(name, ["bert", "EvollaModel", "cuda", "mps"])
    assert said == (f" Did you mean {found}?" if found else "")


def test_a_synonym_of_what_is_not_known_here_is_a_name_like_others() -> None:
    assert nearest("gpu", ["gpus"]) == " Did you mean gpus?"


# A folder that others use too.


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Make a project that has a `generated/manifest.json` of its own, and its own settings of pytest."""
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "manifest.json").write_text('{"name": "an app", "icons": []}\n')
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --cov --reruns 3\npython_files = none\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not for others')\n")
    subprocess.run(["git", "init", "--quiet", "."], cwd=tmp_path, check=True)
    return tmp_path


def test_a_project_of_its_own_is_left_alone(foreign: Path) -> None:
    before = subprocess.check_output(["git", "status", "--porcelain", "-uall"], cwd=foreign, text=True)
    extra = {"PYTEST_ADDOPTS": "--cov --reruns 3 -k nothing", "PYTEST_PLUGINS": "no_such_plugin", "PYTEST_THEME": "?"}
    arguments = ("run", "bert", "--check", "builds_tiny", "--results", ".hfci/out")
    done = run(*arguments, cwd=foreign, **extra)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line["outcome"] for line in records(foreign / ".hfci" / "out")] == ["passed"]
    assert records(foreign / ".hfci" / "out")[0]["reproduce"] == "hfci run bert --check builds_tiny --device cpu"
    assert subprocess.check_output(["git", "status", "--porcelain", "-uall"], cwd=foreign, text=True) == before
    assert run("report", ".hfci/out", cwd=foreign).returncode == 0
    plan = run("plan", "bert", cwd=foreign)
    assert plan.returncode == 2
    assert "generated/manifest.json is somebody else's" in plan.stderr
    done = run("plan", "bert", "--generated", f".hfci/generated-{INSTALLED}", cwd=foreign)
    assert done.returncode == 0, done.stderr


def test_two_runs_at_once_outside_a_checkout(tmp_path: Path) -> None:
    done: dict[str, subprocess.CompletedProcess[str]] = {}

    def start(name: str) -> Callable[[], None]:
        def work() -> None:
            asked = ("run", name, "--check", "builds_tiny", "--workers", "1", "--results", f"out/{name}")
            done[name] = run(*asked, cwd=tmp_path)

        return work

    names = ("bert", "gpt2")
    threads = [threading.Thread(target=start(name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: one.returncode for name, one in done.items()} == dict.fromkeys(names, 0), done
    rows = load_manifest(tmp_path / ".hfci" / f"generated-{INSTALLED}" / "manifest.json").model_types
    assert {row.model_type for row in rows if row.cases} == set(names)


def test_a_lock_of_one_that_was_killed_keeps_nobody_waiting(tmp_path: Path) -> None:
    (tmp_path / ".hfci").mkdir()
    lock = tmp_path / ".hfci" / f"generated-{INSTALLED}.lock"
    hold = (
        f"import filelock, time; filelock.FileLock({str(lock)!r}).acquire(); print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([COLD, "-c", hold], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.wait()
    assert run("run", "bert", "--check", "builds_tiny", cwd=tmp_path).returncode == 0


def test_a_shard_index_is_short(tmp_path: Path) -> None:
    from hfci.planning.plan import parse_shard

    with pytest.raises(UsageError, match="a shard is PLAN:INDEX"):
        parse_shard(f"{tmp_path}/plan.json:{'9' * 5_000}")
