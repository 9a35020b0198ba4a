"""Where numbers lie in memory.

Kernels may sum in another order where a tensor does not begin at a multiple of 64 bytes: the same values at other
addresses then give other bits. torch begins what it makes at such multiples; what is loaded from a file, or is made of
numpy's memory, begins anywhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["can_be_placed", "lay_out", "lay_out_like", "placed"]

# Bytes: the largest alignment that a kernel looks at, that of a cache line and of the widest vector.
ALIGNMENT = 64


def lay_out(model: nn.Module, layout: str) -> None:
    """Move the parameters and buffers of `model` in memory, in place, as `layout` says; none where it is `natural`."""
    if layout != "natural":
        _move(model, lambda _, tensor: _offset(tensor, layout))


def lay_out_like(model: nn.Module, other: nn.Module) -> None:
    """Move the parameters and buffers of `model`, in place, to addresses aligned as those of `other`'s by the name."""
    offsets = {name: tensor.data_ptr() % ALIGNMENT for name, tensor in _tensors(other)}
    _move(model, lambda name, _: offsets.get(name, 0))


def placed(value: Any, device: Any, layout: str) -> Any:
    """Return `value` with every tensor in it copied to `device`, as `layout` says; what was one tensor stays one."""
    return _placed(value, device, layout, {})


def can_be_placed(value: Any) -> bool:
    """Tell whether `placed` copies all of `value` that can be changed: not an object of which it knows nothing."""
    import torch

    if type(value) in (list, tuple):
        return all(map(can_be_placed, value))
    if isinstance(value, dict):
        return all(map(can_be_placed, value.values()))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return all(can_be_placed(getattr(value, field.name)) for field in dataclasses.fields(value))
    return isinstance(value, torch.Tensor | bool | int | float | str | torch.dtype | None)


def _placed(value: Any, device: Any, layout: str, known: dict[int, Any]) -> Any:
    import torch

    def inner(item: Any) -> Any:
        return _placed(item, device, layout, known)

    if isinstance(value, torch.Tensor):
        if id(value) not in known:
            copy = value.to(device, copy=True)
            (moved,) = _views([copy], _offset(copy, layout)) if copy.numel() else [copy]
            known[id(value)] = moved.requires_grad_(value.requires_grad)
        return known[id(value)]
    if type(value) in (list, tuple):
        return type(value)(map(inner, value))
    if isinstance(value, dict):
        return {name: inner(item) for name, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: inner(getattr(value, name)) for name in names})
    return value


def _offset(tensor: torch.Tensor, layout: str) -> int:
    return 0 if layout == "natural" else tensor.element_size()


def _tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield parameters and buffers, persistent or not, by every name they have."""
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def _move(model: nn.Module, offset: Callable[[str, torch.Tensor], int]) -> None:
    """Move each tensor of `model` to begin `offset` bytes behind a multiple of ALIGNMENT; what shares memory stays so.

    Of several in one piece of memory the first decides.
    """
    named = [(name, tensor) for name, tensor in _tensors(model) if tensor.numel()]
    named.sort(key=lambda item: item[1].data_ptr())
    pieces: list[list[tuple[str, torch.Tensor]]] = []
    end = 0
    for name, tensor in named:
        if tensor.data_ptr() < end:
            pieces[-1].append((name, tensor))
        else:
            pieces.append([(name, tensor)])
        end = max(end, tensor.data_ptr() + _extent(tensor))
    for piece in pieces:
        tensors = [tensor for _, tensor in piece]
        if len(tensors) == 1 and tensors[0].is_contiguous() and offset(*piece[0]) == 0:
            copy = tensors[0].detach().clone()  # begins where torch begins what it makes
            if copy.data_ptr() % ALIGNMENT == 0:
                tensors[0].data = copy
                continue
        for tensor, view in zip(tensors, _views(tensors, offset(*piece[0])), strict=True):
            tensor.data = view


def _views(tensors: list[torch.Tensor], offset: int) -> list[torch.Tensor]:
    """Return `tensors`, in order of their addresses and in one piece of memory, as views of a copy of that memory."""
    import torch

    first = tensors[0]
    begin = first.data_ptr()
    size = max(tensor.data_ptr() + _extent(tensor) for tensor in tensors) - begin
    old = torch.empty(0, dtype=torch.uint8, device=first.device)
    old.set_(first.untyped_storage(), begin - first.untyped_storage().data_ptr(), (size,), (1,))
    memory = torch.empty(size + ALIGNMENT, dtype=torch.uint8, device=first.device)
    shift = (offset - memory.data_ptr()) % ALIGNMENT
    memory[shift : shift + size] = old
    return [
        torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(
            memory.untyped_storage(),
            (shift + tensor.data_ptr() - begin) // tensor.element_size(),
            tensor.shape,
            tensor.stride(),
        )
        for tensor in tensors
    ]


def _extent(tensor: torch.Tensor) -> int:
    """Return how many bytes lie between the first byte of a tensor and its last, both included."""
    steps = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return (steps + 1) * tensor.element_size()
