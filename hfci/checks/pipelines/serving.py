"""A tiny model served: the pipeline of one task on its checkpoint, and what is asked of it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedConfig, pipeline

from hfci.catalog import read_row
from hfci.catalog.facts import forward_parameters
from hfci.checks.running import seeded
from hfci.errors import StageError
from hfci.tiny import TinyModel, tiny_config
from hfci.tiny.processors import KINDS, VOCABULARY, Refused, build_part

__all__ = ["Parameter", "Served", "Task", "load"]

# It has an overload for each task by name.
_make_pipeline: Any = pipeline

# How an output is told to be wrong: nothing, or what.
Problems = Iterator[str]


@dataclass(frozen=True)
class Served:
    """A tiny model, its task, and the pipeline that was loaded from its checkpoint."""

    tiny: TinyModel
    task: str
    pipe: Any

    def ask(self, given: Any, **options: Any) -> Any:
        """Return what the pipeline gives for `given`, drawing the same numbers each time.

        Raises StageError: `forward` where the model stops, and else `pipeline`.
        """
        try:
            with seeded(self.tiny):
                answer = self.pipe(given, **options)
                return answer if isinstance(answer, list | dict | tuple | torch.Tensor) else list(answer)
        except Exception as error:
            stage = "forward" if _is_of_model(error, type(self.pipe.model)) else "pipeline"
            raise StageError(stage, self.tiny.model_type, self.tiny.architecture, error) from error

    @property
    def labels(self) -> list[str]:
        """The names of the model's classes, by their numbers."""
        names: Mapping[int, str] = self.pipe.model.config.id2label
        return [names[number] for number in range(len(names))]


@dataclass(frozen=True)
class Parameter:
    """Options of a call, and what they must make of its output.

    `holds` is given the input, the output without them and the one with; `applies` tells whether the pipeline has them.
    """

    options: Mapping[str, Any]
    holds: Callable[[Served, Any, Any, Any], Problems]
    applies: Callable[[Served], bool] = lambda _: True


@dataclass(frozen=True)
class Task:
    """What a task is documented to take and to give.

    - `inputs`: three inputs of the real modality, no two alike
    - `form`: what is wrong with the output for one of them
    - `reads`: what is wrong with it by what the model itself gives
    - `options`: of every call; `parameters`: others, with what they do
    - `prepare`: what is done to a pipeline before it is asked; `iterates`: whether it may be given an iterator,
      `batches`: or be asked for batches
    - `listed`: several inputs at once; `unlisted`: the outputs for these, one each
    """

    inputs: Callable[[Served], Sequence[Any]]
    form: Callable[[Served, Any, Any], Problems]
    reads: Callable[[Served, Any, Any], Problems]
    options: Callable[[Served], dict[str, Any]] = lambda _: {}
    parameters: tuple[Parameter, ...] = ()
    prepare: Callable[[Served], None] = lambda _: None
    iterates: bool = True
    batches: bool = True
    listed: Callable[[Served, Sequence[Any]], Any] = lambda _, inputs: list(inputs)
    unlisted: Callable[[list[Any]], list[Any]] = list


def load(tiny: TinyModel, task: str, dtype: str = "auto") -> Any:
    """Return the pipeline of a task on the checkpoint of a tiny model, loaded once in a `dtype` for all who ask.

    Raises StageError (`pipeline`) where it cannot be loaded: of a processor that cannot be built here, why not.
    """
    if (task, dtype) not in tiny.pipelines:
        try:
            pipe = _make_pipeline(
                task,
                model=tiny.whole_checkpoint,
                dtype=dtype,
                device=tiny.device,
                model_kwargs=_parts_of_others(tiny, task),
            )
            _fit(pipe.tokenizer, tiny)
            tiny.pipelines[task, dtype] = pipe
        except Exception as error:
            cause = _refusal(tiny) or error
            raise StageError("pipeline", tiny.model_type, tiny.architecture, cause) from cause
    return tiny.pipelines[task, dtype]


def _parts_of_others(tiny: TinyModel, task: str) -> dict[str, Any]:
    """Return tiny parts of the configuration of a class that the registries list for the task of the checkpoint too.

    The pipeline may make such a class of the checkpoint, whose configuration has none of them: as large as its default.
    """
    own = type(tiny.config).__name__
    listed = read_row(tiny.config_type).architectures
    others = [one for one in listed if one.name != tiny.architecture and one.config != own and task in one.tasks]
    configs = [vars(tiny_config(tiny.config_type, other.name, vocabulary=VOCABULARY)) for other in others]
    parts = [item for config in configs for item in config.items()]
    return {name: part.to_dict() for name, part in parts if isinstance(part, PreTrainedConfig)}


def _is_of_model(error: BaseException, model: type[Any]) -> bool:
    """Tell whether an error has come through the modelling file of a class."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(frame.filename == sys.modules[model.__module__].__file__ for frame in frames)


def _fit(tokenizer: Any, tiny: TinyModel) -> None:
    """Let a tokenizer give nothing that its model does not take, and pad, as what is made of a checkpoint's files does.

    Pipelines ask for a token that pads before they make a batch.
    """
    if tokenizer is None:
        return
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    if "token_type_ids" not in forward_parameters(type(tiny.model)):
        tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]


def _refusal(tiny: TinyModel) -> Exception | None:
    """Return why a processor of its model type cannot be built here, if one cannot."""
    for kind, why in tiny.processors.errors.items():
        if kind == KINDS[-1]:  # it bundles the others
            return why
        try:
            build_part(tiny, kind)
        except Refused as error:
            return error
    return None
