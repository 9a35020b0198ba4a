"""The memory of a cache: that of its tensors, once the real architecture has read a text on the meta device.

No formula knows of windows, compressed keys, layers that share, or states of linear attention: the architecture does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from torch import Tensor, nn
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from hfci.catalog.aliases import named, word_by_spelling
from hfci.checks.tensors import named_tensors
from hfci.preflight.architecture import on_meta, run_empty
from hfci.preflight.feeding import media_inputs, text_inputs

__all__ = ["CachePrediction", "held_by_modules", "kept", "predict_cache", "size_of"]

# How the oldest architectures call what they keep of a text, beside what answers to `cache`.
_OLD_NAMES = ("mems", "past_buckets_states", "state")

# Where layers go through a text in Python, token by token, a long one takes minutes. Of a text for which they would run
# more operators than these (some seconds), shorter ones tell.
_OPERATORS = 200_000
# The shortest texts that tell: one and two of the chunks in which linear attention reads.
_CHUNK = 64


class CachePrediction(msgspec.Struct, frozen=True, kw_only=True):
    """How large a cache is: `size` bytes, in so many `tensors`, once `batch` texts of `length` tokens were read.

    - `extrapolated_from`: the lengths that were read, where the whole one would have taken long
    - `with_media`: whether the model reads no text without an image or a sound
    """

    size: int
    tensors: int
    batch: int
    length: int
    extrapolated_from: tuple[int, ...] = ()
    with_media: bool = False


def predict_cache(model: Any, batch: int, length: int, *, operators: int = _OPERATORS) -> CachePrediction:
    """Return how large the cache of `model`, made by `build_empty`, is; the dtype is the model's.

    What would take more than so many `operators` is not read whole. Raises what the model's forward raises.
    """
    reader = _Reader(model, batch)
    lengths = _lengths(reader, length, operators)
    tensors = _extrapolated(reader, *lengths, length) if lengths else reader.read(length).kept
    return CachePrediction(
        size=sum(math.prod(shape) * size for shape, size in tensors.values()),
        tensors=len(tensors),
        batch=batch,
        length=length,
        extrapolated_from=lengths or (),
        with_media=reader.with_media,
    )


def kept(model: nn.Module, outputs: Any, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that a model keeps of what it has read, by where they are.

    They are those of every cache in its `outputs`, and those that its modules hold and did not `before`, as
    `held_by_modules` told.
    """
    caches = {name: tensor for where, cache in _caches(outputs) for name, tensor in named_tensors(cache, where).items()}
    return caches | {name: tensor for name, tensor in held_by_modules(model).items() if name not in before}


def held_by_modules(model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors that modules hold beside parameters and buffers: recurrent_gemma keeps its states there."""
    return {
        f"{name}.{key}": value
        for name, module in model.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, Tensor)
    }


def size_of(tensors: Mapping[str, Tensor]) -> int:
    """Return how many bytes tensors take."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _caches(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Cache):
        yield where, value
    elif isinstance(value, Mapping):
        words = word_by_spelling(named(value, {}))
        for name, item in value.items():
            inner = f"{where}.{name}" if where else name
            is_cache = words[name].endswith("cache") or name in _OLD_NAMES
            yield from [(inner, item)] if is_cache else _caches(item, inner)
    elif isinstance(value, tuple | list):
        for place, item in enumerate(value):
            yield from _caches(item, f"{where}[{place}]")


# Tensor's name → its shape, and the bytes of a number.
_Shapes = dict[str, tuple[tuple[int, ...], int]]


class _Read(NamedTuple):
    """What came of a text: what is `kept` of it, the model's `outputs`, and how many `operators` it took."""

    kept: _Shapes
    outputs: Any
    operators: int


class _Reader:
    """Has a model without memory read texts, of each length once; with media where it cannot do without."""

    def __init__(self, model: Any, batch: int) -> None:
        self.model = model
        self.batch = batch
        self.with_media = False
        self._before = held_by_modules(model)
        self._read: dict[int, _Read] = {}

    def read(self, length: int) -> _Read:
        """Return what came of texts of `length` tokens."""
        if length not in self._read:
            self._read[length] = self._with_or_without_media(length)
        return self._read[length]

    def kept(self, outputs: Any) -> _Shapes:
        """Return what is kept now: in `outputs`, and in modules of the text that was read last."""
        tensors = kept(self.model, outputs, self._before)
        return {name: (tuple(tensor.shape), tensor.element_size()) for name, tensor in tensors.items()}

    def _with_or_without_media(self, length: int) -> _Read:
        if not self.with_media:
            try:
                return self._run(text_inputs(type(self.model), self.batch, length))
            except Exception:
                self.with_media = True
        return self._run(media_inputs(self.model, self.batch, length))

    def _run(self, inputs: Mapping[str, Any]) -> _Read:
        outputs, unanswered = run_empty(self.model, inputs)
        return _Read(self.kept(outputs), outputs, unanswered.operators)


def _lengths(reader: _Reader, length: int, operators: int) -> tuple[int, int] | None:
    """Return two shorter lengths to read instead of `length`, if that takes more than so many operators."""
    if length <= 2 * _CHUNK:
        return None
    costs = [reader.read(shorter).operators for shorter in (_CHUNK, 2 * _CHUNK)]
    a_chunk = max(1, costs[1] - costs[0])
    chunks = 2 + max(0, operators - costs[1]) // a_chunk
    return None if chunks * _CHUNK >= length else ((chunks - 1) * _CHUNK, chunks * _CHUNK)


def _extrapolated(reader: _Reader, first: int, second: int, length: int) -> _Shapes:
    """Return what is kept of `length` tokens, by what is of two lengths.

    What grew from one to the other goes on growing as fast. Only that a layer of keys and values is handed those of the
    rest, and keeps of them what it keeps: a window may be longer than what was read.
    """
    shorter, longer = reader.read(first).kept, reader.read(second)
    after = {
        name: (tuple(_at(length, first, second, *sides) for sides in zip(shorter[name][0], shape, strict=True)), size)
        for name, (shape, size) in longer.kept.items()
    }
    handed = set(_hand_over_the_rest(longer.outputs, longer.kept, after))
    return after | {name: kept for name, kept in reader.kept(longer.outputs).items() if name in handed}


def _at(length: int, first: int, second: int, at_first: int, at_second: int) -> int:
    return at_second + (at_second - at_first) * (length - second) // (second - first)


def _hand_over_the_rest(outputs: Any, now: _Shapes, then: _Shapes) -> Iterator[str]:
    """Give each layer that keeps keys and values as many as it would have `then` of all; yield the names of both."""
    for where, cache in _caches(outputs):
        for name, layer in _layers(cache, where):
            names = (f"{name}.keys", f"{name}.values")
            rest = [then[kind][0][-2] - now[kind][0][-2] for kind in names]
            if min(rest) > 0:
                with on_meta():
                    layer.update(
                        *(_lasting(kept, by) for kept, by in zip((layer.keys, layer.values), rest, strict=True))
                    )
                yield from names


def _layers(cache: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield the layers within a cache that keep keys and values of every token, or of a window, and where they are."""
    if not isinstance(cache, Cache):
        return
    for name, value in vars(cache).items():
        yield from _layers(value, f"{where}.{name}")
    for place, layer in enumerate(getattr(cache, "layers", ())):
        if isinstance(layer, DynamicLayer) and layer.is_initialized:
            yield f"{where}.layers[{place}]", layer


def _lasting(tensor: Tensor, places: int) -> Tensor:
    return tensor.new_empty((*tensor.shape[:-2], places, tensor.shape[-1]))
