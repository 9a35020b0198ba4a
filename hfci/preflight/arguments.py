"""lm-evaluation-harness's grammar of model arguments: `k=v,k2=v2`, a JSON object, or several of either.

As its command line (0.4.13) reads them: commas split outside of brackets, braces and quotes; of a key that is given
twice, the last counts. Numbers with a sign and `none`, which its two parsers take for different things, are what they
look like; a value in quotes is a text.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Iterable
from typing import Any

from hfci.errors import UsageError

__all__ = ["parse_model_arguments"]

_WORDS = {"true": True, "false": False, "none": None, "null": None}
_OPENING, _CLOSING = "[({", "])}"


def parse_model_arguments(given: Iterable[str], texts: Collection[str] = ()) -> dict[str, Any]:
    """Return the arguments that are `given`, together; UsageError where one has no meaning.

    The values of the arguments in `texts` are texts, whatever they look like.
    """
    arguments: dict[str, Any] = {}
    for text in given:
        arguments.update(_object(text) if text.lstrip().startswith("{") else _pairs(text, texts))
    return arguments


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"model arguments that begin with {{ are a JSON object, and this is none: {error}") from error
    return dict(data)


def _pairs(text: str, texts: Collection[str]) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for item in _split(text):
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"model arguments are `key=value,key2=value2` or a JSON object, not {item!r:.80}")
        pairs[name.strip()] = value.strip() if name.strip() in texts else _value(value.strip())
    return pairs


def _split(text: str) -> list[str]:
    """Return the parts between the commas that stand outside of brackets, braces and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth = max(depth - 1, 0)
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]


def _value(text: str) -> Any:
    """Return what `text` means: a truth value, none, a number, what a literal of Python is, else the text itself."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for meaning in (int, float, ast.literal_eval):
        try:
            return meaning(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return text
