"""Ways to have a model leave something behind: in itself, in its configuration, in what it was given."""

from __future__ import annotations

from typing import Any

from torch import nn

__all__ = [
    "a_note_when_built",
    "a_note_when_run",
    "louder_after_a_shorter_text",
    "louder_after_more_rows",
    "louder_after_training",
    "records_anew",
    "written_over",
]


def louder_after_a_shorter_text(model: nn.Module) -> None:
    """Have it remember how short a text it saw."""

    def hook(whole: Any, _: Any, given: Any) -> None:
        whole.least = min(getattr(whole, "least", 100), given[0].shape[1])
        given.last_hidden_state = given.last_hidden_state * whole.least

    model.register_forward_hook(hook)


def louder_after_more_rows(model: nn.Module) -> None:
    """Have it remember how many rows it saw at most."""

    def hook(whole: Any, _: Any, given: Any) -> None:
        whole.most = max(getattr(whole, "most", 2), len(given[0]))
        given.last_hidden_state = given.last_hidden_state * whole.most

    model.register_forward_hook(hook)


def louder_after_training(model: nn.Module) -> None:
    """Have it remember that it was in train mode."""

    def hook(whole: Any, _: Any, given: Any) -> None:
        whole.learned = whole.training or getattr(whole, "learned", False)
        given.last_hidden_state = given.last_hidden_state * (1.1 if whole.learned else 1.0)

    model.register_forward_hook(hook)


def records_anew(part: nn.Module) -> None:
    """Have a part forget that it records, so that it starts to again at each call."""

    def hook(module: nn.Module, _: Any) -> None:
        vars(module).pop("_output_capturing_hooks_installed", None)

    part.register_forward_pre_hook(hook)


def a_note_when_built(model: Any) -> None:
    model.config.built = getattr(model.config, "built", 0) + 1


def a_note_when_run(model: nn.Module) -> None:
    def hook(whole: Any, *_: Any) -> None:
        whole.config.runs = getattr(whole.config, "runs", 0) + 1

    model.register_forward_hook(hook)


def written_over(model: nn.Module) -> None:
    """Have it change what it is given, in place."""

    def hook(_: nn.Module, __: Any, options: dict[str, Any]) -> None:
        for value in options.values():
            value.mul_(0)

    model.register_forward_pre_hook(hook, with_kwargs=True)
