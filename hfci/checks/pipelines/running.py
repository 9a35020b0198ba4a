"""The checks of pipelines: they run, give what is documented, and what the model itself gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import excused, names_excepted
from hfci.checks.half_precision import lacks_kernels
from hfci.checks.pipelines.comparing import difference
from hfci.checks.pipelines.serving import Served, Task, load
from hfci.checks.pipelines.tasks import TASKS
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["pipeline_follows_its_parameters", "pipeline_runs", "pipeline_runs_in_bfloat16"]

# Whoever is not asked these says something else of what is padded.
_PADDED = ("attention_mask_hides_padding", "left_padded_generation_equals_unpadded")


def pipeline_runs(tiny: TinyModel, task: str) -> None:
    """Assert that the pipeline of a task gives for one input, a list, an iterator and a batch the documented output.

    The output is, too, what the model gives itself. Raises StageError (`pipeline`).
    """
    served, about = _serve(tiny, task)
    inputs, options = [*about.inputs(served)], about.options(served)
    single = [served.ask(given, **options) for given in inputs]
    for place, (given, output) in enumerate(zip(inputs, single, strict=True)):
        _require(f"input {place}", about.form(served, given, output))
        _require(f"input {place}", about.reads(served, given, output))
    if _reads_padding(tiny, task):
        inputs, single = [inputs[0]] * len(inputs), [single[0]] * len(single)
    for how, output in _asked_otherwise(served, about, inputs):
        if (said := difference(single, output)) is not None:
            raise AssertionError(f"{how} gives other outputs than its inputs one by one: {said}")


def pipeline_follows_its_parameters(tiny: TinyModel, task: str) -> None:
    """Assert that each main parameter of a task does what it is documented to. Raises StageError (`pipeline`)."""
    served, about = _serve(tiny, task)
    given, options = about.inputs(served)[0], about.options(served)
    plain = served.ask(given, **options)
    known = [parameter for parameter in about.parameters if parameter.applies(served)]
    if not known:
        raise NotApplicable(f"its pipeline has none of the parameters of others for {task}")
    for parameter in known:
        output = served.ask(given, **{**options, **parameter.options})
        named = ", ".join(f"{name}={value!r:.60}" for name, value in parameter.options.items())
        _require(named, parameter.holds(served, given, plain, output))


def pipeline_runs_in_bfloat16(tiny: TinyModel, task: str) -> None:
    """Assert that the pipeline of a task, loaded in bfloat16, gives for one input the documented output.

    The numbers are rounded, and not compared. Raises StageError (`pipeline`), NotApplicable where torch has no kernels
    for the model in it.
    """
    served, about = _serve(tiny, task, "bfloat16")
    if torch.bfloat16 not in (loaded := {parameter.dtype for parameter in served.pipe.model.parameters()}):
        raise AssertionError(f"pipeline({task!r}, dtype='bfloat16') loads a model in {', '.join(map(str, loaded))}")
    given = about.inputs(served)[0]
    try:
        output = served.ask(given, **about.options(served))
    except StageError as error:
        if lacks_kernels(error):
            raise NotApplicable(f"torch has no kernels for it here: {error.__cause__}") from error
        raise
    _require("in bfloat16", about.form(served, given, output))


def _serve(tiny: TinyModel, task: str, dtype: str = "auto") -> tuple[Served, Task]:
    """Return the pipeline, of the model's own class, and what its task is.

    Raises NotApplicable where an exception says that it is not served.
    """
    if (why := names_excepted(tiny, "pipeline_runs", "unserved").get(task)) is not None:
        raise NotApplicable(why)
    served, about = Served(tiny, task, load(tiny, task, dtype)), TASKS[task]
    if (loaded := type(served.pipe.model).__name__) != tiny.architecture:
        raise AssertionError(f"pipeline({task!r}) loads a {loaded} of the checkpoint of {tiny.architecture}")
    about.prepare(served)
    return served, about


def _asked_otherwise(served: Served, about: Task, inputs: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    options = about.options(served)
    yield "a list", about.unlisted(served.ask(about.listed(served, inputs), **options))
    if about.iterates:
        yield "an iterator", served.ask((given for given in inputs), **options)
    if about.batches:
        several = (given for given in inputs) if about.iterates else list(inputs)
        yield "batch_size=2", served.ask(several, batch_size=2, **options)


def _reads_padding(tiny: TinyModel, task: str) -> bool:
    """Tell whether an exception says that what is padded in a batch, as the shorter input is, gives something else."""
    return task in names_excepted(tiny, "pipeline_runs", "reads_padding") or any(
        excused(tiny, name) for name in _PADDED
    )


def _require(what: str, problems: Iterator[str]) -> None:
    if (said := next(problems, None)) is not None:
        raise AssertionError(f"{what}: {said}")
