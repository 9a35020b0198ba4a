"""A copy of a model is what copy.deepcopy makes of it, and shares nothing that either can change."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import nn

from hfci.tiny import build_tiny
from hfci.tiny.copying import copy_of


def layout(model: nn.Module) -> list[tuple[str, dict[str, tuple[type, int | None]]]]:
    """Return of each module what it holds: of each value its type and, where it has one, its length."""
    return [
        (name, {key: (type(value), len(value) if isinstance(value, dict | set | list) else None)
                for key, value in vars(module).items()})
        for name, module in model.named_modules()
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["bert", "t5", "mamba"])
def test_it_is_what_deepcopy_makes(name: str) -> None:
    tiny = build_tiny(name)
    made, wanted = copy_of(tiny.model), copy.deepcopy(tiny.model)
    assert layout(made) == layout(wanted)
    assert all(map(torch.equal, made.state_dict().values(), tiny.model.state_dict().values()))
    mine = {parameter.data_ptr() for parameter in tiny.model.parameters()}
    assert mine.isdisjoint(parameter.data_ptr() for parameter in made.parameters())
    assert len({*made.parameters()}) == len({*tiny.model.parameters()})  # what is tied stays tied
    assert made.config is not tiny.model.config


def test_what_is_done_to_a_copy_is_not_done_to_the_model() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    made = copy_of(model)
    made[0].register_forward_hook(lambda *_: torch.full((1, 2), 7.0))
    made[1].register_buffer("more", torch.ones(1))
    assert made(torch.zeros(1, 2)).tolist() == [[7.0, 7.0]]
    assert model(torch.zeros(1, 2)).tolist() != [[7.0, 7.0]]
    assert [*model.state_dict()] == ["0.weight", "0.bias"]


class Sharing(nn.Module):
    """Two modules that write into one dictionary, which is empty yet."""

    def __init__(self, seen: dict[str, Any]) -> None:
        super().__init__()
        self.seen = seen


class Counted(OrderedDict[str, int]):
    """A dictionary of a class of its own, with something beside its items."""

    unit = "none"


def test_what_modules_share_their_copies_share_and_other_classes_are_copied_as_they_are() -> None:
    shared: dict[str, Any] = {}
    own = Counted()
    own.unit = "s"
    made = copy_of(nn.ModuleList([Sharing(shared), Sharing(shared), Sharing(own)]))
    first, second, third = (module.seen for module in made)
    assert first is second
    assert first is not shared
    assert isinstance(third, Counted)
    assert third.unit == "s"
