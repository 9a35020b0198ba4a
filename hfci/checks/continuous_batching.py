"""Does `generate_batch`, which reads texts in pieces beside each other, write what is likeliest of each alone?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import ContinuousBatchingConfig, GenerationConfig

from hfci.checks.applicability import NotApplicable
from hfci.checks.floor import different
from hfci.checks.generation import generating
from hfci.checks.running import copied, run, seeded
from hfci.checks.sequences import reads_texts
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["continuous_batching_equals_generate"]

_STEPS = 5
# A page's size has another name up to 5.17.
_PAGE = "page_size" if "page_size" in ContinuousBatchingConfig.__dataclass_fields__ else "block_size"
# The smallest page there may be; a text takes several, and is read in several pieces beside the others.
_CACHE: Mapping[str, Any] = {_PAGE: 4, "num_blocks": 64, "max_batch_tokens": 8, "return_logprobs": True}
# Begins what it says of a kind of layer for which it has no cache.
_REFUSED = "Invalid layer type"


def continuous_batching_equals_generate(tiny: TinyModel) -> None:
    """Assert that generate_batch writes what the model finds likeliest, and as likely as the model finds it.

    Three texts of unequal lengths, one of a single token, are read in pieces of at most eight tokens in all, beside
    what is written of the others, with a cache of pages. What the model finds is read from a forward over each text
    alone with all that was written of it, without a cache; so that no tie between two tokens decides anything, it is
    asked of how likely the tokens are: those written, and the likeliest.

    Raises `NotApplicable` where it reads no texts, generates in a way of its own, or has a kind of layer that
    generate_batch refuses by its name.
    """
    tiny = generating(tiny)
    if not reads_texts(tiny):
        raise NotApplicable("it reads no texts that may be padded")
    whole, other = tiny.inputs()["input_ids"].tolist()
    texts = [whole, other[: len(other) // 2], other[:1]]
    problems = []
    for text, (written, chances) in zip(texts, _generate_batch(tiny, texts), strict=True):
        outputs = run(tiny, {"input_ids": torch.tensor([[*text, *written]], device=tiny.device)}, use_cache=False)
        steps = outputs.logits[0, len(text) - 1 : -1].float().log_softmax(-1)
        reported = {"logits": torch.tensor(chances, device=steps.device)}
        for which, wanted in (("what is written", _of(steps, written)), ("what is likeliest", steps.max(-1).values)):
            differences = different(tiny, reported, {"logits": wanted})
            problems += [f"of {len(text)} tokens {which}: {difference}" for difference in differences]
    if problems:
        raise AssertionError(f"with continuous batching, other chances: {'; '.join(problems)}")


def _of(steps: Tensor, tokens: Sequence[int]) -> Tensor:
    """Return of each step, (steps, vocabulary), what it has for the token written at it."""
    return steps[torch.arange(len(tokens)), torch.tensor(tokens)]


def _generate_batch(tiny: TinyModel, texts: Sequence[Sequence[int]]) -> list[tuple[list[int], list[float]]]:
    """Return of each of `texts` the tokens that generate_batch writes, and the logarithm of each one's chance.

    Raises StageError (`forward`) where it does not come to its end, `NotApplicable` where it refuses a kind of layer.
    """
    model = copied(tiny).model
    settings = GenerationConfig(max_new_tokens=_STEPS, do_sample=False)  # type: ignore[no-untyped-call]
    try:
        with torch.no_grad(), seeded(tiny):
            results = model.generate_batch(
                [list(text) for text in texts],
                generation_config=settings,
                continuous_batching_config=ContinuousBatchingConfig(**_CACHE),
            )
        if errors := {result.error for result in results.values() if result.error is not None}:
            raise RuntimeError("; ".join(sorted(errors)))
        if len(results) < len(texts):
            raise RuntimeError(f"of {len(texts)} texts {len(results)} came to their end")
    except Exception as error:
        if _REFUSED in str(error):
            raise NotApplicable(f"generate_batch refuses it: {error}") from None
        raise StageError("forward", tiny.model_type, tiny.architecture, error) from error
    return [(result.generated_tokens, result.logprobs) for result in results.values()]
