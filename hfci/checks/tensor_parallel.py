"""Does a model whose weights are split over two processes compute what it does in one?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file

from hfci.checks.agreement import disagreements
from hfci.checks.applicability import NotApplicable
from hfci.checks.running import outputs_of, outside_cache
from hfci.checks.tensors import floating
from hfci.errors import Deviates, StageError

if TYPE_CHECKING:
    from hfci.tiny import TinyModel

__all__ = ["SIZE", "tensor_parallel_equals_single"]

# So many processes share the weights, and those take at most so many seconds: they import transformers each.
SIZE, LIMIT_S = 2, 200
CHILD = "hfci.checks.tensor_parallel_child"


def tensor_parallel_equals_single(tiny: TinyModel) -> None:
    """Assert that loaded by its plan for tensor parallelism into two processes, a model gives what it gives in one.

    They speak by gloo, and meet in a file that only they know. Something must really be split: a plan that fits no
    weight is red. What a cache holds is not compared: each keeps the heads that are its own. Raises StageError (`run`)
    where one of them stops.
    """
    plan = dict(tiny.model.tp_plan or {})
    if not plan:
        raise NotApplicable("its plan for tensor parallelism speaks of no module that a model of this size has")
    inputs = {name: value for name, value in tiny.inputs().items() if isinstance(value, torch.Tensor)}
    wanted = outputs_of(tiny, dict(inputs))
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        save_file({name: value.contiguous() for name, value in inputs.items()}, Path(folder, "inputs.safetensors"))
        Path(folder, "model.json").write_text(
            json.dumps({"checkpoint": tiny.checkpoint, "class": type(tiny.model).__name__, "plan": plan}), "utf-8"
        )
        _run(tiny, folder)
        split = json.loads(Path(folder, "split.json").read_text(encoding="utf-8"))
        got = load_file(Path(folder, "outputs.safetensors"))
    if not split:
        raise AssertionError(f"none of its weights is split, although its plan names {', '.join(list(plan)[:5])}")
    shared = floating(outside_cache(tiny, wanted))
    if problems := disagreements(tiny, got, shared, lambda: floating(outputs_of(tiny, dict(inputs)))):
        raise Deviates(f"in two processes it gives another {'; '.join(map(str, problems[:5]))}", problems[0])


def _run(tiny: TinyModel, folder: str) -> None:
    """Run the processes to their end; StageError where one of them does not come to it."""
    environment = {**os.environ, "WORLD_SIZE": str(SIZE), "OMP_NUM_THREADS": "1"}
    started: list[subprocess.Popen[str]] = []
    try:
        for rank in range(SIZE):
            own = {**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)}
            command = [sys.executable, "-m", CHILD, folder]
            started.append(subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True))  # noqa: S603
        said = [process.communicate(timeout=LIMIT_S)[1] for process in started]
    except subprocess.TimeoutExpired as error:
        raise StageError("run", tiny.model_type, tiny.architecture, error) from error
    finally:
        for process in started:
            process.kill()
            process.wait()
    failed = [text for process, text in zip(started, said, strict=True) if process.returncode]
    if failed:
        last = next((line for line in reversed(failed[0].strip().splitlines()) if line[:1].strip()), "without a word")
        cause = RuntimeError(last)
        raise StageError("run", tiny.model_type, tiny.architecture, cause) from cause
