"""Breakages of where a model's tensors lie: what only another device than the processor shows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = [
    "adds_a_table_of_the_processor",
    "adds_its_embeddings_in_its_last_layer",
    "goes_by_way_of_numpy",
    "keeps_what_it_adds_where_it_first_ran",
    "louder_elsewhere",
    "reads_the_embeddings_in_its_last_layer",
    "returned_to_the_processor",
]


def _changed(module: nn.Module, change: Any) -> None:
    """Have the first tensor that a module gives be another."""

    def hook(_: Any, __: Any, given: Any) -> Any:
        return change(given) if isinstance(given, Tensor) else (change(given[0]), *given[1:])

    module.register_forward_hook(hook)


def adds_a_table_of_the_processor(module: nn.Module) -> None:
    _changed(module, lambda given: given + torch.zeros(given.shape[-1]))


def goes_by_way_of_numpy(module: nn.Module) -> None:
    _changed(module, lambda given: torch.from_numpy(given.detach().numpy().copy()))


def returned_to_the_processor(module: nn.Module) -> None:
    _changed(module, lambda given: given.cpu())


def louder_elsewhere(module: nn.Module) -> None:
    _changed(module, lambda given: given if given.device.type == "cpu" else 1.1 * given)


def keeps_what_it_adds_where_it_first_ran(module: nn.Module) -> None:
    kept: list[Tensor] = []

    def change(given: Tensor) -> Tensor:
        kept[1:] = [] if kept else [torch.zeros(given.shape[-1], device=given.device)]
        return given + kept[0]

    _changed(module, change)


def reads_the_embeddings_in_its_last_layer(model: nn.Module) -> None:
    """Have a layer read a weight that is another module's, past accelerate's hooks, which move arguments alone."""
    _changed(model.layers[-1], lambda given: given + 0 * model.get_input_embeddings().weight[0])  # type: ignore[operator,index]


def adds_its_embeddings_in_its_last_layer(model: nn.Module) -> None:
    first: list[Tensor] = []

    def keep(given: Tensor) -> Tensor:
        first[:] = [given]
        return given

    _changed(model.embeddings, keep)  # type: ignore[arg-type]
    _changed(model.layers[-1], lambda given: given + first[0])  # type: ignore[index]
