"""lm-evaluation-harness evaluates with the very command that preflight shows, alone and under accelerate."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hfci.preflight import Request, preflight
from tests.warm import COLD

pytest.importorskip("lm_eval")

TASK = "greetings"
QUESTIONS = [("Hello,", ["world!", "stone!"]), ("Good", ["morning", "table"]), ("How are", ["you?", "it?"])]
LIMIT = 2


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """Return a folder with a task of the test's own, and its questions."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [{"question": question, "choices": choices, "answer": 0} for question, choices in QUESTIONS]
    questions = folder / "questions.jsonl"
    questions.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    task = {
        "task": TASK,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(questions)}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{question}}",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "answer",
        "metric_list": [{"metric": "acc"}],
    }
    (folder / f"{TASK}.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    return folder


def command(folder: Path, model: dict[str, Any], performance: dict[str, Any], until: str) -> list[str]:
    """Return the words of the command that preflight shows for such a configuration, which it finds good."""
    file = folder / "evaluation.yaml"
    evaluation = {"tasks": [TASK], "limit": LIMIT}
    settings = {"model": model, "performance": performance, "evaluation": evaluation}
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    result = preflight(Request(file=str(file)), until=until)
    assert result.failures == ()
    assert result.found.configuration is not None
    return shlex.split(result.found.configuration.command)


def evaluate(words: list[str], tasks: Path, folder: Path, **variables: str) -> tuple[dict[str, Any], str]:
    """Run the command, with the test's task beside those that there are; return the results, and what it printed."""
    path = f"{Path(COLD).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*words, "--include_path", str(tasks), "--output_path", str(folder / "results")],
        env={**os.environ, "PATH": path, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (written,) = (folder / "results").rglob("results_*.json")
    return json.loads(written.read_text(encoding="utf-8")), done.stdout


def check_results(results: dict[str, Any], model: Path) -> None:
    """Assert that both questions of the limit were asked of the model."""
    assert 0 <= results["results"][TASK]["acc,none"] <= 1
    assert results["n-samples"][TASK] == {"original": len(QUESTIONS), "effective": LIMIT}
    assert results["config"]["model_args"]["pretrained"] == str(model)


def test_the_command_evaluates(checkpoint: Path, tasks: Path, tmp_path: Path) -> None:
    model = {"name": str(checkpoint), "dtype": "float32", "max_length": 64}
    words = command(tmp_path, model, {"device": "cpu", "batch_size": 2}, until="report")
    assert words[:2] == ["lm_eval", "run"]
    results, _ = evaluate(words, tasks, tmp_path)
    check_results(results, checkpoint)
    assert results["config"]["model_dtype"] == "torch.float32"
    assert results["config"]["batch_size"] == "2"
    assert results["config"]["device"] == "cpu"
    assert results["max_length"] == 64


def test_the_command_of_accelerate_evaluates_in_two_processes(checkpoint: Path, tasks: Path, tmp_path: Path) -> None:
    model = {"name": str(checkpoint), "dtype": "float32"}
    # Without two GPUs, what comes before `load` plans for them, and the same command runs on two processes of the CPU.
    words = command(tmp_path, model, {"use_accelerate": True, "num_gpus": 2, "memory": "1GiB"}, until="rehearsal")
    assert words[:5] == ["accelerate", "launch", "--num_processes", "2", "--multi_gpu"]
    results, said = evaluate(words, tasks, tmp_path, ACCELERATE_USE_CPU="true")
    check_results(results, checkpoint)
    # lm-evaluation-harness says so where accelerate counts several processes. It shares the questions out among GPUs
    # alone: here each process asks them all, and the first writes what came of it.
    assert said.count("Using `accelerate launch`") == 2
