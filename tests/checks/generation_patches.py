"""What is done to models to break what they generate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import LogitsProcessor, LogitsProcessorList

from hfci.catalog.facts import forward_parameters

from .class_patches import as_subclass

__all__ = [
    "ends_where_no_maximum_is_set",
    "forgets",
    "generating_without",
    "images_in_turns",
    "in_eval_mode_from_then_on",
    "louder_where_encoded",
    "positions_of_its_first_text",
    "prepares_no",
    "reads_no_cache_in_train_mode",
    "rows_in_turns",
    "scores_of_another_length",
    "seeds_itself",
    "tokens_of_labels_unshifted",
    "writes_its_rows_in_turns",
    "writes_less_each_time",
    "writes_what_it_wrote_first",
]


def forgets(argument: str) -> Callable[[nn.Module], None]:
    """Return a patch by which a model is called as though it had not been given an argument."""

    def hook(_: nn.Module, given: Any, options: dict[str, Any]) -> Any:
        return given, {name: value for name, value in options.items() if name != argument}

    def patch(model: nn.Module) -> None:
        model.register_forward_pre_hook(hook, with_kwargs=True)

    patch.__name__ = f"forgets_{argument}"
    return patch


def ends_where_no_maximum_is_set(model: Any) -> None:
    """Let a model's generate take a maximum length that is unset for one that is reached."""

    def prepared(self: Any, *given: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        settings, rest = whole._prepare_generation_config(self, *given, **options)
        if settings.max_length is None:
            settings.max_new_tokens = 1
        return settings, rest

    whole = as_subclass(model, _prepare_generation_config=prepared)


def prepares_no(*arguments: str) -> Callable[[nn.Module], None]:
    """Return a patch by which a model's generate does not show it these arguments, at any step."""

    def patch(model: Any) -> None:
        @functools.wraps(type(model).prepare_inputs_for_generation)  # which generate holds against what it is given
        def prepared(self: Any, *given: Any, **options: Any) -> dict[str, Any]:
            inputs = whole.prepare_inputs_for_generation(self, *given, **options)
            return {name: value for name, value in inputs.items() if name not in arguments}

        whole = as_subclass(model, prepare_inputs_for_generation=prepared)

    patch.__name__ = f"prepares_no_{arguments[0]}"
    return patch


def positions_of_its_first_text(model: Any) -> None:
    """Let a model's generate have of each text the positions that it found for the first."""

    def prepared(self: Any, *given: Any) -> Tensor:
        if not hasattr(self, "first"):
            self.first = whole._prepare_position_ids_for_generation(self, *given)
        return self.first

    whole = as_subclass(model, _prepare_position_ids_for_generation=prepared)


def generating_without(kind: type[LogitsProcessor]) -> Callable[[Any], None]:
    """Return a patch by which a model's generate ignores the option that a processor of this kind stands for."""

    def patch(model: Any) -> None:
        def chosen(self: Any, *given: Any, **options: Any) -> LogitsProcessorList:
            every = whole._get_logits_processor(self, *given, **options)
            return LogitsProcessorList(each for each in every if not isinstance(each, kind))

        whole = as_subclass(model, _get_logits_processor=chosen)

    patch.__name__ = f"generating_without_{kind.__name__}"
    return patch


def rows_in_turns(model: Any) -> None:
    """Let a model's generate take the rows in turns for its beams and samples, and not the copies of each together."""

    def in_turns(value: Any, copies: int) -> Any:
        return value.unflatten(0, (-1, copies)).transpose(0, 1).flatten(0, 1) if isinstance(value, Tensor) else value

    def expanded(self: Any, expand_size: int = 1, **options: Any) -> Any:
        texts, inputs = whole._expand_inputs_for_generation(self, expand_size=expand_size, **options)
        for each in (inputs, inputs.get("encoder_outputs") or {}):
            for name, value in list(each.items()):
                each[name] = in_turns(value, expand_size)
        return in_turns(texts, expand_size), inputs

    whole = as_subclass(model, _expand_inputs_for_generation=expanded)


def images_in_turns(model: Any) -> None:
    """Let a model's generate repeat the images of a text one by one for its beams, and not all of them together."""

    def expanded(self: Any, tokens: Any, encoded: dict[str, Any], expand_size: int = 1, **options: Any) -> Any:
        given = whole._expand_multimodal_outputs(self, tokens, encoded, expand_size=expand_size, **options)
        images = list(given["image"].pooler_output)
        first = images[: len(images) // expand_size]
        given["image"].pooler_output = [image for image in first for _ in range(expand_size)]
        return given

    whole = as_subclass(model, _expand_multimodal_outputs=expanded)


def scores_of_another_length(model: Any) -> None:
    """Let a model's generate give its beams scores as if their texts were longer."""

    def generate(self: Any, *given: Any, **options: Any) -> Any:
        outputs = whole.generate(self, *given, **options)
        if (scores := outputs.get("sequences_scores")) is not None:
            outputs.sequences_scores = scores / 2
        return outputs

    whole = as_subclass(model, generate=generate)


def louder_where_encoded(model: nn.Module) -> None:
    """Let a model read twice of what its encoder gave, where that is given to it."""

    def hook(_: nn.Module, given: Any, options: dict[str, Any]) -> Any:
        if (encoded := options.get("encoder_outputs")) is not None:
            options["encoder_outputs"] = type(encoded)(**{**encoded, "last_hidden_state": 2 * encoded[0]})
        return given, options

    model.register_forward_pre_hook(hook, with_kwargs=True)


def tokens_of_labels_unshifted(model: Any) -> None:
    """Let a model take labels for the tokens that its decoder reads, when it is asked for those."""
    model.prepare_decoder_input_ids_from_labels = lambda labels: labels.clamp(min=0)


def in_eval_mode_from_then_on(model: Any) -> None:
    """Let a model's generate put it into eval mode, and leave it there."""

    def generate(self: Any, *given: Any, **options: Any) -> Any:
        return whole.generate(self.eval(), *given, **options)

    whole = as_subclass(model, generate=generate)


def reads_no_cache_in_train_mode(model: nn.Module) -> None:
    """Let a model ignore the cache that it is given in train mode."""
    name = forward_parameters(type(model))["cache"]

    def hook(self: nn.Module, given: Any, options: dict[str, Any]) -> Any:
        return given, {key: value for key, value in options.items() if key != name or not self.training}

    model.register_forward_pre_hook(hook, with_kwargs=True)


def made_by_generate(change: Callable[[Any, Any], Any]) -> Callable[[nn.Module], None]:
    """Return a patch by which a model's own generate gives what `change` makes of the model and what it made."""

    @functools.wraps(change)
    def patch(model: Any) -> None:
        @functools.wraps(type(model).generate)  # whose arguments say what it takes
        def generate(self: Any, *given: Any, **options: Any) -> Any:
            return change(self, whole.generate(self, *given, **options))

        whole = as_subclass(model, generate=generate)

    return patch


@made_by_generate
def writes_its_rows_in_turns(_: Any, made: Tensor) -> Tensor:
    return made.flip(0)


@made_by_generate
def writes_what_it_wrote_first(model: Any, made: Any) -> Any:
    model.first = getattr(model, "first", made)
    return model.first


@made_by_generate
def writes_less_each_time(model: Any, made: Tensor) -> Tensor:
    model.times = getattr(model, "times", 0) + 1
    return made[:, model.times :]


def seeds_itself(model: Any) -> None:
    """Let a model's generate draw other numbers each time, whatever the seed."""

    @functools.wraps(type(model).generate)
    def generate(self: Any, *given: Any, **options: Any) -> Any:
        torch.seed()
        return whole.generate(self, *given, **options)

    whole = as_subclass(model, generate=generate)
