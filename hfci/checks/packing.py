"""Are texts that are packed into one row kept apart?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import DataCollatorWithFlattening

from hfci.catalog.facts import forward_parameters
from hfci.checks.applicability import NotApplicable
from hfci.checks.attention import with_each_attention
from hfci.checks.exceptions import reason
from hfci.checks.floor import different
from hfci.checks.running import outputs_of, reference
from hfci.checks.sequences import at, is_text
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["packed_equals_separate"]

# How many tokens shorter the first of the texts is than its row, so that they are of unlike lengths.
_SHORTER = 3
# How many tokens the last one has: fewer than a convolution sees.
_SHORT = 2


def packed_equals_separate(tiny: TinyModel) -> None:
    """Assert that texts in one row, whose places start anew with each, give what each gives in a row of its own.

    As transformers' DataCollatorWithFlattening packs them, without a mask and without a cache, with attention step by
    step and with torch's kernel. The texts are the first tokens of the rows of its inputs, which give what they give
    there, whatever comes behind them. Who cannot keep them apart without a kernel that is not installed must say so.

    Raises `NotApplicable` where its inputs are more than a text.
    """
    tokens: Any = tiny.inputs().get("input_ids")
    if set(tiny.inputs()) != {"input_ids"} or not is_text(tiny, tokens):
        raise NotApplicable("its inputs are more than a text")
    length = tokens.shape[1]
    texts = ((0, length - _SHORTER), (1, length), (0, _SHORT))
    packed = _packed(tiny, [tokens[row, :size] for row, size in texts])
    wanted = torch.cat([row * length + torch.arange(size, device=tokens.device) for row, size in texts])
    problems = []
    for implementation, one in with_each_attention(tiny):
        try:
            outputs = _of_each(outputs_of(one, dict(packed)), packed["input_ids"])
        except StageError as error:
            if isinstance(error.__cause__, ValueError) and "packed" in str(error):
                return  # it says that it cannot
            raise
        alone = {name: tensor[wanted] for name, tensor in _of_each(reference(tiny), tokens).items() if name in outputs}
        if not alone:
            raise NotApplicable("it gives nothing for each token")
        problems += [f"{implementation}: {difference}" for difference in different(tiny, outputs, alone)]
    if (why := reason(tiny, "packed_equals_separate", "mixed")) is not None:
        if not problems:
            raise AssertionError(f"an exception says that it mixes packed texts ({why}), and it does not")
        raise NotApplicable(why)
    if problems:
        raise AssertionError(f"packed into one row, texts give others than alone: {'; '.join(problems)}")


def _packed(tiny: TinyModel, texts: list[Tensor]) -> dict[str, Any]:
    """Return what the collator makes of texts, but for labels, of it what the model takes."""
    collator = DataCollatorWithFlattening(return_flash_attn_kwargs=True, return_seq_idx=True)  # type: ignore[no-untyped-call]
    packed = collator([{"input_ids": text} for text in texts], return_tensors="pt")
    if axes := (getattr(tiny.config, "rope_parameters", None) or {}).get("mrope_section"):
        # before those in time, height and width, as are given with a text's places alone
        packed["position_ids"] = packed["position_ids"].expand(1 + len(axes), 1, -1)
    known = forward_parameters(type(tiny.model))
    return {
        name: value.to(tiny.device) if isinstance(value, Tensor) else value
        for name, value in ({"use_cache": False} | packed).items()
        if name != "labels" and (name in known or "kwargs" in known)
    }


def _of_each(outputs: Mapping[str, Tensor], tokens: Tensor) -> dict[str, Tensor]:
    """Return of the floating fields that have a place for each token what stands there, text behind text."""
    return at(outputs, tokens.shape, torch.ones_like(tokens, dtype=torch.bool))
