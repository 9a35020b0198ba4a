"""Does a model that goes on from its cache give what it gives for everything at once?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, EncoderDecoderCache, StaticCache

from hfci.catalog.facts import MEDIA, forward_parameters, modality_of_parameter
from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import excused, reason
from hfci.checks.floor import different
from hfci.checks.running import outputs_of, rebuilt, run
from hfci.checks.sequences import ordinary_of
from hfci.checks.tensors import named_tensors
from hfci.tiny import TinyModel

__all__ = [
    "cache_equals_no_cache",
    "chunked_prefill_equals_whole",
    "cut",
    "decoding",
    "in_pieces_and_whole",
    "lengths",
    "read_in",
    "reset_cache_is_new",
    "static_cache_equals_dynamic",
]

# The arguments that hold what is read place by place, of which a cache holds the places before.
_READ = ("decoder_input_ids", "decoder_input_values", "input_ids", "inputs_embeds")
# The outputs that have a place for each of them.
_GIVEN = ("logits", "last_hidden_state", "hidden_states", "decoder_hidden_states")
# What a model is shown once, before the text, as media are: later tokens find it in the cache.
_MADE_OF_MEDIA = ("cross_attention_states",)
# How many of the last places are read from the cache.
_BEHIND = 5
# The rows of another text.
_OTHER_ROWS = (2, 3)
# How many places a static cache has beyond the text: it is seldom full, and what is read must not count those.
_SPARE = 3


def cache_equals_no_cache(tiny: TinyModel) -> None:
    """Assert that a text read in part, and then token by token from the cache, gives what it gives as a whole.

    In every output that has a place for each token, hidden states too, and with the cache that the model itself makes;
    where it makes none, with a new one, as `generate` hands it. Media are shown with the first part alone, unless an
    exception says that they are wanted at each step. An encoder that may be a decoder is asked as one.

    Raises `NotApplicable` where nothing is read place by place, or no cache is filled.
    """
    tiny = _in_parts(tiny)
    length, behind = lengths(tiny)
    _assert_pieces_equal_whole(tiny, [length - behind, *[1] * behind])


def chunked_prefill_equals_whole(tiny: TinyModel) -> None:
    """Assert that a text read in chunks, behind a cache and behind one used so, gives what it gives as a whole.

    Two tokens are read from the cache, and then the rest from the same; all else is as in `cache_equals_no_cache`.

    Raises `NotApplicable` where fewer than four tokens may be read alone.
    """
    tiny = _in_parts(tiny)
    length, behind = lengths(tiny)
    if behind < 4:
        raise NotApplicable(f"of its text {behind} tokens may be read alone, too few for two chunks")
    _assert_pieces_equal_whole(tiny, [length - behind, 2, behind - 2])


def reset_cache_is_new(tiny: TinyModel) -> None:
    """Assert that a cache that was used and is reset serves another text as a new one does, bit by bit.

    Raises `NotApplicable` where what it gives as its cache is none of transformers' caches.
    """
    tiny = _in_parts(tiny)
    length, behind = lengths(tiny)
    pieces = [length - behind, *[1] * behind]
    cache = _cache_of(tiny, list(read_in(tiny, pieces, inputs=tiny.inputs(_OTHER_ROWS)))[-1])
    if not isinstance(cache, Cache):
        raise NotApplicable("its cache is a class of its own")
    wanted = _joined(list(read_in(tiny, pieces)), pieces)
    cache.reset()  # type: ignore[no-untyped-call]
    again = _joined(list(read_in(tiny, pieces, cache)), pieces)
    if problems := different(tiny, again, wanted):
        raise AssertionError(f"a cache that was reset gives others than a new one: {'; '.join(problems)}")


def static_cache_equals_dynamic(tiny: TinyModel) -> None:
    """Assert that read in part and token by token from a static cache a text gives what it gives as a whole.

    Its windows are shorter than the text, so that they are full when the last tokens come.
    """
    tiny = _in_parts(tiny)
    length, behind = lengths(tiny)
    _assert_pieces_equal_whole(tiny, [length - behind, *[1] * behind], lambda: _static_cache(tiny, length))


def _static_cache(tiny: TinyModel, length: int) -> Cache:
    """Return a static cache for `length` places and some to spare, and for all that is crossed to, uncut by windows."""
    config = tiny.config.get_text_config(decoder=True)
    cache = StaticCache(config=config, max_cache_len=length + _SPARE)
    crossed = tiny.inputs().get("encoder_hidden_states")
    if crossed is None and getattr(tiny.config, "is_encoder_decoder", False):
        crossed = outputs_of(tiny).get("encoder_last_hidden_state")
    if crossed is None:
        return cache
    whole = copy.deepcopy(config)
    for windows in ("sliding_window", "layer_types"):
        if getattr(whole, windows, None) is not None:
            setattr(whole, windows, None)
    return EncoderDecoderCache(cache, StaticCache(config=whole, max_cache_len=crossed.shape[1]))


def _in_parts(tiny: TinyModel) -> TinyModel:
    """Return `tiny` as a decoder; raises `NotApplicable` where a part of a text is something else by design."""
    if (why := excused(tiny, "cache_equals_no_cache")) is not None:
        raise NotApplicable(why)
    return decoding(tiny)


def decoding(tiny: TinyModel) -> TinyModel:
    """Return `tiny`, or a copy built as a decoder where its configuration says that it is none, and might be."""
    if getattr(tiny.config, "is_encoder_decoder", False) or getattr(tiny.config, "is_decoder", None) is not False:
        return tiny
    config = copy.deepcopy(tiny.config)
    config.is_decoder = True
    return rebuilt(tiny, config, dtype=tiny.model.dtype)


def _assert_pieces_equal_whole(
    tiny: TinyModel, pieces: Sequence[int], new_cache: Callable[[], Cache | None] = lambda: None
) -> None:
    """Assert that read in `pieces` it gives what it gives for all of them at once, as `in_pieces_and_whole` says."""
    got, wanted = in_pieces_and_whole(tiny, pieces, new_cache)
    if problems := different(tiny, got, wanted):
        raise AssertionError(f"read in pieces of {pieces}, from its cache, it gives others: {'; '.join(problems)}")


def in_pieces_and_whole(
    tiny: TinyModel, pieces: Sequence[int], new_cache: Callable[[], Cache | None] = lambda: None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return what it gives for its text read in `pieces`, of so many places each, and for all of them at once.

    Of each output that has a place for each of them. The cache is that of `new_cache` or, where that gives none, the
    one that it makes itself. Raises `NotApplicable` where there are no such outputs, or no cache is filled.
    """
    wanted = _by_place(_run(tiny, cut(tiny.inputs(), 0, sum(pieces)), use_cache=False), sum(pieces))
    if not wanted:
        raise NotApplicable("none of its outputs has a place for each token")
    return _joined(list(read_in(tiny, pieces, new_cache())), pieces), wanted


def _joined(outputs: Sequence[Any], pieces: Sequence[int]) -> dict[str, Tensor]:
    """Return what was given for each piece, put together."""
    parts = [_by_place(output, size) for output, size in zip(outputs, pieces, strict=True)]
    names = [name for name in parts[0] if all(name in part for part in parts)]
    return {
        name: torch.cat([part[name] for part in parts], 1) for name in names if _fit([part[name] for part in parts])
    }


def _fit(parts: Sequence[Tensor]) -> bool:
    """Tell whether the parts of an output differ in how many places they have, if in anything."""
    return len({(len(part), *part.shape[2:]) for part in parts}) == 1


def read_in(
    tiny: TinyModel, pieces: Sequence[int], cache: Cache | None = None, inputs: Mapping[str, Any] | None = None
) -> Iterator[Any]:
    """Yield what it gives for each piece, the later ones read from the cache of those before, or from `cache`.

    The pieces are of its own inputs, unless others are given. Raises `NotApplicable` where no cache is filled.
    """
    name = forward_parameters(type(tiny.model))["cache"]
    shown_again = reason(tiny, "cache_equals_no_cache", "media_at_each_step") is not None
    start = 0
    for size in pieces:
        piece = cut(tiny.inputs() if inputs is None else inputs, start, start + size, shown_again=shown_again)
        outputs = _run(tiny, piece | ({} if cache is None else {name: cache}), use_cache=True)
        if cache is None and (cache := _cache_of(tiny, outputs)) is None:
            cache = _new_cache(tiny, piece)
            outputs = _run(tiny, piece | {name: cache}, use_cache=True)
            if not named_tensors(cache):
                raise NotApplicable("it fills no cache, asked for one or given one")
        yield outputs
        start += size


def _cache_of(tiny: TinyModel, outputs: Any) -> Any:
    return outputs.get(forward_parameters(type(tiny.model))["cache"])


def _new_cache(tiny: TinyModel, inputs: Mapping[str, Any]) -> Cache:
    """Return an empty cache for a model that makes none itself."""
    config = tiny.config.get_text_config(decoder=True)
    cache = DynamicCache(config=config)
    return EncoderDecoderCache(cache, DynamicCache(config=config)) if "encoder_hidden_states" in inputs else cache


def _run(tiny: TinyModel, inputs: Mapping[str, Any], *, use_cache: bool) -> Any:
    """Return its outputs, hidden states among them; the cache that `inputs` hold goes on to hold more."""
    known = forward_parameters(type(tiny.model))
    options = {"output_hidden_states": True, "use_cache": use_cache}
    if "kwargs" not in known:
        options = {name: value for name, value in options.items() if name in known}
    if "is_decoder" in known:
        options["is_decoder"] = True
    return run(tiny, inputs, **options)


def _read(inputs: Mapping[str, Any]) -> str:
    """Return the argument that holds what is read place by place; raises `NotApplicable` where none does."""
    name = next((name for name in _READ if name in inputs), None)
    if name is None:
        raise NotApplicable("it reads nothing place by place")
    return name


def lengths(tiny: TinyModel) -> tuple[int, int]:
    """Return how many places it reads, and how many of the last may be read alone: no media stand there."""
    inputs = tiny.inputs()
    name = _read(inputs)
    length = inputs[name].shape[1]
    behind = length - 1
    if name == "input_ids":
        special = ~torch.isin(inputs[name], ordinary_of(tiny))
        special = special.reshape(len(special), length, -1).any(-1).any(0)
        behind = min(behind, length - 1 - int(special.nonzero().max())) if special.any() else behind
    return length, min(_BEHIND, behind)


def cut(inputs: Mapping[str, Any], start: int, stop: int, *, shown_again: bool = False) -> dict[str, Any]:
    """Return the inputs of the places from `start` to `stop` of a text, of which those before are in the cache.

    Media are shown with the first place alone, unless they are to be `shown_again`.
    """
    name = _read(inputs)
    places = inputs[name].shape[:2]
    is_pair = name.startswith("decoder_")
    cut = {}
    for argument, value in inputs.items():
        said_of_each = isinstance(value, Tensor) and value.shape[:2] == places
        if argument == "attention_mask" and not is_pair:
            cut[argument] = value[:, :stop]
        elif said_of_each and not argument.startswith("encoder_") and is_pair == argument.startswith("decoder_"):
            cut[argument] = value[:, start:stop]
        elif start == 0 or is_pair or shown_again or not _is_shown_once(argument):
            cut[argument] = value
    return cut


def _is_shown_once(argument: str) -> bool:
    return argument in _MADE_OF_MEDIA or modality_of_parameter().get(argument) in MEDIA


def _by_place(outputs: Any, size: int) -> dict[str, Tensor]:
    """Return, of the outputs that have a place for each of `size` tokens, those places; a picture may stand before."""
    return {
        name: tensor[:, -size:]
        for name, tensor in named_tensors(outputs).items()
        if name.partition("[")[0] in _GIVEN and tensor.ndim > 2 and tensor.shape[1] >= size
    }
