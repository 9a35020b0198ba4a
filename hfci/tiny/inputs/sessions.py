"""Sessions: a video, and what to follow in it, as an object that a model reads from and writes to, frame by frame."""

from __future__ import annotations

import typing
from typing import Any

import torch

from hfci.tiny.inputs.context import Context
from hfci.tiny.inputs.text import ordinary_tokens

__all__ = ["session_inputs"]

_FRAMES = 2


def session_inputs(context: Context) -> dict[str, Any]:
    """Return `inference_session`, a video with its prompt, and `frame_idx`, the first frame.

    The prompt is a point on one object where the model holds a prompt encoder, else the tokens of a word.
    """
    side = context.find("image_size", 64)
    height, width = (side, side) if isinstance(side, int) else side
    cls = typing.get_type_hints(type(context.model).forward)["inference_session"]
    session = cls(
        video=context.normal("inference_session", _FRAMES, 3, height, width),
        video_height=height,
        video_width=width,
        inference_device=context.model.device,
        inference_state_device=context.model.device,
        video_storage_device=context.model.device,
        dtype=context.model.dtype,
    )
    if hasattr(session, "add_prompt"):
        _prompt_by_text(session, context)
    else:
        _prompt_by_point(session, height, width)
    return {"inference_session": session, "frame_idx": 0}


def _prompt_by_point(session: Any, height: int, width: int) -> None:
    identity = 1
    place = torch.tensor([[[[width / 2, height / 3]]]])
    point = {"point_coords": place, "point_labels": torch.ones(1, 1, 1, dtype=torch.int32)}
    session.add_point_inputs(session.obj_id_to_idx(identity), 0, point)
    session.obj_with_new_inputs = [identity]


def _prompt_by_text(session: Any, context: Context) -> None:
    number = session.add_prompt("a word")
    allowed = ordinary_tokens(context)
    length = int(context.find("max_position_embeddings", 8))
    picks = context.integers("inference_session.prompt", 0, len(allowed), length)
    tokens = torch.tensor([[allowed[int(pick)] for pick in picks]])
    session.prompt_input_ids[number] = tokens.to(context.model.device)
    session.prompt_attention_masks[number] = torch.ones_like(session.prompt_input_ids[number])
