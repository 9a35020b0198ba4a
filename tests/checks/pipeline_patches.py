"""What is done to pipelines to break them: each takes a pipeline, whatever its task."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from PIL import Image

from hfci.checks.pipelines.serving import Served
from hfci.checks.pipelines.tasks import TASKS

__all__ = ["always_as_at_first", "another_in_a_list", "deaf_to_parameters", "out_of_form"]


_INPUTS = 3


def out_of_form(pipe: Any) -> None:
    """Let everything that the pipeline gives be larger, longer or cut."""
    whole = pipe.postprocess
    pipe.postprocess = lambda *arguments, **options: _spoilt(whole(*arguments, **options))


def _spoilt(output: Any) -> Any:
    if isinstance(output, dict):
        return {name: _spoilt(value) for name, value in output.items()}
    if isinstance(output, list | tuple):
        return type(output)(map(_spoilt, output)) if type(output) in (list, tuple) else output
    if isinstance(output, Image.Image):
        return output.resize((3, 5))
    if isinstance(output, torch.Tensor | np.ndarray):
        return output[..., :1] + 1
    if isinstance(output, bool) or output is None:
        return output
    return f"{output}?" if isinstance(output, str) else output + 70


def always_as_at_first(pipe: Any) -> None:
    """Let the pipeline give whatever it gave for its first input."""
    whole, first = pipe.postprocess, []

    def postprocess(*arguments: Any, **options: Any) -> Any:
        output = whole(*arguments, **options)
        first.append(output)
        return first[0]

    pipe.postprocess = postprocess


def another_in_a_list(pipe: Any) -> None:
    """Let what is asked after the three inputs one by one be another."""
    whole, calls = pipe.postprocess, itertools.count(1)

    def postprocess(*arguments: Any, **options: Any) -> Any:
        output = whole(*arguments, **options)
        return output if next(calls) <= _INPUTS else _spoilt(output)

    pipe.postprocess = postprocess


def deaf_to_parameters(pipe: Any) -> None:
    """Let the pipeline hear only of the options that every call has."""
    whole = pipe._sanitize_parameters
    heard = TASKS[pipe.task].options(Served(None, pipe.task, pipe))  # type: ignore[arg-type]
    pipe._sanitize_parameters = lambda **options: whole(**{name: heard[name] for name in options if name in heard})
