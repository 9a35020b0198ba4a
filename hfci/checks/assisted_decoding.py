"""Does `generate` give with drafts, some right and some wrong, what it gives without?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from hfci.checks.applicability import NotApplicable
from hfci.checks.floor import different
from hfci.checks.generation import generating, step_logits
from hfci.checks.running import copied
from hfci.checks.sequences import ordinary_of
from hfci.errors import StageError
from hfci.tiny import TinyModel

__all__ = ["assisted_equals_greedy"]

# What an assistant's logits are raised by, far above any of a model: so the one who tells knows who asks.
_RAISED = 1e6
_STEPS = 10
# How transformers begins to say that a model takes no drafts.
_REFUSES = ("assisted generation is not supported", "assisted decoding requires", "assisted generate requires")
# How many tokens a draft holds at most.
_DRAFTED = 3


class _ToldByPlace(LogitsProcessor):
    """Has generate choose at each place the token that it is told; an assistant at each third place another one.

    What is told is three tokens again and again, and between them another one each time: what stood behind them
    earlier is a draft that is right at first, and then wrong.
    """

    def __init__(self, tokens: Tensor) -> None:
        """Choose among `tokens`."""
        self.tokens = tokens
        self.prompt: int | None = None

    def __call__(self, texts: Tensor, scores: Tensor) -> Tensor:
        """Return scores (rows, vocabulary) of which one is 0, and all others far below: none is forbidden."""
        self.prompt = texts.shape[1] if self.prompt is None else self.prompt
        step = texts.shape[1] - self.prompt
        which = step % 4 if step % 4 < 3 else 3 + step // 4
        if step % 3 == 1 and scores.max() > _RAISED / 2:
            which += 1
        forced = torch.full_like(scores, -1e4)
        forced[:, self.tokens[which % len(self.tokens)]] = 0
        return forced


def assisted_equals_greedy(tiny: TinyModel) -> None:
    """Assert that with drafts generate gives at every step the logits that it gives without.

    They come from an assistant, a copy of the model, and from the text itself (`prompt_lookup_num_tokens`). What is
    written is told, and so is what the assistant drafts: some tokens of it are refused, and must leave no trace.

    Raises `NotApplicable` where it generates in a way of its own, or where it says that what it has read of a draft
    cannot be taken back.
    """
    tiny = generating(tiny)
    wanted = _logits(tiny)
    drafts = {
        "of an assistant": {"assistant_model": _assistant(tiny)},
        "of the text itself": {"prompt_lookup_num_tokens": _DRAFTED},
    }
    problems = []
    for whose, options in drafts.items():
        try:
            logits = _logits(tiny, **options)
        except StageError as error:
            if (why := _refusal(error)) is not None:
                raise NotApplicable(why) from error
            raise
        problems += [f"with drafts {whose}, {problem}" for problem in different(tiny, logits, wanted)]
    if problems:
        raise AssertionError(f"generate gives other logits: {'; '.join(problems)}")


def _logits(tiny: TinyModel, **options: Any) -> dict[str, Tensor]:
    return step_logits(tiny, tiny.inputs((0,)), _ToldByPlace(ordinary_of(tiny)), max_new_tokens=_STEPS, **options)


def _assistant(tiny: TinyModel) -> Any:
    """Return a copy of the model whose logits are raised, and which is sure of each of its drafts."""
    assistant = copied(tiny).model
    assistant.generation_config.num_assistant_tokens = _DRAFTED
    assistant.generation_config.assistant_confidence_threshold = 0.0

    def raised(_: Any, __: Any, outputs: Any) -> Any:
        outputs["logits"] = outputs["logits"] + _RAISED
        return outputs

    assistant.register_forward_hook(raised)
    return assistant


def _refusal(error: StageError) -> str | None:
    """Return what transformers says where it refuses drafts; None where it fails in another way."""
    message = str(error.__cause__)
    return message if message.lower().startswith(_REFUSES) else None
