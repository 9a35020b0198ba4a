"""The architecture of a checkpoint on the meta device: every tensor has its shape, and none has memory or numbers."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.modules.module import register_module_module_registration_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from hfci.preflight.diagnosis import Diagnosed

__all__ = ["Unanswered", "build_empty", "few_modules", "on_meta", "run_empty"]

_ATEN = torch.ops.aten


class Unanswered(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Answers what a forward asks of numbers that are not there, as an ordinary text without padding would.

    Asked whether something holds of all, it does; of any, it does not; a number is zero, and what a mask picks is
    everything. `asked` counts the questions by operator, `operators` whatever was run.
    """

    def __init__(self) -> None:
        """Begin to count."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.asked: Counter[str] = Counter()
        self.operators = 0
        self._holding = WeakIdKeyDictionary()

    def __torch_dispatch__(
        self, operator: Any, types: Sequence[type], arguments: tuple[Any, ...] = (), options: Any = None
    ) -> Any:
        """Run `operator`, or answer in its place where it would look at numbers."""
        del types
        self.operators += 1
        answer = _ANSWERS.get(operator.overloadpacket)
        if answer is not None and _has_no_numbers(arguments[0]):
            given = answer(self, *arguments, **(options or {}))
            if given is not NotImplemented:
                self.asked[operator.overloadpacket.__name__] += 1
                return given
        return operator(*arguments, **(options or {}))


def _has_no_numbers(tensor: Tensor) -> bool:
    # A fake tensor that was made of a number of Python's still knows it.
    return tensor.is_meta or (isinstance(tensor, FakeTensor) and tensor.constant is None)


def _number(mode: Unanswered, tensor: Tensor) -> bool | int | float:
    if tensor.dtype is torch.bool:
        return tensor in mode._holding
    return 0.0 if tensor.is_floating_point() else 0


def _all(mode: Unanswered, tensor: Tensor, *arguments: Any, **options: Any) -> Tensor:
    shape = torch.all(tensor.new_empty(tensor.shape, dtype=torch.bool), *arguments, **options)
    mode._holding[shape] = True
    return shape


def _places(_: Unanswered, tensor: Tensor) -> Tensor:
    return tensor.new_empty((tensor.numel(), tensor.ndim), dtype=torch.int64)


def _picked(_: Unanswered, tensor: Tensor, indices: Sequence[Tensor | None]) -> Any:
    """Take a mask among `indices` for the list of all its places."""
    if not any(_is_mask(index) for index in indices):
        return NotImplemented
    places: list[Tensor | None] = []
    for index in indices:
        if index is not None and _is_mask(index):
            places += [index.new_empty(index.numel(), dtype=torch.int64) for _ in range(index.ndim)]
        else:
            places.append(index)
    return _ATEN.index(tensor, places)


def _put(_: Unanswered, tensor: Tensor, indices: Sequence[Tensor | None], *arguments: Any, **options: Any) -> Any:
    del arguments, options
    return tensor if any(_is_mask(index) for index in indices) else NotImplemented


def _is_mask(index: Tensor | None) -> bool:
    return index is not None and index.dtype in (torch.bool, torch.uint8)


def _grouped(_: Unanswered, left: Tensor, right: Tensor, *arguments: Any, **options: Any) -> Any:
    """Multiply in groups whatever the dtype is: torch's own rule for the meta device knows bfloat16 alone."""
    del arguments, options
    return left.new_empty((*left.shape[:-1], right.shape[-1])) if left.ndim == 2 and right.ndim == 3 else NotImplemented


def _copied(_: Unanswered, tensor: Tensor, *, device: torch.device | None = None, **options: Any) -> Any:
    """Give zeros where numbers are to be read on a processor."""
    if device is None or torch.device(device).type == "meta":
        return NotImplemented
    return torch.zeros(tensor.shape, dtype=options.get("dtype") or tensor.dtype, device=device)


def _split(_: Unanswered, tensor: Tensor, sizes: Sequence[int], dimension: int = 0) -> Any:
    """Give everything to the first of as many parts as there were numbers asked for."""
    if any(sizes) or not sizes:
        return NotImplemented
    return _ATEN.split_with_sizes(tensor, [tensor.shape[dimension], *[0] * (len(sizes) - 1)], dimension)


_ANSWERS: Mapping[Any, Callable[..., Any]] = {
    _ATEN._local_scalar_dense: _number,
    _ATEN.all: _all,
    _ATEN._is_all_true: _all,
    _ATEN.equal: lambda *_: True,
    _ATEN._to_copy: _copied,
    _ATEN.split_with_sizes: _split,
    _ATEN.nonzero: _places,
    _ATEN.index: _picked,
    _ATEN.index_put_: _put,
    _ATEN.index_put: _put,
    _ATEN._grouped_mm: _grouped,
}


# More parts than any model that is published; each takes some kilobytes, on the meta device too.
_MOST_MODULES = 300_000


@contextmanager
def few_modules(most: int) -> Iterator[None]:
    """Raise Diagnosed where a model of more than so many parts is made, which alone would fill the memory."""
    count = 0

    def registered(*_: Any) -> None:
        nonlocal count
        count += 1
        if count > most:
            raise Diagnosed("config_invalid", problem=f"it makes a model of more than {most:,} modules")

    hook = register_module_module_registration_hook(registered)
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def on_meta() -> Iterator[Unanswered]:
    """Make whatever tensors are made on the meta device, and answer what is asked of their numbers; draw nothing."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]), torch.no_grad(), Unanswered() as unanswered:
        yield unanswered


def build_empty(cls: type[Any], config: Any, dtype: torch.dtype, **options: Any) -> Any:
    """Return a model of `config` in evaluation mode, without memory.

    `cls` is its class or an auto class; `options` are those of `from_config`. Raises Diagnosed, as `config_invalid`,
    where it would have more modules than any.
    """
    make = cls._from_config if hasattr(cls, "_from_config") else cls.from_config
    with on_meta(), few_modules(_MOST_MODULES):
        model = make(copy.deepcopy(config), dtype=dtype, **options)  # it keeps the options
    return model.to("meta").eval()  # torch's oldest constructors heed no device: `torch.Tensor(8)`


def run_empty(model: Any, inputs: Mapping[str, Any]) -> tuple[Any, Unanswered]:
    """Return what a model without memory gives for `inputs`, and what it asked of numbers."""
    with on_meta() as unanswered:
        return model(**_emptied(inputs)), unanswered


def _emptied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to("meta")
    if isinstance(value, Mapping):
        return {name: _emptied(item) for name, item in value.items()}
    return [_emptied(item) for item in value] if isinstance(value, list) else value
