"""docs/engines.md: what it says of the file, and that its examples work."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from hfci.cli import make_parser
from hfci.configuration import load_configuration
from hfci.planning.plan import SCHEMA_FILE
from tests.warm import COLD

from .test_cli import generated
from .test_cli_plan import plan

PAGE = (Path(__file__).parent.parent / "docs" / "engines.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with generated tests, the runners of the page and its scripts, and with a plan."""
    generated(tmp_path / "generated", **dict.fromkeys(("one", "two", "three"), "pass"))
    (runners,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "pyproject.toml").write_text(runners.replace('["functional", "deep"]', '["smoke"]'))
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text)
    done = plan("--shards", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_the_runners_of_the_page_are_understood(folder: Path) -> None:
    runners = load_configuration(folder).runners
    assert (runners["cpu"].runs_on, runners["a100"].runs_on) == ("ubuntu-24.04", ("gpu", "a100"))


def test_the_page_tells_every_key_of_the_file() -> None:
    parts = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))["$defs"]
    table = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", table)) >= set(parts["Plan"]["properties"]) - {"schema"}
    (shard,) = re.findall(r"^A shard has (.*?)\n\n", PAGE, re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", shard)) == set(parts["Shard"]["properties"])


def test_every_plan_and_run_command_is_understood() -> None:
    commands = set(re.findall(r"hfci ((?:plan|run)(?: [\w./:-]+)+)(?=[`\n{])", PAGE))
    assert len(commands) >= 5
    for command in commands:
        assert make_parser().parse_args(command.split()).run


def test_a_child_pipeline_has_a_job_for_each_shard_and_the_report(folder: Path) -> None:
    subprocess.run([COLD, "gitlab_child.py"], cwd=folder, check=True)
    pipeline = json.loads((folder / "child.yml").read_text())
    made = json.loads((folder / "plan.json").read_text())
    jobs = {name: job for name, job in pipeline.items() if name not in ("stages", "default")}
    assert [*jobs] == [*(shard["name"] for shard in made["shards"]), "report"]
    assert {tuple(jobs[name]["tags"]) for name in jobs if name != "report"} == {("ubuntu-24.04",), ("gpu", "a100")}
    scripts = [line for name in jobs if name != "report" for line in jobs[name]["script"]]
    assert scripts == [f"hfci run --shard plan.json:{index} --results results/" for index in range(len(made["shards"]))]
    assert "needs" not in jobs["report"]
    made["shards"] = []
    (folder / "plan.json").write_text(json.dumps(made))
    subprocess.run([COLD, "gitlab_child.py"], cwd=folder, check=True)
    (only,) = (job for name, job in json.loads((folder / "child.yml").read_text()).items() if name == "report")
    assert only["needs"] == [{"pipeline": "$PARENT_PIPELINE_ID", "job": "plan"}]


def test_an_array_runs_the_shards_of_its_runner(folder: Path) -> None:
    """A stand-in for Slurm runs each task of the array at once, one of them a second time."""
    programs = folder / "bin"
    programs.mkdir()
    log = folder / "log"
    hfci = f'echo "$GITHUB_RUN_ATTEMPT $*" >> {log}; [ "$1" != plan ] || exec {COLD} -m hfci "$@"'
    sbatch = f"""
echo "sbatch $*" >> {log}
for word in "$@"; do case "$word" in --array=*)
  for task in $(echo "${{word#--array=}}" | tr , ' '); do SLURM_ARRAY_TASK_ID=$task bash shard.sh; done
  SLURM_RESTART_COUNT=1 SLURM_ARRAY_TASK_ID=$task bash shard.sh
esac; done
echo 4711"""
    for name, text in {"hfci": hfci, "sbatch": sbatch}.items():
        (programs / name).write_text(f"#!/bin/bash\nset -u; GITHUB_RUN_ATTEMPT=${{GITHUB_RUN_ATTEMPT:-}}\n{text}\n")
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    subprocess.run(["bash", "submit.sh"], cwd=folder, env={**kept, "PATH": path}, check=True, capture_output=True)
    shards = json.loads((folder / "plan.json").read_text())["shards"]
    assert {shard["runner"] for shard in shards} == {"a100"}
    lines = log.read_text().splitlines()
    expected = [f"1 run --shard plan.json:{shard['index']} --results results/" for shard in shards]
    assert [line for line in lines if " run --shard" in line][:-1] == expected
    assert [line for line in lines if line.startswith("2 run")] == ["2" + expected[-1][1:]]
    assert any("--dependency=afterany:4711" in line and "--wrap hfci report results/" in line for line in lines)
