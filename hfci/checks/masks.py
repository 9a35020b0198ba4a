"""Do masks hide what they are to hide?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hfci.checks.applicability import NotApplicable
from hfci.checks.attention import with_each_attention
from hfci.checks.caches import decoding
from hfci.checks.exceptions import reason
from hfci.checks.floor import different
from hfci.checks.running import NO_SPEC_AUGMENT, outputs_of, reference, set_everywhere
from hfci.checks.sequences import PADDED, at, other_tokens, padded, reads_texts
from hfci.checks.tensors import floating
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["attention_mask_hides_padding", "causal_mask_hides_future"]

_PADDING, _FUTURE = "attention_mask_hides_padding", "causal_mask_hides_future"

# How many of the last tokens are the future.
_LAST = 3


def attention_mask_hides_padding(tiny: TinyModel) -> None:
    """Assert that what stands where `attention_mask` is 0 changes nothing where it is 1, on the right and on the left.

    An output of the text as a whole, numbers for each row, may be read off its first place or off its last, so that
    padding on one of the sides must not change it. Where an exception says that it wants padding on the right, that is
    the only side.

    Raises `NotApplicable` where its inputs are no texts, or cannot be longer.
    """
    if not reads_texts(tiny):
        raise NotApplicable("its inputs are no texts of tokens, one in each row")
    reference(tiny)  # what does not run at all is no question of padding
    problems, whole = [], []
    for side in PADDED[: 1 if reason(tiny, _PADDING, "right_only") else None]:
        inputs, real = padded(tiny, side)
        tokens = inputs["input_ids"]
        _assert_may_be_longer(tiny, inputs)
        outputs = outputs_of(tiny, dict(inputs))
        others = outputs_of(tiny, inputs | {"input_ids": torch.where(real, tokens, other_tokens(tiny, tokens))})
        seen = at(outputs, real.shape, real)
        problems += [
            f"padded on the {side}, {difference}" for difference in different(tiny, at(others, real.shape, real), seen)
        ]
        rest = {
            name: tensor
            for name, tensor in floating(outputs).items()
            # numbers of the text as a whole, and none of its places and a picture's together
            if name not in seen and tensor.ndim == 2 and len(tensor) == len(tokens) and tensor.shape[1] < real.shape[-1]
        }
        whole.append(different(tiny, others, rest))
    if all(whole):
        problems += [f"padded on whichever side, {difference}" for difference in whole[0]]
    if problems:
        raise AssertionError(f"padding is seen: {'; '.join(problems)}")


def _assert_may_be_longer(tiny: TinyModel, inputs: Mapping[str, Any]) -> None:
    """Raise `NotApplicable` where the text cannot be as long as in `inputs`, padded or not."""
    name = "attention_mask"
    plain = {argument: value for argument, value in inputs.items() if argument != name}
    if name in tiny.inputs():  # it demands one
        plain[name] = torch.ones_like(inputs[name])
    try:
        outputs_of(tiny, plain)
    except StageError as error:
        raise NotApplicable(f"its texts cannot be longer than those that it is fed: {error}") from error


def causal_mask_hides_future(tiny: TinyModel) -> None:
    """Assert that other tokens at the end change no place before them, and change those that they stand at.

    With the kernel and step by step, with a mask of ones and without, and in train mode, unless an exception says that
    there what is drawn for a place depends on others. An encoder that can be told to be a decoder is told.

    Raises `NotApplicable` where it reads no tokens, or gives nothing for each of them.
    """
    tiny = decoding(tiny)
    modes = (False,) if reason(tiny, _FUTURE, "eval_only") else (False, True)
    problems = []
    for implementation, one in with_each_attention(tiny):
        set_everywhere(one.model, **NO_SPEC_AUGMENT)
        for masked, train in ((False, False), (True, False), (False, True)):
            if train not in modes:
                continue
            how = f"{implementation}{', with a mask of ones' * masked}{', in train mode' * train}"
            problems += [f"{how}: {problem}" for problem in _seen_of_the_future(one, masked=masked, train=train)]
    if problems:
        raise AssertionError("; ".join(problems))


def _seen_of_the_future(tiny: TinyModel, *, masked: bool, train: bool) -> list[str]:
    inputs = tiny.inputs()
    paired = getattr(tiny.config, "is_encoder_decoder", False) or "decoder_input_ids" in inputs
    name, mask = ("decoder_input_ids", "decoder_attention_mask") if paired else ("input_ids", "attention_mask")
    if name not in inputs:
        raise NotApplicable("what it goes on with is no tokens")
    tokens = inputs[name]
    if masked:
        inputs.setdefault(mask, torch.ones_like(tokens))
    past = torch.ones_like(tokens, dtype=torch.bool)
    past[..., -_LAST:] = False
    changed = torch.where(past, tokens, other_tokens(tiny, tokens))
    tiny.model.train(train)
    try:
        before = outputs_of(tiny, dict(inputs))
        after = outputs_of(tiny, inputs | {name: changed})
    finally:
        tiny.model.eval()
    seen = at(before, tokens.shape, past)
    if not seen:
        raise NotApplicable("it gives nothing for each token")
    problems = [
        f"the future changes {difference}" for difference in different(tiny, at(after, tokens.shape, past), seen)
    ]
    if not _differ(at(before, tokens.shape, ~past), at(after, tokens.shape, ~past)):
        problems.append("other tokens change nothing where they stand")
    return problems


def _differ(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> bool:
    return any(not torch.equal(before[name], after[name]) for name in before)
