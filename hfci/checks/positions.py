"""Are the places of tokens read, and read right?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.catalog.facts import forward_parameters
from hfci.checks.applicability import NotApplicable
from hfci.checks.exceptions import reason
from hfci.checks.floor import different
from hfci.checks.running import outputs_of, outside_cache, reference, run
from hfci.checks.sequences import at, is_text
from hfci.checks.tensors import floating
from hfci.tiny import TinyModel

__all__ = ["MOVED", "explicit_positions_equal_default", "moved_on", "positions_matter", "rotary_places_are_relative"]

_PLACES = "position_ids"
# How many of the last tokens are read behind a cache.
_BEHIND = 4
# By so many are all places moved on.
MOVED = 7


def explicit_positions_equal_default(tiny: TinyModel) -> None:
    """Assert that the places which tokens have anyway, given, change nothing, and nothing behind a cache.

    Where padding has a number, places may be counted from behind that, as fairseq's are.

    Raises `NotApplicable` where its inputs are no texts, or name the place of each token.
    """
    tokens = _text_without_places(tiny)
    padding = getattr(tiny.config.get_text_config(), "pad_token_id", None)
    first: list[str] = []
    for start in (0,) if padding is None else (0, padding + 1):
        outputs = outputs_of(tiny, tiny.inputs() | {_PLACES: _places(tokens) + start})
        differences = different(tiny, outputs, reference(tiny))
        if not differences:
            break
        first = first or differences
    else:
        raise AssertionError(f"the places of the tokens, given, change {'; '.join(first)}")
    if problems := _behind_a_cache(tiny, _places(tokens) + start):
        raise AssertionError(f"behind a cache, the places of the tokens, given, change {'; '.join(problems)}")


def _behind_a_cache(tiny: TinyModel, places: Tensor) -> list[str]:
    """Return what giving the places of the last tokens changes, those before being in a cache, if there is one."""
    name = forward_parameters(type(tiny.model)).get("cache")
    inputs = tiny.inputs()
    if name is None or set(inputs) != {"input_ids"}:
        return []
    before, behind = inputs["input_ids"].split([places.shape[-1] - _BEHIND, _BEHIND], dim=-1)
    outputs = []
    for more in ({}, {_PLACES: places[..., -_BEHIND:].contiguous()}):
        first = run(tiny, {"input_ids": before})
        cache = first.get(name) if isinstance(first, Mapping) else None
        if cache is None:
            return []
        outputs.append(outputs_of(tiny, {"input_ids": behind, name: cache, **more}))
    return different(tiny, outputs[1], outputs[0])


def rotary_places_are_relative(tiny: TinyModel) -> None:
    """Assert that places which are all moved on by as many change nothing: rotary embeddings turn by differences.

    Keys are kept as they are turned, so that those in a cache do change. Where an exception says that places are read
    for themselves too, something must change.

    Raises `NotApplicable` where its inputs are no texts, or name the place of each token.
    """
    _text_without_places(tiny)
    problems = moved_on(tiny)
    absolute = reason(tiny, "rotary_places_are_relative", "absolute")
    if problems and absolute is None:
        raise AssertionError(f"places that are all moved on by {MOVED} change {'; '.join(problems)}")
    if absolute is not None and not problems:
        raise AssertionError(f"an exception says that it reads places for themselves ({absolute}), and it does not")


def moved_on(tiny: TinyModel) -> list[str]:
    """Return what changes, caches aside, when the places of all tokens are moved on by `MOVED`."""
    inputs = tiny.inputs()
    moved = outputs_of(tiny, inputs | {_PLACES: _places(inputs["input_ids"]) + MOVED})
    return different(tiny, moved, outside_cache(tiny, reference(tiny)))


def positions_matter(tiny: TinyModel) -> None:
    """Assert that the order of tokens changes what is given elsewhere and, where it takes places, that so do others.

    Where an exception says that it reads no places that it is given, they must change nothing.

    Raises `NotApplicable` where its inputs are no texts.
    """
    tokens = _text(tiny)
    unread = reason(tiny, "positions_matter", "unread")
    problems = []
    if not _seen_elsewhere(tiny, tokens):
        problems.append("the order of two tokens changes nothing elsewhere")
    if _PLACES in forward_parameters(type(tiny.model)) and _PLACES not in tiny.inputs():
        outputs = [
            outputs_of(tiny, tiny.inputs() | {_PLACES: places})
            for places in (_places(tokens), _swapped(_places(tokens), 1, 3))
        ]
        changed = bool(different(tiny, outputs[1], floating(outputs[0])))
        if unread is None and not changed:
            problems.append(f"other {_PLACES} change nothing")
        if unread is not None and changed:
            problems.append(f"an exception says that it reads no {_PLACES} ({unread}), and it does")
    if problems:
        raise AssertionError("; ".join(problems))


def _seen_elsewhere(tiny: TinyModel, tokens: Tensor) -> bool:
    """Tell whether two tokens that change places change what is given for the others, or for the text as a whole."""
    one, other = tokens.shape[-1] - 5, tokens.shape[-1] - 4
    elsewhere = torch.ones_like(tokens, dtype=torch.bool)
    elsewhere[..., [one, other]] = False
    outputs = (reference(tiny), outputs_of(tiny, tiny.inputs() | {"input_ids": _swapped(tokens, one, other)}))
    before, after = (at(each, tokens.shape, elsewhere) or floating(each) for each in outputs)
    return bool(different(tiny, after, before))


def _swapped(tensor: Tensor, one: int, other: int) -> Tensor:
    """Return it with two places of its last dimension exchanged."""
    swapped = tensor.clone()
    swapped[..., [one, other]] = tensor[..., [other, one]]
    return swapped


def _text(tiny: TinyModel) -> Any:
    """Return the tokens among its inputs; raises `NotApplicable` where these are no texts."""
    tokens = tiny.inputs().get("input_ids")
    if not is_text(tiny, tokens):
        raise NotApplicable("its inputs are no texts of tokens, one in each row")
    return tokens


def _text_without_places(tiny: TinyModel) -> Any:
    """Return the tokens among its inputs; raises `NotApplicable` as `_text`, and where places stand there too."""
    tokens = _text(tiny)
    if _PLACES in tiny.inputs():
        raise NotApplicable("its inputs name the place of each token")
    return tokens


def _places(tokens: Tensor) -> Tensor:
    return torch.arange(tokens.shape[-1], device=tokens.device).expand(tokens.shape).contiguous()
