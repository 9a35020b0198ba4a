"""Does `generate` give, step by step, what the model gives without the means by which it is fast?"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from hfci.catalog.facts import forward_parameters
from hfci.checks.applicability import NotApplicable
from hfci.checks.caches import decoding
from hfci.checks.exceptions import excused, reason
from hfci.checks.floor import different
from hfci.checks.running import copied, seeded
from hfci.checks.sequences import ordinary_of, padded, reads_texts
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = [
    "Told",
    "chunked_generation_equals_whole",
    "generate",
    "generate_equals_without_cache",
    "generating",
    "left_padded_generation_equals_unpadded",
    "start_of",
    "step_logits",
    "write",
]

# Five tokens fill the windows of tiny models.
_OPTIONS: Mapping[str, Any] = {
    "max_new_tokens": 5,
    "do_sample": False,
    "num_beams": 1,
}


# So long is a text that is read in chunks, and so long are these: the last is shorter.
_LONG, _CHUNK = 8, 3
# The arguments that say of what kind each token is, and the kinds of so many: two side by side are in one chunk.
_KINDS = frozenset({"token_type_ids", "mm_token_type_ids", "moe_mm_token_type_ids"})
_OF_TWO_KINDS = (0, 1, 1, 0, 1, 1, 0, 0)
_AT_FIRST = (0, 1, 1, 0, 0, 0, 0, 0)


class Told(LogitsProcessor):
    """Has generate choose, of each row and at each step, the token that it is told, whatever the logits say.

    So that two runs read the same text, and no two scores that tie decide what is compared.
    """

    def __init__(self, tokens: Tensor) -> None:
        """Choose among `tokens`, another one at each step and in each row."""
        self.tokens = tokens
        self.step = 0

    def __call__(self, _: Tensor, scores: Tensor) -> Tensor:
        """Return scores (rows, vocabulary) of which one is 0, and all others minus infinity."""
        chosen = self.tokens[(self.step + 3 * torch.arange(len(scores), device=scores.device)) % len(self.tokens)]
        self.step += 1
        return torch.full_like(scores, -torch.inf).scatter(-1, chosen[:, None], 0.0)


def generate_equals_without_cache(tiny: TinyModel) -> None:
    """Assert that generate gives with its cache, at every step, the logits that it gives without.

    Which tokens it writes is told it: ordinary ones, the same in both runs. Without its cache it is told how many by
    `max_new_tokens` alone: a maximum length that is unset says nothing.
    """
    tiny = decoding(tiny)
    fast = step_logits(tiny, tiny.inputs(), use_cache=True)
    slow = step_logits(tiny, tiny.inputs(), use_cache=False, max_length=None)
    if len(fast) != len(slow):
        raise AssertionError(
            f"with its cache generate writes {len(fast)} tokens, without, its maximum length unset, {len(slow)}"
        )
    if problems := different(tiny, fast, slow):
        raise AssertionError(f"with its cache generate gives other logits: {'; '.join(problems)}")


def left_padded_generation_equals_unpadded(tiny: TinyModel) -> None:
    """Assert that generate gives of a text that is padded on the left, beside a longer one, what it gives of it alone.

    What pads is the token that the model has for it.

    Raises `NotApplicable` where it reads no texts that may be padded, or an exception says that it generates in a way
    of its own.
    """
    tiny = generating(tiny)
    if not reads_texts(tiny):
        raise NotApplicable("it reads no texts that may be padded")
    inputs, real = padded(tiny, "left")
    if (padding := tiny.model.generation_config.pad_token_id) is not None:
        inputs["input_ids"] = inputs["input_ids"].masked_fill(~real, padding)
    beside = {name: tensor[:1] for name, tensor in step_logits(tiny, inputs).items()}
    if problems := different(tiny, beside, step_logits(tiny, tiny.inputs((0,)))):
        raise AssertionError(f"padded on the left, generate gives other logits: {'; '.join(problems)}")


def chunked_generation_equals_whole(tiny: TinyModel) -> None:
    """Assert that generate gives the same logits where it reads a text in chunks, alone and behind what it read before.

    The text is of ordinary tokens. Going on, it is given the cache that it gave, and the whole text, longer. Where it
    may be told of what kind each token is, some are told to be of another than the rest, in each chunk, or in the first
    alone where an exception says that it reads of none behind.

    Raises `NotApplicable` where an exception says that it generates in a way of its own.
    """
    tiny = generating(tiny)
    ordinary = ordinary_of(tiny)
    name = forward_parameters(type(tiny.model))["cache"]
    text = ordinary[-2 * _LONG :].reshape(2, _LONG)
    first = write(tiny, _unpadded(text), use_cache=True)
    longer = _unpadded(torch.cat([first.sequences, text], 1))
    problems = _chunked_differences(tiny, _unpadded(text))
    problems += [f"behind its cache, {problem}" for problem in _chunked_differences(tiny, longer, name, first[name])]
    marks = _AT_FIRST if reason(tiny, "chunked_generation_equals_whole", "kinds_at_first") else _OF_TWO_KINDS
    for kinds in _KINDS & forward_parameters(type(tiny.model)).keys():
        told = _unpadded(text) | {kinds: torch.tensor([marks] * 2, device=text.device)}
        try:
            step_logits(tiny, told, max_new_tokens=1)
        except StageError:
            continue  # it wants what a token of that kind stands for
        problems += [f"told {kinds}, {problem}" for problem in _chunked_differences(tiny, told)]
    if problems:
        raise AssertionError(f"reading a text in chunks, generate gives other logits: {'; '.join(problems)}")


def _chunked_differences(
    tiny: TinyModel, inputs: Mapping[str, Tensor], name: str = "cache", cache: Any = None
) -> list[str]:
    """Return how the logits for a text that is read in chunks differ, behind a `cache` by its `name`."""
    whole, chunks = (
        step_logits(tiny, inputs, use_cache=True, prefill_chunk_size=size, **{name: copy.deepcopy(cache)})
        for size in (None, _CHUNK)
    )
    return different(tiny, chunks, whole)


def _unpadded(tokens: Tensor) -> dict[str, Tensor]:
    return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}


def generating(tiny: TinyModel) -> TinyModel:
    """Return `tiny` as a decoder; raises `NotApplicable` where it generates in a way of its own."""
    if (why := excused(tiny, "generate_equals_without_cache")) is not None:
        raise NotApplicable(why)
    return decoding(tiny)


def step_logits(
    tiny: TinyModel, inputs: Mapping[str, Any], processor: LogitsProcessor | None = None, **options: Any
) -> dict[str, Tensor]:
    """Return the logits of each step of generate, which writes what `processor` tells it, as `write` says."""
    logits = write(tiny, inputs, processor, **options).logits
    return {f"logits of step {step}": tensor for step, tensor in enumerate(logits)}


def write(tiny: TinyModel, inputs: Mapping[str, Any], processor: LogitsProcessor | None = None, **options: Any) -> Any:
    """Return what generate gives, which writes what `processor` tells it: by default ordinary tokens.

    Of the `inputs` a decoder's are left out, since generate makes them. Options as those of `generate`.
    """
    ordinary = ordinary_of(tiny)
    kept = {name: value for name, value in inputs.items() if not name.startswith("decoder_") and name != "use_cache"}
    return generate(tiny, kept, processor or Told(ordinary), **{**_OPTIONS, **start_of(tiny), **options})


def start_of(tiny: TinyModel) -> dict[str, int]:
    """Return with which token a decoder begins, as generate takes it, where its generation configuration names none."""
    model = tiny.model
    names_none = getattr(getattr(model, "generation_config", None), "decoder_start_token_id", 0) is None
    is_two = getattr(model.config, "is_encoder_decoder", False)
    return {"decoder_start_token_id": int(ordinary_of(tiny)[0])} if is_two and names_none else {}


def generate(
    tiny: TinyModel,
    inputs: Mapping[str, Any],
    processor: LogitsProcessor,
    *,
    settings: GenerationConfig | None = None,
    on_copy: bool = True,
    **options: Any,
) -> Any:
    """Return what generate gives with `processor` as its last, of a copy of the model: some keep what they read.

    Unless `on_copy` is false: then of the model itself. `settings` take the place of the model's own. Raises StageError
    (`forward`) where it does not come to its end.
    """
    model = copied(tiny).model if on_copy else tiny.model
    model.generation_config = settings or model.generation_config
    asked = {"return_dict_in_generate": True, "output_logits": True, **options}
    with torch.no_grad(), seeded(tiny):
        try:
            return model.generate(**inputs, **asked, logits_processor=LogitsProcessorList([processor]))
        except Exception as error:
            raise StageError("forward", tiny.model_type, tiny.architecture, error) from error
