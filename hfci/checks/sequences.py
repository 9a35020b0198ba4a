"""The tokens among a model's inputs, and which of its outputs have a place for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.catalog.facts import forward_parameters
from hfci.tiny import TinyModel
from hfci.tiny.inputs.context import Context
from hfci.tiny.inputs.text import ordinary_tokens

__all__ = [
    "PADDED",
    "at",
    "is_text",
    "one_token",
    "ordinary_of",
    "other_tokens",
    "padded",
    "reads_texts",
    "said_of_each",
    "texts_of",
]

# The sides on which a text may be padded.
PADDED = ("right", "left")
# How many tokens a padded row is longer.
_PADDING = 3


def ordinary_of(tiny: TinyModel) -> Tensor:
    """Return the tokens that mean nothing special to its configuration, in ascending order."""
    return torch.tensor(ordinary_tokens(Context(tiny.model, tiny.config, 0, tiny.seed)), device=tiny.device)


def other_tokens(tiny: TinyModel, tokens: Tensor, step: int = 1) -> Tensor:
    """Return ordinary tokens, of the shape of `tokens`, each another one than stands there; other ones by `step`."""
    ordinary = ordinary_of(tiny)
    where = torch.searchsorted(ordinary, tokens.contiguous())
    return ordinary[(where + 3 * step) % len(ordinary)]


def at(outputs: Mapping[str, Tensor], shape: torch.Size, where: Tensor) -> dict[str, Tensor]:
    """Return of the floating fields that have a place for each token, a batch of `shape`, the places in `where`."""
    return {
        name: tensor[where]
        for name, tensor in outputs.items()
        if tensor.is_floating_point() and tensor.shape[: len(shape)] == shape
    }


def is_text(tiny: TinyModel, tokens: Any) -> bool:
    """Tell whether an input is a text of several tokens in each row, or several to choose from."""
    return isinstance(tokens, Tensor) and tokens.ndim == (3 if tiny.recipe.choices else 2) and tokens.shape[-1] > 1


def texts_of(tiny: TinyModel) -> list[str]:
    """Return the arguments among its inputs that hold texts, as `is_text` says."""
    return [name for name in ("input_ids", "decoder_input_ids") if is_text(tiny, tiny.inputs().get(name))]


def reads_texts(tiny: TinyModel) -> bool:
    """Tell whether its inputs are texts of tokens, one in each row, or several to choose from, and it takes a mask."""
    tokens = tiny.inputs().get("input_ids")
    if tokens is None or "attention_mask" not in forward_parameters(type(tiny.model)):
        return False
    return len(tokens) == 2 and tokens.ndim == (3 if tiny.recipe.choices else 2)


def padded(tiny: TinyModel, side: str) -> tuple[dict[str, Any], Tensor]:
    """Return inputs of two texts, the first shorter and padded on `side`, and where there is no padding.

    What pads is ordinary tokens, which no mask but `attention_mask` tells from the text. What else says something of
    each token (its kind, its place on the page) says of the padding what it says of the outermost token; the second
    text is longer by copies of its second last token, or of its first.
    """
    inputs = tiny.inputs()
    shape = inputs["input_ids"].shape
    for name, value in inputs.items():
        said_of_each = isinstance(value, Tensor) and value.shape[: len(shape)] == shape
        if said_of_each and not name.startswith(("decoder_", "encoder_")):
            inputs[name] = torch.stack([_longer(row, side, number, len(shape) - 2) for number, row in enumerate(value)])
    tokens = inputs["input_ids"]
    real = torch.ones_like(tokens, dtype=torch.bool)
    (real[0, ..., -_PADDING:] if side == "right" else real[0, ..., :_PADDING]).fill_(False)
    inputs["input_ids"] = torch.where(real, tokens, other_tokens(tiny, tokens))
    inputs["attention_mask"] = real * inputs.get("attention_mask", torch.ones_like(tokens))
    return inputs, real


def _longer(row: Tensor, side: str, number: int, dimension: int) -> Tensor:
    """Return a row of an input with copies of one token's: behind it or, where it is not to be padded, within it."""
    length = row.shape[dimension]
    if side == "left":
        first, copied = 0, 0
    else:
        first, copied = (length, length - 1) if number == 0 else (length - 1, length - 2)
    more = row.narrow(dimension, copied, 1).repeat_interleave(_PADDING, dimension)
    before, behind = row.narrow(dimension, 0, first), row.narrow(dimension, first, length - first)
    return torch.cat([before, more, behind], dimension)


def said_of_each(inputs: Mapping[str, Any], name: str) -> dict[str, Tensor]:
    """Return those of the inputs that say something of each token of the text in the argument `name`, itself too."""
    shape, is_decoded = inputs[name].shape, name.startswith("decoder_")
    return {
        argument: value
        for argument, value in inputs.items()
        if isinstance(value, Tensor)
        and value.shape[: len(shape)] == shape
        and not argument.startswith(("encoder_", "cross_"))
        and argument.startswith("decoder_") == is_decoded
    }


def one_token(inputs: dict[str, Any], name: str) -> dict[str, Any]:
    """Return inputs cut to the first token of the text in the argument `name`, with all that is said of each token."""
    axis = inputs[name].ndim - 1
    return inputs | {argument: value.narrow(axis, 0, 1) for argument, value in said_of_each(inputs, name).items()}
