"""Ways to break what a module gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = [
    "a_class_that_there_is_not",
    "a_cut",
    "a_dict_whatever_is_asked",
    "a_field_short",
    "a_hole",
    "a_scale_in_every_path",
    "a_series_unscaled",
    "a_width_of_another_scale",
    "all_the_same",
    "another_at_each_call",
    "another_scale",
    "half_the_gradient",
    "in_another_order",
    "in_train_mode",
    "louder_when_asked_for_more",
    "never_filled",
    "noise",
    "one_more",
    "output",
    "router_logits_twice",
    "silenced",
    "the_other_row",
    "weights_of_another_sum",
    "without",
]


def output(edit: Callable[[Tensor], Tensor]) -> Callable[[nn.Module], None]:
    """Return a patch that edits what a module gives: its tensor, or the first of several."""

    def hook(_: nn.Module, __: Any, given: Any) -> Any:
        return edit(given) if isinstance(given, Tensor) else (edit(given[0]), *given[1:])

    def patch(module: nn.Module) -> None:
        module.register_forward_hook(hook)

    patch.__name__ = edit.__name__
    return patch


def a_hole(given: Tensor) -> Tensor:
    hole = torch.zeros_like(given, dtype=torch.bool)
    hole[..., -1] = True
    return given.masked_fill(hole, float("nan"))


def noise(given: Tensor) -> Tensor:
    return given * (1 + 1e-3 * torch.rand_like(given))


def the_other_row(given: Tensor) -> Tensor:
    return given + 0.1 * given.flip(0)


def another_scale(given: Tensor) -> Tensor:
    return given * 1.5  # in the model and not in its files, so that what is loaded has the right one


def a_cut(given: Tensor) -> Tensor:
    return given.detach()


def half_the_gradient(given: Tensor) -> Tensor:
    return given / 2 + given.detach() / 2


def never_filled(module: nn.Module) -> None:
    with torch.no_grad():
        next(module.parameters()).fill_(1.0)


def in_train_mode(module: nn.Module) -> None:
    module.train()


def a_scale_in_every_path(module: nn.Module) -> None:
    module.scaling *= 1.1


def all_the_same(given: Tensor) -> Tensor:
    return torch.ones_like(given)


def in_another_order(given: Tensor) -> Tensor:
    return given.flip(0)


def silenced(given: Tensor) -> Tensor:
    return torch.zeros_like(given)


def a_field_short(module: nn.Module) -> None:
    module.register_forward_hook(lambda _, __, given: given[:-1] if isinstance(given, tuple) else None)


def the_first_left_out(module: nn.Module) -> None:
    module.register_forward_hook(lambda _, __, given: given[1:] if isinstance(given, tuple) else None)


def the_loss_left_out(module: nn.Module) -> None:
    """Give with labels the tuple that it gives without."""

    def hook(_: Any, __: Any, options: Any, given: Any) -> Any:
        return given[1:] if isinstance(given, tuple) and options.get("labels") is not None else None

    module.register_forward_hook(hook, with_kwargs=True)


def a_random_number_drawn(module: nn.Module) -> None:
    """Draw a number that nothing depends on."""

    def hook(*_: Any) -> None:
        torch.rand(1)

    module.register_forward_hook(hook)


def without_what_was_asked_for(module: nn.Module) -> None:
    """Leave hidden states and attention maps, which are tuples, out of a tuple."""

    def hook(_: Any, __: Any, given: Any) -> Any:
        return tuple(each for each in given if isinstance(each, Tensor)) if type(given) is tuple else None

    module.register_forward_hook(hook)


def a_dict_whatever_is_asked(module: nn.Module) -> None:
    module.register_forward_pre_hook(
        lambda _, given, options: (given, options | {"return_dict": True}), with_kwargs=True
    )


def another_at_each_call(module: nn.Module) -> None:
    module.calls = 0

    def hook(module: Any, _: Any, given: Tensor) -> Tensor:
        module.calls += 1
        return given * (1 + 0.1 * module.calls)

    module.register_forward_hook(hook)


def without(field: str) -> Callable[[nn.Module], None]:
    """Return a patch by which a model leaves a field of its outputs empty."""

    def patch(model: nn.Module) -> None:
        def hook(_: nn.Module, __: Any, given: Any) -> None:
            given[field] = None

        model.register_forward_hook(hook)

    patch.__name__ = f"without_{field}"
    return patch


def one_more(field: str) -> Callable[[nn.Module], None]:
    """Return a patch by which all numbers in a field of a model's outputs are larger by one."""

    def patch(model: nn.Module) -> None:
        def hook(_: nn.Module, __: Any, given: Any) -> None:
            given[field] = given[field] + 1

        model.register_forward_hook(hook)

    patch.__name__ = f"one_more_{field}"
    return patch


def a_class_that_there_is_not(field: str, axis: int) -> Callable[[nn.Module], None]:
    """Return a patch by which a model finds, wherever it looks, a class that its configuration does not have."""

    def patch(model: nn.Module) -> None:
        def hook(_: nn.Module, __: Any, given: Any) -> None:
            more = given[field].amax(axis, keepdim=True) + 1
            given[field] = torch.cat([given[field], more, more], axis)

        model.register_forward_hook(hook)

    patch.__name__ = "a_class_that_there_is_not"
    return patch


def a_series_unscaled(model: Any) -> None:
    model.scaler.register_forward_hook(lambda _, given, scaled: (given[0], *scaled[1:]))


def a_width_of_another_scale(model: Any) -> None:
    model.scaler.register_forward_hook(lambda _, __, scaled: (*scaled[:2], scaled[2] + 1))


def router_logits_twice(model: nn.Module) -> None:
    def hook(_: nn.Module, __: Any, given: Any) -> None:
        given.router_logits = given.router_logits and given.router_logits * 2

    model.register_forward_hook(hook)


def weights_of_another_sum(router: nn.Module) -> None:
    router.register_forward_hook(lambda _, __, given: (given[0], given[1] * torch.rand(len(given[1]), 1), *given[2:]))


def louder_when_asked_for_more(model: nn.Module) -> None:
    def hook(_: nn.Module, __: Any, options: Any, given: Any) -> None:
        if options.get("output_hidden_states"):
            given.last_hidden_state = 1.1 * given.last_hidden_state

    model.register_forward_hook(hook, with_kwargs=True)
