"""Ways to break what a head makes of its labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers.loss.loss_utils import ForMaskedLMLoss

__all__ = [
    "any_place_may_hold_an_answer",
    "each_number_with_each",
    "every_problem_as_regression",
    "ignored_places_counted",
    "labels_changed",
    "noisy_copies_are_seen",
    "shifted_once_more",
    "the_first_object_of_each_row",
    "without_the_shift",
]


def labels_changed(edit: Callable[[Any], Any]) -> Callable[[nn.Module], None]:
    """Return a patch by which a model takes other labels than those that it is given."""

    def hook(_: nn.Module, given: Any, named: dict[str, Any]) -> Any:
        return given, {name: edit(value) if name == "labels" else value for name, value in named.items()}

    def patch(module: nn.Module) -> None:
        module.register_forward_pre_hook(hook, with_kwargs=True)

    patch.__name__ = edit.__name__
    return patch


def any_place_may_hold_an_answer(scores: nn.Module) -> None:
    """Have what scores places as starts or ends of a span not be told which hold none."""

    def hook(_: nn.Module, given: Any, named: dict[str, Any]) -> Any:
        return given, named | {"p_mask": None}

    scores.register_forward_pre_hook(hook, with_kwargs=True)


def shifted_once_more(labels: Tensor) -> Tensor:
    return torch.nn.functional.pad(labels[:, 1:], (0, 1), value=-100)


def the_first_object_of_each_row(labels: Any) -> Any:
    return [{name: value[:1] for name, value in row.items()} for row in labels]


def ignored_places_counted(labels: Tensor) -> Tensor:
    return labels.masked_fill(labels < 0, 1)


def every_problem_as_regression(model: nn.Module) -> None:
    model.loss_function = lambda labels, logits, *_, **__: (logits.mean() - labels.float().mean()) ** 2


def without_the_shift(model: nn.Module) -> None:
    model.loss_function = ForMaskedLMLoss


def each_number_with_each(model: Any) -> None:
    """Have a head of one label compare a column of numbers with a row of them."""
    whole = model.loss_function

    def loss(*given: Any, **options: Any) -> Any:
        numbers = options.get("pooled_logits", options.get("logits", given[1] if len(given) > 1 else None))
        labels = options.get("labels", given[0] if given else None)
        is_one = model.num_labels == 1
        return torch.nn.functional.mse_loss(numbers, labels) if is_one else whole(*given, **options)

    model.loss_function = loss


def noisy_copies_are_seen(model: nn.Module) -> None:
    """Let the queries of a detector's decoder attend to each other, whatever its mask says."""

    def hook(_: nn.Module, given: Any, named: dict[str, Any]) -> Any:
        return given, {name: None if name == "attention_mask" else value for name, value in named.items()}

    for name, module in model.named_modules():
        if name.startswith("model.decoder.") and name.endswith(".self_attn"):
            module.register_forward_pre_hook(hook, with_kwargs=True)
