"""The memory that a forward takes beside the weights, and the log-softmax of an evaluation after it, at their peak.

The real architecture runs on fake tensors, which have a device, a shape and a dtype, and what is alive of them is added
up: hidden states, masks, the cache as it grows, and the logits of a whole vocabulary.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import msgspec
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hfci.preflight.architecture import Unanswered
from hfci.preflight.cache import held_by_modules
from hfci.preflight.feeding import evaluation_inputs, media_inputs

__all__ = ["Fake", "PeakPrediction"]

# Above so many operators (some ten seconds) the peak of a text is extrapolated from those of three shorter ones.
_OPERATORS = 60_000
_CHUNK = 64


class PeakPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """What one step of an evaluation takes at its peak, in bytes, beside the `weights` (buffers among them).

    - `forward`: reading `batch` texts of `length` tokens, with the cache that is made of them, up to their logits
    - `scoring`: the logits and their log-softmax, as lm-evaluation-harness takes it of every token at once
    - `extrapolated_from`: the lengths that were run instead, if the whole one would have taken long
    """

    weights: int
    forward: int
    scoring: int
    batch: int
    length: int
    extrapolated_from: tuple[int, ...] = ()

    @property
    def activations(self) -> int:
        """The larger of the two, which is what has to be there beside the weights."""
        return max(self.forward, self.scoring)


class Fake:
    """A model on `device` that takes no memory, made from one of `build_empty`, which is no more to be used itself.

    The device need not be there, but torch must have been built for it.
    """

    def __init__(
        self,
        model: Any,
        device: str = "cpu",
        softmax_dtype: torch.dtype | None = None,
        mixed_precision: torch.dtype | None = None,
    ) -> None:
        """Give every tensor of `model` its device; `mixed_precision` is that of autocast, None without."""
        self.model = model
        self.device = device
        self.softmax_dtype = softmax_dtype
        self.mixed_precision = mixed_precision
        self._mode = FakeTensorMode()
        self._with_media = False
        _replace_tensors(model, self._faked)
        self.weights = sum(tensor.numel() * tensor.element_size() for tensor in _tensors(model))

    def peak(self, batch: int, length: int, *, operators: int = _OPERATORS) -> PeakPrediction:
        """Return what reading and scoring `batch` texts of `length` tokens takes. Raises what the forward raises."""
        (forward, scoring), extrapolated_from = self._peaks(batch, length, operators)
        return PeakPrediction(
            weights=self.weights,
            forward=forward,
            scoring=scoring,
            batch=batch,
            length=length,
            extrapolated_from=extrapolated_from,
        )

    def _peaks(self, batch: int, length: int, operators: int) -> tuple[tuple[int, int], tuple[int, ...]]:
        """Run it, or three shorter texts where it takes too many operators: no memory grows by more than the square."""
        if length > 3 * _CHUNK:
            first, cost = self._run(batch, _CHUNK)
            second, more = self._run(batch, 2 * _CHUNK)
            if cost + (more - cost) * (length // _CHUNK - 1) > operators:
                third, _ = self._run(batch, 3 * _CHUNK)
                points = [_square(length / _CHUNK, *values) for values in zip(first, second, third, strict=True)]
                return (points[0], points[1]), (_CHUNK, 2 * _CHUNK, 3 * _CHUNK)
        return self._run(batch, length)[0], ()

    def _run(self, batch: int, length: int) -> tuple[tuple[int, int], int]:
        """Return the bytes at the peaks of a forward and of the log-softmax, and how many operators ran."""
        if not self._with_media:
            try:
                return self._track(evaluation_inputs(type(self.model), batch, length))
            except Exception:
                self._with_media = True
        return self._track(media_inputs(self.model, batch, length))

    def _track(self, inputs: Mapping[str, Any]) -> tuple[tuple[int, int], int]:
        alive, unanswered = _Alive(_tensors(self.model)), Unanswered()
        with ExitStack() as stack:
            for mode in (torch.no_grad(), self._mode, alive, unanswered, torch.device(self.device)):
                stack.enter_context(mode)
            with torch.autocast(self.device, self.mixed_precision, enabled=self.mixed_precision is not None):
                outputs = self.model(**_moved(inputs, self._faked))
            forward = alive.peak
            logits = outputs.get("logits")
            del outputs  # as the evaluation does, the cache with it
            scoring = 0
            if isinstance(logits, Tensor):
                scored = torch.log_softmax(logits, dim=-1, dtype=self.softmax_dtype)
                scoring = alive.now
                del scored
        return (forward, scoring), unanswered.operators

    def _faked(self, tensor: Tensor) -> Tensor:
        with self._mode:
            return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=self.device)


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the bytes of the memory that operators make and that is still held: `now`, and at the `peak`.

    That of the tensors that were there `before` does not count.

    torch's own MemTracker counts the same, and copies the numbers of every module at every operator: it takes minutes
    where a layer scans in Python.
    """

    def __init__(self, before: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.peak = 0
        self._held: dict[int, Any] = {tensor.untyped_storage()._cdata: None for tensor in before}

    def __torch_dispatch__(
        self, operator: Any, types: Sequence[type], arguments: tuple[Any, ...] = (), options: Any = None
    ) -> Any:
        del types
        result = operator(*arguments, **(options or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._add(tensor.untyped_storage())
        return result

    def _add(self, memory: torch.UntypedStorage) -> None:
        key, size = memory._cdata, memory.nbytes()
        if key in self._held or not size:
            return

        def gone(_: Any) -> None:
            self.now -= size
            del self._held[key]

        self._held[key] = weakref.ref(memory, gone)
        self.now += size
        self.peak = max(self.peak, self.now)


def _replace_tensors(model: nn.Module, faked: Any) -> None:
    """Put what `faked` makes of it in the place of every parameter, buffer and other tensor; what was one stays one."""
    made: dict[int, Tensor] = {}
    kept = list(held_by_modules(model).values())  # an address is of one tensor for as long as that is there

    def replaced(tensor: Tensor) -> Tensor:
        if id(tensor) not in made:
            new = faked(tensor)
            made[id(tensor)] = nn.Parameter(new, requires_grad=False) if isinstance(tensor, nn.Parameter) else new
            kept.append(tensor)
        return made[id(tensor)]

    for module in model.modules():
        holders: tuple[dict[str, Any], ...] = (module._parameters, module._buffers, vars(module))
        for holder in holders:
            for name, value in list(holder.items()):
                if isinstance(value, Tensor):
                    holder[name] = replaced(value)


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    """Yield parameters, buffers and what else modules hold, each once."""
    yield from model.parameters()
    yield from {id(tensor): tensor for tensor in (*model.buffers(), *held_by_modules(model).values())}.values()


def _moved(value: Any, faked: Any) -> Any:
    if isinstance(value, Tensor):
        return faked(value)
    if isinstance(value, Mapping):
        return {name: _moved(item, faked) for name, item in value.items()}
    return [_moved(item, faked) for item in value] if isinstance(value, list) else value


def _square(place: float, first: int, second: int, third: int) -> int:
    """Return where the square through values at 1, 2 and 3 is at `place`."""
    bend = (third - 2 * second + first) / 2
    return round(first + (second - first - 3 * bend) * (place - 1) + bend * (place * place - 1))
