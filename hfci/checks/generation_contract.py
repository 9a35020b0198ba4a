"""Do searches with beams and samples give what they promise: lengths, scores, order, and to each row its own?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from hfci.checks.applicability import NotApplicable
from hfci.checks.beam_search import Scored
from hfci.checks.exceptions import excused
from hfci.checks.floor import different
from hfci.checks.generation import generating, step_logits, write
from hfci.checks.sequences import ordinary_of
from hfci.tiny import TinyModel

__all__ = ["beam_and_sample_keep_the_contract"]

_BEAMS = 3
_RETURNED = 2
_LEAST, _MOST = 2, 5
# Not one: the sum and the mean of a text's scores differ from it.
_LENGTH_PENALTY = 0.5
# Above any difference of two scores.
_PREFERRED = 1e3
# At which step the first row of a sample is told to stop.
_STOPPED = 3
# Adding in another order rounds float32 otherwise.
_ROUNDING = 1e-5


class _Observer(Scored):
    """Scores as `Scored` does, and keeps the texts that it was shown at each step."""

    def __init__(self, tokens: Tensor, end: int) -> None:
        """Choose among `tokens`, of which `end` may end a text."""
        super().__init__(tokens, end)
        self.texts: list[Tensor] = []

    def __call__(self, texts: Tensor, scores: Tensor) -> Tensor:
        """Return the scores of the next token."""
        self.texts.append(texts.clone())
        return super().__call__(texts, scores)


class _Narrow(_Observer):
    """Leaves a search with beams as many ways to go on as it keeps, one of two ending a text where that may be."""

    def __call__(self, texts: Tensor, scores: Tensor) -> Tensor:
        """Return the scores of the next token, but for the first step of two."""
        left = 2 if self.texts else 2 * _BEAMS
        every = super().__call__(texts, scores)
        preferred = every.clone()
        preferred[:, self.end] += _PREFERRED
        kept = preferred.topk(left).indices
        return torch.full_like(every, -torch.inf).scatter(-1, kept, every.gather(-1, kept))


class _Stopper(StoppingCriteria):
    """Stops the first row at a step, and keeps the texts that it was shown at each."""

    def __init__(self) -> None:
        """Begin with no texts."""
        self.texts: list[Tensor] = []

    def __call__(self, texts: Tensor, _: Any, **__: Any) -> Tensor:
        """Return which rows are to stop (rows)."""
        self.texts.append(texts.clone())
        return (torch.arange(len(texts), device=texts.device) == 0) & (len(self.texts) >= _STOPPED)


class _Reader(BaseStreamer):
    """Keeps what is streamed, and whether it ended."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.tokens: list[int] = []
        self.ended = False

    def put(self, value: Tensor) -> None:
        """Take a prompt or a token."""
        self.tokens += value.flatten().tolist()

    def end(self) -> None:
        """Take the end."""
        self.ended = True


def beam_and_sample_keep_the_contract(tiny: TinyModel) -> None:
    """Assert that a search with beams and samples give what the options of generate promise.

    - As many texts to a row as are asked for, those of the first row first, each behind its prompt and by what the
      model says of it, not shorter and not longer than asked, with nothing but padding behind a token that ends it.
    - Of beams the best first, each with the sum of its tokens' scores over a power of its length, which
      `compute_transition_scores` gives one by one. Where no more ways are left than a search keeps, one that samples
      among them gives what one that takes the best gives.
    - A processor, a stopping criterion and a streamer are shown the texts that are given in the end; a criterion that
      stops a row stops that one.
    - The same seed gives the same sample.

    Scores are told by the text and the step, whatever the logits say. Raises `NotApplicable` where it generates in a
    way of its own, or refuses beams.
    """
    tiny = generating(tiny)
    if (why := excused(tiny, "beam_search_equals_without_cache")) is not None:
        raise NotApplicable(why)
    first = step_logits(tiny, tiny.inputs(), max_new_tokens=1)
    problems = [
        *(f"with beams, {problem}" for problem in _of_beams(tiny, first)),
        *(f"sampling, {problem}" for problem in _of_samples(tiny, first)),
        *(f"sampling beams, {problem}" for problem in _of_sampled_beams(tiny)),
    ]
    if problems:
        raise AssertionError(f"generate does not keep its contract: {'; '.join(problems)}")


def _asked(tiny: TinyModel) -> tuple[_Observer, dict[str, Any], int, int]:
    """Return what scores the tokens, the options, the token that ends a text, and the one that pads.

    Neither is in a prompt: generate takes what pads there for padding.
    """
    ordinary = ordinary_of(tiny)
    prompts = tiny.inputs().get("input_ids", ordinary[:0])
    end, padding = ordinary[1:][~torch.isin(ordinary[1:], prompts)][:2].tolist()
    lengths = {"min_new_tokens": _LEAST, "max_new_tokens": _MOST, "eos_token_id": end, "pad_token_id": padding}
    return _Observer(ordinary[ordinary != padding], end), {"output_scores": True, **lengths}, end, padding


def _of_beams(tiny: TinyModel, first: Mapping[str, Tensor]) -> Iterator[str]:
    observer, options, end, padding = _asked(tiny)
    options |= {"num_beams": _BEAMS, "num_return_sequences": _RETURNED, "length_penalty": _LENGTH_PENALTY}
    generated = write(tiny, tiny.inputs(), observer, **options)
    yield from _of_texts(generated.sequences, observer.texts, end, padding, _BEAMS)
    yield from _of_first_step(tiny, generated.logits[0], first, _BEAMS)
    written = generated.sequences[:, observer.texts[0].shape[1] :]
    beams, whole = generated.beam_indices, generated.sequences_scores
    scores = torch.zeros(beams.shape, device=beams.device)
    for text in range(len(beams)):
        for step in range(int((beams[text] >= 0).sum())):
            beam = beams[text, step]
            scores[text, step] = generated.scores[step][beam, written[text, step]]
            length = observer.texts[step].shape[1]
            if not torch.equal(observer.texts[step][beam], generated.sequences[text, :length]):
                yield f"text {text} is not what a processor was shown of its beam at step {step}"
    lengths = (beams >= 0).sum(1)
    if not torch.equal(lengths, _lengths(written, end)):
        yield f"its texts are {_lengths(written, end).tolist()} tokens long, of which it says {lengths.tolist()}"
    if not _close(whole, scores.sum(1) / lengths**_LENGTH_PENALTY):
        yield "the scores of its texts are not the sums of their tokens' over a power of their length"
    one_by_one = tiny.model.compute_transition_scores(generated.sequences, generated.scores, generated.beam_indices)
    if one_by_one.shape != scores.shape or not _close(one_by_one, scores):
        yield "compute_transition_scores gives others than those that it has generated by"
    if (whole.view(-1, _RETURNED).diff(dim=1) > 0).any():
        yield f"of the texts of a row the best is not first: {whole.view(-1, _RETURNED).tolist()}"


def _of_samples(tiny: TinyModel, first: Mapping[str, Tensor]) -> Iterator[str]:
    drawn = []
    for _ in range(2):
        observer, options, end, padding = _asked(tiny)
        stopper = _Stopper()
        options |= {"do_sample": True, "num_return_sequences": _RETURNED}
        generated = write(tiny, tiny.inputs(), observer, stopping_criteria=StoppingCriteriaList([stopper]), **options)
        drawn.append(generated.sequences)
    if not torch.equal(*drawn):
        yield "the same seed gives other texts"
    yield from _of_texts(generated.sequences, observer.texts, end, padding, _RETURNED, stopped=_STOPPED)
    yield from _of_first_step(tiny, generated.logits[0], first, _RETURNED)
    for who, shown in (("a processor", observer.texts), ("a stopping criterion", stopper.texts)):
        for step, texts in enumerate(shown):
            if not torch.equal(texts, generated.sequences[:, : texts.shape[1]]):
                yield f"its texts are not what {who} was shown at step {step}"

    observer, options, _, _ = _asked(tiny)
    reader = _Reader()
    generated = write(tiny, tiny.inputs((0,)), observer, streamer=reader, do_sample=True, **options)
    if not reader.ended or reader.tokens != generated.sequences[0].tolist():
        yield f"{reader.tokens} were streamed of the text {generated.sequences[0].tolist()}, {reader.ended=}"


def _of_sampled_beams(tiny: TinyModel) -> Iterator[str]:
    wanted, sampled = (_narrow_search(tiny, do_sample=do_sample) for do_sample in (False, True))
    if not torch.equal(wanted.sequences, sampled.sequences):
        yield f"texts are {sampled.sequences.tolist()}, not {wanted.sequences.tolist()}"
    elif not _close(wanted.sequences_scores, sampled.sequences_scores):
        yield "the scores of its texts are others"


def _narrow_search(tiny: TinyModel, do_sample: bool) -> Any:
    """Return what a search gives that has no more ways to go on than it keeps."""
    _, options, end, padding = _asked(tiny)
    ordinary = ordinary_of(tiny)
    options |= {"num_beams": _BEAMS, "num_return_sequences": _RETURNED, "do_sample": do_sample, "top_k": 0}
    return write(tiny, tiny.inputs(), _Narrow(ordinary[ordinary != padding], end), **options)


def _of_texts(
    texts: Tensor, shown: list[Tensor], end: int, padding: int, width: int, stopped: int = _MOST
) -> Iterator[str]:
    """Yield what is wrong with `texts` (rows times _RETURNED, length), of which a processor was `shown` some a step.

    It was shown `width` a row, from their prompts on. The first text is `stopped` at a length.
    """
    if not shown:
        raise AssertionError("generate asks no processor that it is given")
    rows, prompt = len(shown[0]) // width, shown[0].shape[1]
    if len(texts) != rows * _RETURNED:
        yield f"{len(texts)} texts to {rows} rows, of which {_RETURNED} each were asked for"
        return
    prompts = shown[0].view(rows, width, prompt)[:, :1].expand(-1, _RETURNED, -1)
    if not torch.equal(texts[:, :prompt], prompts.reshape(len(texts), prompt)):
        yield "its texts do not begin with the prompts of their rows"
    written = texts[:, prompt:]
    lengths = _lengths(written, end)
    lengths[0] = lengths[0].clamp(max=stopped)
    if lengths.min() < _LEAST or lengths.max() != written.shape[1] or written.shape[1] > _MOST:
        actual = f"{lengths.tolist()} tokens long, {written.shape[1]} together"
        yield f"its texts are {actual}: {_LEAST} to {_MOST} were asked for"
    behind = torch.arange(written.shape[1], device=texts.device) >= lengths[:, None]
    if (written[behind] != padding).any() or (written[~behind] == padding).any():
        yield f"not all, and only, what stands behind an end ({end}) is padding ({padding}): {written.tolist()}"


def _of_first_step(tiny: TinyModel, logits: Tensor, first: Mapping[str, Tensor], width: int) -> Iterator[str]:
    """Yield what differs of the first step's `logits` (rows times width, vocabulary) from the `first` of each row."""
    each = {name: tensor.repeat_interleave(width, 0) for name, tensor in first.items()}
    yield from different(tiny, dict.fromkeys(each, logits), each)


def _lengths(written: Tensor, end: int) -> Tensor:
    """Return how many tokens each text has (rows), its end included."""
    ended = (written == end).cumsum(1)
    return written.shape[1] - (ended.cumsum(1) > 1).sum(1)


def _close(actual: Tensor, wanted: Tensor) -> bool:
    return torch.allclose(actual.float(), wanted.float(), rtol=_ROUNDING, atol=_ROUNDING)
