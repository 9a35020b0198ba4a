"""Everything that is neither text, picture nor sound, and what accompanies those."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from hfci.tiny.inputs.context import Context
from hfci.tiny.inputs.text import LENGTH, ordinary_tokens

__all__ = ["MAKERS"]

_TARGET = 7
# What a part is fed with by the whole, in the width that it works in.
_FROM_PARENT = ("hidden_states", "inputs_embeds", "query_embeds", "context", "image_hidden_states")
_CROSS_ATTENTIONS = ("encoder_attn", "crossattention", "encoder_decoder_attention")


def decoder_ids(context: Context) -> dict[str, Any]:
    """Return `decoder_input_ids` (1, length): the start of what a decoder has written."""
    allowed = ordinary_tokens(context)
    picks = context.integers("decoder_input_ids", 0, len(allowed), _TARGET)
    return {"decoder_input_ids": torch.tensor([[allowed[int(pick)] for pick in picks]])}


def boxes(context: Context) -> dict[str, Any]:
    """Return `bbox` (1, length, 4): a box a token, corners in order, on a page of the configured coordinates."""
    length = context.made["input_ids"].shape[1] if "input_ids" in context.made else LENGTH
    limit = int(context.find("max_2d_position_embeddings", 128))
    first = context.integers("bbox.low", 0, limit // 2, 1, length, 2)
    size = context.integers("bbox.size", 1, limit // 2, 1, length, 2)
    return {"bbox": torch.cat([first, first + size], dim=-1)}


def history(context: Context) -> dict[str, Any]:
    """Return `past_values` and, where they are taken, the features of time and the observed mask.

    Shapes: (1, context + lags, [channels]), (1, …, time features).
    """
    lags = context.find("lags_sequence")
    past = int(context.find("context_length|history_length", 32)) + (max(lags) if lags else 0)
    future = int(context.find("prediction_length|horizon_length", 8))
    channels = context.find("num_input_channels|input_size")
    single = channels is None or (channels == 1 and "past_time_features" in context.parameters)
    shape = (1, past) if single else (1, past, int(channels))
    features = max(1, int(context.find("num_time_features", 0)))
    companions = {
        "past_time_features": (past, features),
        "future_time_features": (future, features),
        "future_values": (future, *shape[2:]),
    }
    inputs: dict[str, Any] = {"past_values": context.normal("past_values", *shape)}
    for name, size in companions.items():
        if name in context.parameters:
            inputs[name] = context.normal(name, 1, *size)
    if "past_observed_mask" in context.required:
        inputs["past_observed_mask"] = torch.ones(shape)
    if "past_values_padding" in context.required:
        inputs["past_values_padding"] = torch.zeros(shape, dtype=torch.long)
    if "freq" in context.required:
        inputs["freq"] = context.integers("freq", 0, int(context.find("freq_size")), 1, 1)
    return inputs


def trajectory(context: Context) -> dict[str, Any]:
    """Return `states`, `actions`, `rewards`, `returns_to_go` (1, steps, width), `timesteps` and `attention_mask`."""
    steps = 5
    state, action = int(context.find("state_dim", 4)), int(context.find("act_dim", 2))
    return {
        "states": context.normal("states", 1, steps, state),
        "actions": context.normal("actions", 1, steps, action),
        "rewards": context.normal("rewards", 1, steps, 1),
        "returns_to_go": context.normal("returns_to_go", 1, steps, 1),
        "timesteps": torch.arange(steps)[None],
        "attention_mask": torch.ones(1, steps, dtype=torch.long),
    }


def encoder_states(context: Context) -> dict[str, Any]:
    """Return what an encoder gave, (1, length, width), where the model itself has layers that attend to it.

    It is as wide as their keys read.
    """
    keys = (
        child
        for name, module in context.model.named_modules()
        if name.rpartition(".")[2] in _CROSS_ATTENTIONS
        for path, child in module.named_modules()
        if path.rpartition(".")[2] in ("k_proj", "key") and isinstance(child, torch.nn.Linear)
    )
    key = next(keys, None)
    name = "encoder_hidden_states"
    return {} if key is None else {name: context.normal(name, 1, LENGTH, key.in_features)}


def global_attention(context: Context) -> dict[str, Any]:
    """Return `global_attention_mask` (1, length): all tokens attend to the first, and it to all."""
    mask = torch.zeros_like(context.made["input_ids"])
    mask[:, 0] = 1
    return {"global_attention_mask": mask}


def _embeddings(name: str) -> Callable[[Context], dict[str, Any]]:
    def make(context: Context) -> dict[str, Any]:
        if name not in context.required:
            return {}
        return {name: context.normal(name, 1, LENGTH, int(context.find("hidden_size|d_model")))}

    make.__doc__ = f"Return `{name}` (1, length, width) where it has to be given: what a parent feeds this part with."
    return make


# Parameter of forward → maker.
MAKERS: dict[str, Callable[[Context], dict[str, Any]]] = {
    "decoder_input_ids": decoder_ids,
    "bbox": boxes,
    "past_values": history,
    "states": trajectory,
    "encoder_hidden_states": encoder_states,
    "global_attention_mask": global_attention,
    **{name: _embeddings(name) for name in _FROM_PARENT},
}
