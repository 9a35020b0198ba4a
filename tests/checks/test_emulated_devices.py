"""Emulated devices refuse what real ones refuse, allow what they allow, and change no number."""

# ruff: noqa: ARG005 -- each call is given the same three tensors

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hfci.checks.emulated_devices import DEVICES, Emulated, where
from hfci.checks.placement import load_by

FIRST, SECOND = DEVICES
PROCESSOR = torch.device("cpu")


def _three() -> tuple[Tensor, Tensor, Tensor]:
    """Return the same numbers on the processor, the first and the second device."""
    here = torch.arange(6.0).reshape(2, 3)
    return here, here.to(FIRST), here.to(SECOND)


@pytest.mark.parametrize(
    "call",
    [
        lambda here, there, other: here + there,
        lambda here, there, other: there @ other.t(),
        lambda here, there, other: torch.cat([there, here]),
        lambda here, there, other: torch.where(here > 1, there, there),
        lambda here, there, other: there.masked_fill(here > 1, 0.0),
        lambda here, there, other: nn.functional.embedding(torch.tensor([1]), there),
        lambda here, there, other: here[there[0].long().clamp(max=1)],
        lambda here, there, other: there[other[0].long().clamp(max=1)],
        lambda here, there, other: there.__setitem__(torch.tensor([0]), here[:1]),
        lambda here, there, other: there.add_(here),
        lambda here, there, other: nn.functional.scaled_dot_product_attention(there, there, there, here),
        lambda here, there, other: there.gather(0, here.long().clamp(max=1)),
        lambda here, there, other: torch.vmap(lambda row: row + there[0])(here),
    ],
)
def test_two_devices_in_one_function_are_refused(call: Callable[[Tensor, Tensor, Tensor], object]) -> None:
    with Emulated(), pytest.raises(RuntimeError, match="is not on the expected device"):
        call(*_three())


@pytest.mark.parametrize("call", [lambda there: there.numpy(), lambda there: there.__array__()])
def test_numpy_cannot_read_another_device(call: Callable[[Tensor], object]) -> None:
    with Emulated(), pytest.raises(TypeError, match="numpy"):
        call(_three()[1])


@pytest.mark.parametrize(
    ("call", "home"),
    [
        (lambda here, there, other: there * 2, FIRST),
        (lambda here, there, other: there.t()[1:], FIRST),
        (lambda here, there, other: there + torch.tensor(1.0), FIRST),
        (lambda here, there, other: there[torch.tensor([1, 0])], FIRST),
        (lambda here, there, other: there.to(SECOND), SECOND),
        (lambda here, there, other: here.to(there.device), FIRST),
        (lambda here, there, other: here.to(there), FIRST),
        (lambda here, there, other: here.type_as(other), SECOND),
        (lambda here, there, other: other.cpu(), PROCESSOR),
        (lambda here, there, other: torch.zeros(2, device=there.device), FIRST),
        (lambda here, there, other: torch.zeros_like(other), SECOND),
        (lambda here, there, other: there.new_ones(3), FIRST),
        (lambda here, there, other: torch.cat([torch.tensor([], device=FIRST), there[0]]), FIRST),
        (lambda here, there, other: there.copy_(here), FIRST),
        (lambda here, there, other: there[:1].expand_as(other), FIRST),
        (lambda here, there, other: there.max(dim=0).values, FIRST),
        (lambda here, there, other: torch.vmap(lambda row: row + there[0])(there), FIRST),
        (lambda here, there, other: torch.tensor(there.tolist()), PROCESSOR),
    ],
)
def test_results_lie_where_a_real_devices_would(
    call: Callable[[Tensor, Tensor, Tensor], Tensor], home: torch.device
) -> None:
    with Emulated():
        made = call(*_three())
        assert made.device == where(made) == home
        assert made.is_cpu == (home == PROCESSOR)


def test_what_is_moved_is_a_copy_and_has_its_gradient() -> None:
    with Emulated():
        here = torch.ones(3, requires_grad=True)
        there = here.to(FIRST)
        (2 * there).sum().backward()
        assert here.grad is not None
        assert here.grad.tolist() == [2.0, 2.0, 2.0]
        there.data.zero_()
    assert here.tolist() == [1.0, 1.0, 1.0]


def test_a_module_is_moved_as_torch_moves_it_and_what_it_keeps_beside_stays() -> None:
    module = nn.Linear(3, 3)
    module.kept = torch.ones(3)
    tied = nn.ModuleList([module, module])
    with Emulated():
        tied.to(FIRST)
        assert {tensor.device for tensor in tied.parameters()} == {FIRST}
        assert where(module.kept) == PROCESSOR
        assert tied[0].weight is tied[1].weight
        with pytest.raises(RuntimeError, match=r"on device 0.*on the processor|on the processor.*on device 0"):
            module(torch.ones(2, 3, device=FIRST)) + module.kept


def test_whole_numbers_are_counted_where_only_an_accelerator_has_the_kernel() -> None:
    with Emulated():
        counted = torch.histc(torch.tensor([0, 1, 1, 3], dtype=torch.int32).to(FIRST), bins=4, min=0, max=3)
        assert (counted.tolist(), counted.dtype, where(counted)) == ([1, 2, 0, 1], torch.int32, FIRST)


def test_what_is_kept_of_one_time_lies_there_the_next() -> None:
    with Emulated():
        kept = torch.ones(2, device=FIRST)
        empty = torch.tensor([], device=SECOND)
    with Emulated():
        assert (where(kept), where(empty), where(empty.reshape(0, 2))) == (FIRST, SECOND, SECOND)


def test_outside_nothing_is_told_apart() -> None:
    with Emulated():
        there = _three()[1]
    assert (there + torch.ones(2, 3)).device == PROCESSOR


def test_a_map_of_devices_places_what_a_split_module_holds_itself() -> None:
    module = nn.Module()
    module.part = nn.Linear(2, 2)
    module.token = nn.Parameter(torch.ones(2))
    module.register_buffer("places", torch.arange(2))
    with Emulated():
        load_by({"part": str(SECOND), "token": str(FIRST), "places": str(FIRST)}, module)
        assert (where(module.part.weight), where(module.token), where(module.places)) == (SECOND, FIRST, FIRST)
