"""Does a layer that has a window see all of it, and nothing beyond?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from hfci.catalog.facts import forward_parameters
from hfci.checks.applicability import NotApplicable
from hfci.checks.caches import lengths, read_in
from hfci.checks.exceptions import excused, reason
from hfci.checks.running import rebuilt, reference_forward, run
from hfci.errors import StageError
from hfci.tiny import TinyModel
from hfci.tiny.inputs.context import configs

__all__ = ["sliding_window_is_as_wide_as_declared"]

CHECK = "sliding_window_is_as_wide_as_declared"

# How wide windows are made: tiny texts are longer, and most of their first pieces.
_WIDTH = 4
# The rows by which it is measured how many places layers read.
_ROWS = (0, 0)
# How many of the last places are changed: those that the last one sees to one side, and one beyond.
_CHANGED = _WIDTH + 2
# What kinds of layers are called. A layer of another kind has no window alone: it compresses, or recalls, what is past.
_FULL = frozenset({"full_attention", "global"})
_SLIDING = frozenset({"sliding_attention", "local"})
_CHUNK = "chunked_attention"
# What a change shows by, relative to the largest number that a layer gives for a place. Measured over all that are
# asked: the least that shows is 3e-4, and the most that float error makes of one that does not is 1e-6.
_SHOWS = 1e-5
# An attention that is given no mask, and is told how far to see: as flash attention is, or another engine's.
_TOLD = "told"


def sliding_window_is_as_wide_as_declared(tiny: TinyModel) -> None:
    """Assert that in each layer with a window a place sees so many places as are declared, and a full layer all before.

    Measured, not read off masks or maps: in a batch of copies of one text each has another place changed as it gets to
    a layer, and is as the others again behind it. So one forward tells of every layer, by itself, which places see
    which. For the text as a whole, and in pieces, a longer one among them, behind a cache; with attention step by step,
    by torch's kernel and, where the class says that it works with any, by one that gets no mask and is told how far to
    see, as flash attention is. Of a layer that is causal the future is not asked about here.

    Windows are made narrower than tiny texts, and put on where a configuration may have them and has not. Where an
    exception says so, a layer that sees both sides has so many places in all, not to each side.

    Raises `NotApplicable` where no layer has a window, or none is run for a batch.
    """
    config = copy.deepcopy(tiny.config)
    if not any([_narrow(part) for part in configs(config)]):  # noqa: C419 - each is narrowed
        raise NotApplicable("none of its configurations has layers with a window alone")
    problems, seen, pieces = [], False, _pieces(tiny)
    supported = ["eager", "sdpa", *[_TOLD] * bool(tiny.model._supports_attention_backend)]
    ALL_ATTENTION_FUNCTIONS[_TOLD] = _told_how_far
    try:
        for implementation in supported:
            try:
                one = rebuilt(tiny, copy.deepcopy(config), attn_implementation=implementation)
            except ValueError:  # it says that it has no such attention
                continue
            try:
                wrong = _problems(one, implementation, pieces)
            except StageError:
                if implementation != _TOLD:
                    raise
                continue  # it wants a mask after all, or an attention of its own
            problems += [f"{implementation}: {each}" for each in wrong or ()]
            seen |= wrong is not None
    finally:
        ALL_ATTENTION_FUNCTIONS.pop(_TOLD)
    if not seen:
        raise NotApplicable("none of its layers is declared to have a window, or none of these is run for a batch")
    if problems:
        raise AssertionError("; ".join(problems))


def _narrow(config: Any) -> bool:
    """Make the window that a configuration declares `_WIDTH` places wide, and tell whether there is one.

    It is put on where a configuration may have it, for all layers or for some, and has not.
    """
    kinds = _kinds(config)
    if kinds and _FULL.isdisjoint(kinds) and _SLIDING.isdisjoint(kinds):
        return _CHUNK in kinds
    if _CHUNK in kinds:
        config.attention_chunk_size = _WIDTH
        return True
    if hasattr(config, "attention_layers"):
        config.window_size = _WIDTH
        return True
    chosen = not kinds or any(hasattr(config, name) for name in ("max_window_layers", "use_sliding_window"))
    if not getattr(config, "sliding_window", None) and not (chosen and hasattr(type(config), "sliding_window")):
        return False
    config.sliding_window = _WIDTH
    if hasattr(config, "use_sliding_window"):
        config.use_sliding_window = True
    if set(kinds) == {"full_attention"}:
        config.layer_types = [*kinds[:-1], "sliding_attention"]
    return True


def _kinds(config: Any) -> list[str]:
    return list(getattr(config, "layer_types", None) or getattr(config, "attention_layers", None) or ())


# Whether places see others, both told by number.
_Sees = Callable[[Tensor, Tensor], Tensor]


class _Layer(NamedTuple):
    """A layer: where it stands, its kind, what is declared that a place in it sees, and whether it is causal."""

    path: str
    kind: str | None
    sees: _Sees
    causal: bool


def _layers(tiny: TinyModel) -> dict[nn.Module, _Layer]:
    """Return the layers of which it is declared how far they see."""
    within: dict[nn.Module, _Layer] = {}

    def look(module: nn.Module, part: Any, path: str) -> None:
        part = module if isinstance(module, PreTrainedModel) else part
        for name, child in module.named_children():
            here = f"{path}.{name}".lstrip(".")
            if isinstance(child, nn.ModuleList) and part is not None and _are_layers(child, part.config):
                for number, layer in enumerate(child):
                    if (declared := _declared(tiny, layer, part.config, number)) is not None:
                        within[layer] = _Layer(f"{here}.{number}", *declared)
            else:
                look(child, part, here)

    look(tiny.model, None, "")
    return within


def _are_layers(modules: nn.ModuleList, config: Any) -> bool:
    number = len(_kinds(config)) or getattr(config, "num_hidden_layers", None)
    return len(modules) == number and any(_attention_of(module) is not None for module in modules)


def _attention_of(layer: nn.Module) -> Any:
    return next((part for part in layer.modules() if part is not layer and hasattr(part, "is_causal")), None)


def _declared(tiny: TinyModel, layer: nn.Module, config: Any, number: int) -> tuple[str | None, _Sees, bool] | None:
    """Return what the configuration declares of a layer, and whether that is causal; None where it says nothing."""
    if (attention := _attention_of(layer)) is None:
        return None
    causal = bool(attention.is_causal or getattr(config, "is_decoder", False) or reason(tiny, CHECK, "causal"))
    kinds = _kinds(config)
    kind = kinds[number] if kinds else None
    if kind in _FULL:
        return kind, (lambda query, key: torch.ones_like(query - key, dtype=torch.bool)), causal
    if kind == _CHUNK:
        size = config.attention_chunk_size
        return kind, (lambda query, key: query // size == key // size), causal
    width = config.window_size if kind == "local" else getattr(config, "sliding_window", None)
    if not width or kind not in {None, *_SLIDING}:
        return None
    before = ahead = width if causal else width + 1
    if not causal and reason(tiny, CHECK, "in_all"):
        before, ahead = (width + 1) // 2, width // 2 + 1
    return kind, (lambda query, key: (query - key < before) & (key - query < ahead)), causal


@dataclass
class _Probe:
    """Changes, in each row of a batch of copies but the last, another place as it gets to a layer, undone behind it.

    `seen` is for each call of a layer: itself, the number of its first place, and how much each place in it moved with
    each changed one.
    """

    layers: Mapping[nn.Module, _Layer]
    sizes: Mapping[nn.Module, int]  # how many places each has of the whole text
    rows: int
    starts: dict[nn.Module, int] = field(default_factory=dict)
    latest: dict[nn.Module, int] = field(default_factory=dict)
    seen: list[tuple[nn.Module, int, Tensor]] = field(default_factory=list)

    def __enter__(self) -> _Probe:
        self.handles = [
            handle
            for layer in self.layers
            for handle in (
                layer.register_forward_pre_hook(self._change, with_kwargs=True),
                layer.register_forward_hook(self._restore),
            )
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self.handles:
            handle.remove()

    def go_on(self) -> None:
        """Take what layers read from now on to stand behind what they read."""
        for layer, size in self.latest.items():
            self.starts[layer] = self.starts.get(layer, 0) + size
        self.latest.clear()

    def first(self, layer: nn.Module) -> int:
        """Return the first place that is changed, in the first row."""
        return max(0, self.sizes[layer] - self.rows + 1)

    def _start(self, layer: nn.Module, size: int) -> int:
        return 0 if size == self.sizes[layer] else self.starts.get(layer, 0)  # an encoder reads the whole each time

    def _change(self, layer: nn.Module, args: Any, options: Any) -> Any:
        where, states = _states(args, options)
        if states is None or states.shape[-3] != self.rows:
            return None
        size = self.latest[layer] = states.shape[-2]
        changed = states.clone()
        for row in range(self.rows - 1):
            place = self.first(layer) + row - self._start(layer, size)
            if 0 <= place < size:
                changed[..., row, place, :].neg_()  # keys too, so that one that is hardly attended to is so no more
        if isinstance(where, int):
            return (*args[:where], changed, *args[where + 1 :]), options
        return args, {**options, where: changed}

    def _restore(self, layer: nn.Module, _: Any, outputs: Any) -> Any:
        states = outputs if isinstance(outputs, Tensor) else outputs[0]
        if states.ndim < 3 or states.shape[-3] != self.rows:
            return None
        unchanged = states[..., -1:, :, :]
        moved = (states - unchanged).abs().amax(-1) / unchanged.abs().amax(-1)
        moved = moved.reshape(-1, *moved.shape[-2:]).amax(0)
        self.seen.append((layer, self._start(layer, states.shape[-2]), moved[:-1].T))
        restored = unchanged.expand_as(states).clone()
        return restored if isinstance(outputs, Tensor) else type(outputs)((restored, *outputs[1:]))


def _states(args: Any, options: Any) -> tuple[Any, Tensor | None]:
    """Return under which number or name a layer is given hidden states, and these."""
    for where, value in [*enumerate(args), *options.items()]:
        if isinstance(value, Tensor) and value.is_floating_point() and value.ndim >= 3:
            return where, value
    return None, None


def _problems(tiny: TinyModel, implementation: str, pieces: list[int]) -> list[str] | None:
    """Return what is seen that ought not to be, or not seen that ought to; None where nothing could be."""
    layers = _layers(tiny)
    if implementation == _TOLD:  # nobody can be told of chunks
        layers = {layer: one for layer, one in layers.items() if one.kind != _CHUNK}
    sizes = _sizes(tiny, layers)
    if not any(sizes.values()):
        return None
    rows = min(max(sizes.values(), default=0), _CHANGED) + 1
    inputs = tiny.inputs((0,) * rows)
    with _Probe(layers, sizes, rows) as probe:
        run(tiny, inputs)
        problems = _judged(probe, "the whole")
        if pieces:
            probe.seen.clear()
            probe.latest.clear()
            try:
                for _ in read_in(tiny, pieces, inputs=inputs):
                    probe.go_on()
            except (NotApplicable, StageError):  # whether it goes on from a cache is asked elsewhere
                return problems
            problems += _judged(probe, f"in pieces of {pieces}")
    return problems


def _sizes(tiny: TinyModel, layers: Mapping[nn.Module, _Layer]) -> dict[nn.Module, int]:
    """Return how many places each layer reads of the inputs as a whole."""
    sizes = dict.fromkeys(layers, 0)

    def measure(layer: nn.Module, args: Any, options: Any) -> None:
        _, states = _states(args, options)
        if states is not None and states.shape[-3] == len(_ROWS):
            sizes[layer] = max(sizes[layer], states.shape[-2])

    handles = [layer.register_forward_pre_hook(measure, with_kwargs=True) for layer in layers]
    try:
        run(tiny, tiny.inputs(_ROWS))
    finally:
        for handle in handles:
            handle.remove()
    return sizes


def _pieces(tiny: TinyModel) -> list[int]:
    """Return how many places are read at a time, the later ones from the cache; none where it keeps no cache."""
    outputs = reference_forward(tiny)
    known = forward_parameters(type(tiny.model))
    if "cache" not in known or not isinstance(outputs, Mapping) or excused(tiny, "cache_equals_no_cache"):
        return []
    try:
        length, behind = lengths(tiny)
    except NotApplicable:
        return []
    if excused(tiny, "chunked_prefill_equals_whole") or behind < 2:
        return [length - behind, *[1] * behind]
    return [length - behind, behind - 1, 1]


def _judged(probe: _Probe, how: str) -> list[str]:
    """Return in which layers, read so, places see others than is declared, told by how far behind those stand."""
    problems = []
    for layer, start, moved in probe.seen:
        one, first = probe.layers[layer], probe.first(layer)
        query = start + torch.arange(moved.shape[0])[:, None]
        key = first + torch.arange(moved.shape[1])[None]
        asked = key <= query if one.causal else key < start + moved.shape[0]
        wrong = {
            "sees": (moved > _SHOWS) & ~one.sees(query, key) & asked,
            "does not see": ~(moved > _SHOWS) & one.sees(query, key) & asked,
        }
        for verb, places in wrong.items():
            if distances := sorted(set((query - key)[places].tolist())):
                problems.append(f"{one.path}, {how}, {verb} what stands {', '.join(map(str, distances))} before")
    return list(dict.fromkeys(problems))


def _told_how_far(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *_: Any,
    scaling: float | None = None,
    sliding_window: int | None = None,
    is_causal: bool | None = None,
    **__: Any,
) -> tuple[Tensor, None]:
    """Attend as flash attention does where nothing is padded: to the last places, and so far as it is told.

    As transformers tells flash attention (modeling_flash_attention_utils.py), a window of so many places counts the
    place itself, to each side.
    """
    behind = key.shape[2] - query.shape[2]
    distance = torch.arange(query.shape[2])[:, None] + behind - torch.arange(key.shape[2])[None]
    seen = torch.ones_like(distance, dtype=torch.bool)
    if module.is_causal if is_causal is None else is_causal:
        seen &= distance >= 0
    if sliding_window is not None:
        seen &= distance.abs() < sliding_window
    groups = query.shape[1] // key.shape[1]
    key, value = (each.repeat_interleave(groups, 1) for each in (key, value))
    attended = scaled_dot_product_attention(query, key, value, attn_mask=seen.to(query.device), scale=scaling)
    return attended.transpose(1, 2).contiguous(), None
