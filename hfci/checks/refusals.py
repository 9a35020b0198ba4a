"""Is what a model cannot take refused with an error that says why?"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError

from hfci.catalog import read_row
from hfci.checks.applicability import NotApplicable
from hfci.checks.running import outputs_of, reference, run
from hfci.checks.sequences import ordinary_of, said_of_each, texts_of
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["text_past_its_maximum_is_refused", "undivided_heads_are_refused"]

# How a configuration says how long a text may be, in the argument that holds it.
_MAXIMUM = {
    "input_ids": ("max_position_embeddings",),
    "decoder_input_ids": ("max_target_positions", "max_position_embeddings"),
}
# Texts of fewer tokens are read, and no longer ones: what two configurations allow is past all memory.
_LONGEST = 1024


def text_past_its_maximum_is_refused(tiny: TinyModel) -> None:
    """Assert that a text one token longer than its configuration allows runs, or is refused by a word with that length.

    It runs where places are computed, and may be any. Where they are rows of a table, a text that is not looked at
    stops at a shape or an index out of range, which on a GPU ends the process, and tells nobody that it is too long.

    Raises `NotApplicable` where the base within it is asked, where its inputs are no texts, where its configuration
    does not say how long one may be, and where what else it reads is as long as its text.
    """
    _refuse_for_its_base(tiny)
    reference(tiny)  # what stops at any text says nothing of a long one
    asked = {name: maximum for name in texts_of(tiny) if (maximum := _maximum(tiny, name)) is not None}
    asked = {name: maximum for name, maximum in asked.items() if _stop_of(tiny, name, 1) is None}
    if not asked:
        raise NotApplicable("its inputs are no texts whose length is free, or its configuration does not say how long")
    problems = []
    for name, maximum in asked.items():
        stop = _stop_of(tiny, name, maximum + 1 - tiny.inputs()[name].shape[-1])
        if stop is not None and not (isinstance(stop, ValueError) and _names(str(stop), maximum)):
            message = f"{type(stop).__name__}: {stop}"
            problems.append(f"{maximum + 1} tokens where at most {maximum} may be stop with {message}")
    if problems:
        raise AssertionError("; ".join(problems))


def _stop_of(tiny: TinyModel, name: str, more: int) -> BaseException | None:
    """Return what its forward stops with, if its text in the argument `name` has so many tokens more."""
    try:
        run(tiny, _lengthened(tiny, name, more))
    except StageError as error:
        return error.__cause__
    return None


def _maximum(tiny: TinyModel, name: str) -> int | None:
    """Return how long a text may be in the argument `name`; None where nothing says so."""
    is_decoded = name.startswith("decoder_")
    is_encoded = not is_decoded and getattr(tiny.config, "is_encoder_decoder", False)
    config = tiny.config.get_text_config(decoder=is_decoded or None, encoder=is_encoded or None)
    values = (getattr(config, field, None) for field in _MAXIMUM[name])
    length = tiny.inputs()[name].shape[-1]  # a number below it, which it reads here, is of something else
    return next((number for number in values if isinstance(number, int) and length <= number < _LONGEST), None)


def _lengthened(tiny: TinyModel, name: str, more: int) -> dict[str, Any]:
    """Return inputs whose texts in the argument `name` have so many copies of their last ordinary token more.

    What else says something of each token says of the copies what it says of that.
    """
    inputs = tiny.inputs()
    tokens = inputs[name]
    ordinary = torch.isin(tokens, ordinary_of(tiny)).flatten(0, -2).all(0).nonzero()
    copied = int(ordinary[-1]) if len(ordinary) else tokens.shape[-1] - 1
    copies = torch.full((more,), copied)
    order = torch.cat([torch.arange(copied), copies, torch.arange(copied, tokens.shape[-1])]).to(tiny.device)
    axis = tokens.ndim - 1
    return inputs | {
        argument: value.index_select(axis, order) for argument, value in said_of_each(inputs, name).items()
    }


def undivided_heads_are_refused(tiny: TinyModel) -> None:
    """Assert that a number of heads that does not divide the hidden size is refused by a word about heads.

    By the configuration or by building the model. Or else it is what is meant, since a head has a width of its own, or
    one that is rounded: then the model runs. What is built and stops at a shape deep within tells nobody which field of
    the configuration is wrong.

    Raises `NotApplicable` where its configuration does not have both, where the base within it is asked, where the
    hidden size is too small, and where another number that does divide is no better: other fields go with it.
    """
    _refuse_for_its_base(tiny)
    size, heads = (getattr(tiny.config, field, None) for field in ("hidden_size", "num_attention_heads"))
    if not isinstance(size, int) or not isinstance(heads, int):
        raise NotApplicable("its configuration does not say how many heads share a hidden size")
    reference(tiny)  # what stops with its own number of heads says nothing of another
    # Even numbers, of heads so wide that half of each can be rotated: what is odd may be refused for that.
    even = [number for number in range(2, size, 2) if size // number % 4 == 0]
    undivided = next((number for number in even if size % number), None)
    divided = next((number for number in even if size % number == 0 and number != heads), None)
    if undivided is None or divided is None:
        raise NotApplicable("so small a hidden size has no such number of heads")
    if (problem := _stops(tiny, undivided)) is not None:
        if _stops(tiny, divided) is not None:
            raise NotApplicable("other fields of its configuration go with the number of heads")
        raise AssertionError(problem)


def _stops(tiny: TinyModel, heads: int) -> str | None:
    """Return how a model with so many heads stops without a word about them; None where it runs or is refused."""
    what = f"{heads} heads of a hidden size of {tiny.config.hidden_size}"
    try:
        config = _with_heads(tiny.config, heads)
        with torch.random.fork_rng(devices=[]):
            model = type(tiny.model)._from_config(config)
    except Exception as error:
        is_meant = isinstance(error, ValueError | AssertionError | StrictDataclassError) and "head" in str(error)
        return None if is_meant else f"{what} are refused with {type(error).__name__}: {error}"
    try:
        outputs_of(replace(tiny, model=model.to(tiny.device).eval()), tiny.inputs())
    except StageError as error:
        return f"{what} are accepted, and its forward stops with {type(error.__cause__).__name__}: {error.__cause__}"
    return None


def _refuse_for_its_base(tiny: TinyModel) -> None:
    """Raise `NotApplicable` where a model holds the base of its model type, whose configuration and places it has."""
    base = getattr(tiny.model, tiny.model.base_model_prefix, tiny.model)
    names = {architecture.name for architecture in read_row(tiny.model_type).architectures}
    if base is not tiny.model and type(base).__name__ in names:
        raise NotApplicable("its configuration is that of the base within it, which is asked")


def _with_heads(config: Any, heads: int) -> Any:
    """Return a configuration with so many heads, of keys too."""
    fields = ("num_attention_heads", "num_key_value_heads")
    known = type(config).attribute_map
    changes = {known.get(name, name): heads for name in fields if isinstance(getattr(config, name, None), int)}
    return type(config).from_dict({**config.to_dict(), **changes})


def _names(text: str, number: int) -> bool:
    """Tell whether a text holds a number."""
    return str(number) in re.findall(r"\d+", text)
