"""What an evaluation has a model read: so many texts, of so many tokens each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.catalog.facts import forward_parameters
from hfci.tiny.inputs import make_inputs

__all__ = ["evaluation_inputs", "media_inputs", "text_inputs"]

# A token of every vocabulary that is not the padding of most.
_TOKEN = 3

# The arguments that hold what is read place by place, of which a cache holds what was read before.
_READ = ("decoder_input_ids", "decoder_input_values", "input_ids", "inputs_embeds")


def text_inputs(cls: type[Any], batch: int, length: int) -> dict[str, Any]:
    """Return `batch` texts of `length` tokens, as the forward of `cls` takes them: those of an encoder too."""
    known = forward_parameters(cls)
    names = [name for name in ("input_ids", "decoder_input_ids") if name in known]
    inputs: dict[str, Any] = {name: torch.full((batch, length), _TOKEN, dtype=torch.int64) for name in names}
    return inputs | _cached(known)


def evaluation_inputs(cls: type[Any], batch: int, length: int) -> dict[str, Any]:
    """Return what lm-evaluation-harness hands to the forward of `cls` to score `batch` texts of `length` tokens."""
    texts = text_inputs(cls, batch, length)
    if "decoder_input_ids" not in texts or "labels" not in forward_parameters(cls):
        return {"input_ids": texts["input_ids"]} if "input_ids" in texts else texts
    tokens = texts["input_ids"] if "input_ids" in texts else texts["decoder_input_ids"]
    return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "labels": tokens}


def media_inputs(model: Any, batch: int, length: int) -> dict[str, Any]:
    """Return `batch` texts of `length` tokens at least, with the images or sounds that the forward of `model` takes."""
    inputs = make_inputs(model, range(batch))
    name = next((name for name in _READ if name in inputs), None)
    read = inputs[name].shape if name else (batch, length)
    longer = {
        key: _longer(value, length - read[1]) if _is_as_long(value, read) else value for key, value in inputs.items()
    }
    return longer | _cached(forward_parameters(type(model)))


def _is_as_long(value: Any, read: Any) -> bool:
    return isinstance(value, Tensor) and value.shape[:2] == read[:2]


def _longer(value: Tensor, by: int) -> Tensor:
    """Repeat the last place of each text, which is no image's."""
    return torch.cat([value, value[:, -1:].expand(-1, by, *value.shape[2:])], 1) if by > 0 else value


def _cached(known: Mapping[str, str]) -> dict[str, Any]:
    return {"use_cache": True} if "use_cache" in known else {}
