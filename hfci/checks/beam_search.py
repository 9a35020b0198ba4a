"""Does a search with beams keep each beam's own past, and its contract?"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import LogitsProcessor

from hfci.checks.directions import direction
from hfci.checks.floor import different
from hfci.checks.generation import generating, step_logits
from hfci.checks.sequences import ordinary_of
from hfci.tiny import TinyModel

__all__ = ["Scored", "beam_search_equals_without_cache"]

_BEAMS = 3
# By how much the end of a text is scored below what is likeliest.
_LESS_LIKELY = 1.0


class Scored(LogitsProcessor):
    """Scores each ordinary token by the one before it and by the step, whatever the logits say.

    So that two searches keep the same beams, which part, change places and die, and no two scores that tie decide it.
    One token may end a text: it is likely everywhere, but where the options of generate have banned it.
    """

    def __init__(self, tokens: Tensor, end: int | None = None) -> None:
        """Choose among `tokens`, of which `end` may end a text."""
        self.tokens = tokens
        self.end = end
        self.step = 0

    def __call__(self, texts: Tensor, scores: Tensor) -> Tensor:
        """Return log-probabilities (rows, vocabulary): minus infinity but for the ordinary tokens.

        A text of which nothing is known, given as embeddings, is scored as if it ended with the first token.
        """
        tokens = self.tokens[self.tokens < scores.shape[-1]]
        table = 3 * direction("beams", torch.empty(len(tokens), len(tokens), device=tokens.device))
        if self.end is not None:
            table[:, tokens == self.end] = table.max(1, keepdim=True).values - _LESS_LIKELY
        last = texts[:, -1] if texts.shape[1] else texts.new_zeros(len(texts))
        of_each = table[(last + self.step) % len(tokens)].log_softmax(-1).to(scores.dtype)
        self.step += 1
        scored = torch.full_like(scores, -torch.inf).index_copy(-1, tokens, of_each)
        if self.end is not None:
            scored[scores[:, self.end].isneginf(), self.end] = -torch.inf
        return scored


def beam_search_equals_without_cache(tiny: TinyModel) -> None:
    """Assert that generate gives with its cache, at every step and for each beam, the logits that it gives without.

    Which tokens the beams are scored by is told it, so that both runs keep the same ones; they change places, and the
    cache must follow.

    Raises `NotApplicable` where it generates in a way of its own.
    """
    tiny = generating(tiny)
    tokens = ordinary_of(tiny)
    fast, slow = (
        step_logits(tiny, tiny.inputs(), Scored(tokens), num_beams=_BEAMS, use_cache=use_cache)
        for use_cache in (True, False)
    )
    if problems := different(tiny, fast, slow):
        raise AssertionError(f"with its cache a search with {_BEAMS} beams gives other logits: {'; '.join(problems)}")
