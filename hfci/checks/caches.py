"""Does a model that goes on from its cache give what it gives for everything at once?"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, EncoderDecoderCache

from hfci.catalog.facts import forward_parameters, modality_of_parameter
from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import reason
from hfci.checks.floor import different
from hfci.checks.running import discard_derived_state, seeded
from hfci.checks.tensors import named_tensors
from hfci.tiny import TinyModel
from hfci.tiny.inputs.context import Context
from hfci.tiny.inputs.text import ordinary_tokens

__all__ = ["cache_equals_no_cache", "decoding"]

# The arguments that hold what is read place by place, of which a cache holds the places before.
_READ = ("decoder_input_ids", "decoder_input_values", "input_ids", "inputs_embeds")
# The outputs that have a place for each of them.
_GIVEN = ("logits", "last_hidden_state", "hidden_states", "decoder_hidden_states")
# What a model is shown once, before the text: later tokens find it in the cache.
_MEDIA = ("image", "video", "audio")
# How many of the last places are read from the cache.
_BEHIND = 5


def cache_equals_no_cache(tiny: TinyModel) -> None:
    """Assert that a text read in part, and then token by token from the cache, gives what it gives as a whole.

    In every output that has a place for each token, hidden states too, and with the cache that the model itself makes;
    where it makes none, with a new one, as `generate` hands it. Media are shown with the first part alone, unless an
    exception says that they are wanted at each step. An encoder that may be a decoder is asked as one.

    Raises `NotApplicable` where nothing is read place by place, or no cache is filled.
    """
    tiny = decoding(tiny)
    length, behind = _lengths(tiny)
    _assert_pieces_equal_whole(tiny, "cache_equals_no_cache", [length - behind, *[1] * behind])


def decoding(tiny: TinyModel) -> TinyModel:
    """Return `tiny`, or a copy built as a decoder where its configuration says that it is none, and might be."""
    if getattr(tiny.config, "is_encoder_decoder", False) or getattr(tiny.config, "is_decoder", None) is not False:
        return tiny
    config = copy.deepcopy(tiny.config)
    config.is_decoder = True
    discard_derived_state(tiny.model)  # what is derived from parameters is not among those that are loaded
    with torch.random.fork_rng(devices=[]):
        model = type(tiny.model)._from_config(config, dtype=tiny.model.dtype)
    model.load_state_dict(tiny.model.state_dict())
    return replace(tiny, model=model.to(tiny.device).eval())


def _assert_pieces_equal_whole(tiny: TinyModel, check: str, pieces: Sequence[int]) -> None:
    """Assert that read in `pieces`, of so many places each, it gives what it gives for all of them at once."""
    wanted = _by_place(_run(tiny, tiny.inputs(), use_cache=False), sum(pieces))
    if not wanted:
        raise NotApplicable("none of its outputs has a place for each token")
    parts = [_by_place(outputs, size) for outputs, size in zip(_read_in(tiny, check, pieces), pieces, strict=True)]
    got = {name: torch.cat([part[name] for part in parts], 1) for name in wanted if all(name in each for each in parts)}
    if problems := different(tiny, got, wanted):
        raise AssertionError(f"read in pieces of {pieces}, from its cache, it gives others: {'; '.join(problems)}")


def _read_in(tiny: TinyModel, check: str, pieces: Sequence[int]) -> Iterator[Any]:
    """Yield what it gives for each piece, the later ones read from the cache of those before."""
    name = forward_parameters(type(tiny.model))["cache"]
    shown_again = reason(tiny, check, "media_at_each_step") is not None
    start, cache = 0, None
    for size in pieces:
        given = _cut(tiny.inputs(), start, start + size, shown_again=shown_again)
        outputs = _run(tiny, given | ({} if cache is None else {name: cache}), use_cache=True)
        if cache is None and (cache := outputs.get(name)) is None:
            cache = _new_cache(tiny, given)
            outputs = _run(tiny, given | {name: cache}, use_cache=True)
            if not named_tensors(cache):
                raise NotApplicable("it fills no cache, asked for one or given one")
        yield outputs
        start += size


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
    with torch.no_grad(), seeded(tiny):
        return tiny.forward({**inputs, **options})


def _read(inputs: Mapping[str, Any]) -> str:
    """Return the argument that holds what is read place by place; raises `NotApplicable` where none does."""
    found = next((name for name in _READ if name in inputs), None)
    if found is None:
        raise NotApplicable("it reads nothing place by place")
    return found


def _lengths(tiny: TinyModel) -> tuple[int, int]:
    """Return how many places it reads, and how many of the last may be read alone: no media stand there."""
    inputs = tiny.inputs()
    name = _read(inputs)
    length = inputs[name].shape[1]
    behind = length - 1
    if name == "input_ids":
        ordinary = ordinary_tokens(Context(tiny.model, tiny.config, 0, tiny.seed))
        special = ~torch.isin(inputs[name].cpu(), torch.tensor(ordinary))
        special = special.reshape(len(special), length, -1).any(-1).any(0)
        behind = min(behind, length - 1 - int(special.nonzero().max())) if special.any() else behind
    return length, min(_BEHIND, behind)


def _cut(inputs: Mapping[str, Any], start: int, stop: int, *, shown_again: bool) -> dict[str, Any]:
    """Return the inputs of the places from `start` to `stop` of a text, of which those before are in the cache."""
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
        elif start == 0 or is_pair or shown_again or modality_of_parameter().get(argument) not in _MEDIA:
            cut[argument] = value
    return cut


def _by_place(outputs: Any, size: int) -> dict[str, Tensor]:
    """Return, of the outputs that have a place for each of `size` tokens, those places; a picture may stand before."""
    return {
        name: tensor[:, -size:]
        for name, tensor in named_tensors(outputs).items()
        if name.partition("[")[0] in _GIVEN and tensor.ndim > 2 and tensor.shape[1] >= size
    }
