from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from hfci.tiny import build_tiny
from hfci.tiny.layout import ALIGNMENT, lay_out, lay_out_like, placed


class Sharing(nn.Module):
    """A weight by two names, a buffer that is a part of it, and what shares nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(5, 7)
        self.second = nn.Linear(5, 7)
        self.second.weight = self.first.weight
        self.register_buffer("rows", self.first.weight.data[2:4], persistent=False)
        self.register_buffer("wide", torch.arange(3.0, dtype=torch.float64))
        self.register_buffer("columns", torch.randn(4, 6).t())
        self.register_buffer("none", torch.empty(0))


def remainders(model: nn.Module) -> dict[str, int]:
    named = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.data_ptr() % ALIGNMENT for name, tensor in named if tensor.numel()}


def test_misaligned_numbers_are_the_same_numbers_and_share_what_they_shared() -> None:
    model = Sharing()
    before = {name: tensor.clone() for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    lay_out(model, "misaligned")
    assert remainders(model) == {
        "first.weight": 4,
        "first.bias": 4,
        "second.bias": 4,
        "rows": 44,
        "wide": 8,
        "columns": 4,
    }
    after = dict([*model.named_parameters(), *model.named_buffers()])
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert model.second.weight is model.first.weight
    assert isinstance(model.first.weight, nn.Parameter)
    assert model.columns.stride() == (1, 6)
    with torch.no_grad():
        model.first.weight[2] = 5
    assert bool((model.rows[0] == 5).all())


def test_natural_moves_nothing() -> None:
    model = Sharing()
    before = [tensor.data_ptr() for tensor in (*model.parameters(), *model.buffers())]
    lay_out(model, "natural")
    assert [tensor.data_ptr() for tensor in (*model.parameters(), *model.buffers())] == before


def test_one_model_laid_out_like_another() -> None:
    one, other = Sharing(), Sharing()
    lay_out(one, "misaligned")
    lay_out_like(other, one)
    assert remainders(other) == remainders(one)
    lay_out_like(other, Sharing())
    assert remainders(other) == remainders(Sharing())


@dataclass
class Session:
    frames: list[Tensor]


@pytest.mark.parametrize(("layout", "remainder"), [("natural", 0), ("misaligned", 4)])
def test_inputs_begin_where_the_layout_says_wherever_they_came_from(layout: str, remainder: int) -> None:
    odd = torch.arange(9.0)[3:]
    made = placed({"a": odd, "again": odd, "session": Session([odd[1:]]), "n": 1, "no": torch.empty(0)}, "cpu", layout)
    assert made["a"].data_ptr() % ALIGNMENT == made["session"].frames[0].data_ptr() % ALIGNMENT == remainder
    assert torch.equal(made["a"], odd)
    assert torch.equal(made["session"].frames[0], odd[1:])
    assert made["again"] is made["a"]
    assert made["n"] == 1
    made["a"].zero_()
    assert odd.all()


@pytest.mark.parametrize("model_type", ["bert", "gpt2", "resnet", "mamba"])
def test_a_tiny_model_is_the_same_in_any_layout(model_type: str) -> None:
    natural, misaligned = build_tiny(model_type), build_tiny(model_type, layout="misaligned")
    assert set(remainders(natural.model).values()) == {0}
    assert not {0} & set(remainders(misaligned.model).values())
    old, new = natural.model.state_dict(), misaligned.model.state_dict()
    assert old.keys() == new.keys()
    assert all(torch.equal(old[name], new[name]) for name in old)
    inputs = [tensor for tensor in misaligned.inputs().values() if isinstance(tensor, Tensor)]
    assert all(tensor.data_ptr() % ALIGNMENT == tensor.element_size() for tensor in inputs)
