"""What is asked of a tokenizer about the arguments of its calls."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from hfci.checks.arguments import Asked
from hfci.checks.texts import TEXTS, encoded, words_with

__all__ = ["of_texts"]

# Tokens at most, of a text that has more; at least, of texts that have fewer; and what lengths are to be a multiple of.
_MOST, _LEAST, _MULTIPLE = 8, 200, 64
_CUT = {"truncation": True, "max_length": _MOST}
# The typed arguments of a call that all tokenizers share → other values than the usual one. Left out are texts that it
# may be given besides, and `verbose`, which says how much is told to whoever runs it.
_OTHERS: Mapping[str, Sequence[Any]] = {
    "add_special_tokens": (False,),
    "padding": (True, "max_length"),
    "truncation": (True, False),
    "max_length": (_MOST, _LEAST),
    "stride": (2,),
    "is_split_into_words": (True,),
    "pad_to_multiple_of": (_MULTIPLE,),
    "padding_side": ("left", "right"),
    "return_tensors": ("pt",),
    "return_token_type_ids": (True, False),
    "return_attention_mask": (True, False),
    "return_overflowing_tokens": (True,),
    "return_special_tokens_mask": (True,),
    "return_offsets_mapping": (True,),
    "return_length": (True,),
}
_CONTEXTS: Sequence[Mapping[str, Any]] = (
    {},
    {"padding": True},
    {"padding": "max_length", "max_length": _LEAST},
    {"padding": "max_length", "max_length": _MOST},
    {"max_length": _MOST},
    _CUT,
    {**_CUT, "return_overflowing_tokens": True},
)


def of_texts(tokenizer: Any) -> Asked:
    """Return what is asked of a tokenizer: the arguments of a call that its class names, and those that all share.

    One that adds no special tokens is not asked whether it leaves them out, one without a token to pad with not how it
    pads, nor one that reads pages whether a text is in words, which theirs are.
    """
    known = _arguments(type(tokenizer))
    others = {name: values for name, values in _OTHERS.items() if name in known}
    if not tokenizer.num_special_tokens_to_add():
        others.pop("add_special_tokens", None)
    if words_with(tokenizer):
        others.pop("is_split_into_words", None)
    if tokenizer.pad_token_id is None:
        others = {name: values for name, values in others.items() if "pad" not in name}
    questions: tuple[Any, ...] = (TEXTS[1], TEXTS[:3])
    taken = [{name: value for name, value in context.items() if name in known} for context in _CONTEXTS]
    contexts = [context for place, context in enumerate(taken) if context not in taken[:place]]

    def ask(options: Mapping[str, Any]) -> list[Any]:
        return [_answer(tokenizer, question, options) for question in questions]

    return Asked(others, contexts, ask)


def _arguments(cls: type[Any]) -> set[str]:
    """Return the arguments of a class's calls, with those that it hands on to the class it derives from."""
    names: set[str] = set()
    for base in cls.__mro__:
        if (call := vars(base).get("__call__")) is None:
            continue
        names |= inspect.signature(call).parameters.keys()
        if "super().__call__(" not in inspect.getsource(call):
            break
    return names


def _answer(tokenizer: Any, question: Any, options: Mapping[str, Any]) -> str:
    """Return what it gives for texts, or what it raises, spelt out."""
    try:
        answer = encoded(tokenizer, question, **options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return repr({name: _plain(value) for name, value in answer.items()})


def _plain(value: Any) -> Any:
    return ("tensor", value.tolist()) if isinstance(value, torch.Tensor) else value
