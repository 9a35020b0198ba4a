"""Do the options of `generate` do what their names say?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor

from hfci.checks.applicability import NotApplicable
from hfci.checks.generation import generate, generating
from hfci.checks.sequences import ordinary_of, padded, reads_texts
from hfci.tiny import TinyModel

__all__ = ["generation_options_keep_their_contract"]

# What an option makes of one row's scores (vocabulary), given the row's text so far and the number of the step.
Definition = Callable[[Sequence[int], Tensor, int], Tensor]
# What options make of the scores of each row, one after another.
Definitions = Callable[[int], Sequence[Definition]]

_STEPS = 4
# Dividing and multiplying in another order rounds float32 otherwise.
_ROUNDING = 1e-5


class _Step(NamedTuple):
    """What generate chooses from at one step: the texts so far, what the model said, and what the options made of it.

    `texts` (rows, length), `said` and `made` (rows, vocabulary); a row is a beam.
    """

    texts: Tensor
    said: Tensor
    made: Tensor


class _Recorder(LogitsProcessor):
    """Keeps, of each step, the texts and the scores that the options before it have made."""

    def __init__(self) -> None:
        """Begin with none."""
        self.steps: list[tuple[Tensor, Tensor]] = []

    def __call__(self, texts: Tensor, scores: Tensor) -> Tensor:
        """Return the scores as they are."""
        self.steps.append((texts.clone(), scores.clone()))
        return scores


def generation_options_keep_their_contract(tiny: TinyModel) -> None:
    """Assert that the options of generate make of each step's scores what they are defined to make.

    Those that ban, bias or punish tokens and those that end a text are set together, for two texts of one length, for
    one that is padded on the left beside a longer one, and with two beams; so are, for two texts with two beams and for
    two samples of each, those that look at the text that was given or at the row. Those that cut what is sampled from
    are set a few at a time.

    Raises `NotApplicable` where it reads no texts that may be padded, or generates in a way of its own.
    """
    tiny = generating(tiny)
    if not reads_texts(tiny):
        raise NotApplicable("it reads no texts that may be padded")
    plain = {"input_ids": tiny.inputs()["input_ids"]}
    plain["attention_mask"] = torch.ones_like(plain["input_ids"])
    long, real = padded(tiny, "left")
    padding = tiny.model.generation_config.pad_token_id or 0
    shifted = {"input_ids": long["input_ids"].masked_fill(~real, padding), "attention_mask": real.long()}

    ordinary = ordinary_of(tiny).tolist()
    options, definitions = _processors(plain["input_ids"][0].tolist(), ordinary)
    problems = []
    for name, inputs, beams in (("", plain, 1), ("padded on the left, ", shifted, 1), ("with two beams, ", plain, 2)):
        steps = _generate(tiny, inputs, padding, **options, num_beams=beams)
        hidden = (inputs["attention_mask"] == 0).sum(1).repeat_interleave(beams).tolist()
        wrong = _differences(steps, _always(definitions), hidden, options["eos_token_id"])
        problems += [f"{name}{problem}" for problem in wrong]
    of_rows, of_row = _by_row(plain["input_ids"].tolist(), ordinary)
    samples = {"do_sample": True, "num_return_sequences": 2, "top_k": 0}  # of all tokens, not of the best
    for name, twice in (("beams", {"num_beams": 2}), ("samples", samples)):
        steps = _generate(tiny, plain, padding, **of_rows, **twice)
        wrong = _differences(steps, lambda one: of_row(one // 2), [0] * 4)
        problems += [f"by row, with two {name}, {problem}" for problem in wrong]
    for sampling, cutting in _warpers():
        steps = _generate(tiny, plain, padding, do_sample=True, **sampling)
        wrong = _differences(steps, _always(cutting), [0, 0])
        problems += [f"sampling by {', '.join(sampling)}, {problem}" for problem in wrong]
    if problems:
        raise AssertionError(f"options make other scores than they are defined to: {'; '.join(problems)}")


def _processors(text: Sequence[int], ordinary: Sequence[int]) -> tuple[dict[str, Any], list[Definition]]:
    """Return options that change scores, and what each does, in the order in which generate goes through them.

    The sequences that are banned and biased begin with a whole `text`, with its last token, and with nothing; one is
    the first token that there is.
    """
    ends, banned, biased, never, not_first = [token for token in ordinary if token not in text][:5]
    bias: list[tuple[list[int], float]] = [
        ([*text, biased], -2.5),
        ([text[-1], never], 1.5),
        ([biased], 0.5),
        ([0], -0.25),
    ]
    words = [[*text, banned], [text[-1], not_first], [text[0]]]
    options: dict[str, Any] = {
        "sequence_bias": [[sequence, added] for sequence, added in bias],
        "repetition_penalty": 1.5,
        "no_repeat_ngram_size": 2,
        "bad_words_ids": words,
        "min_new_tokens": 2,
        "eos_token_id": ends,
        "forced_eos_token_id": ends,
        "exponential_decay_length_penalty": (0, 1.5),
        "suppress_tokens": [never],
        "begin_suppress_tokens": [not_first],
    }

    def biases(so_far: Sequence[int], scores: Tensor, _: int) -> Tensor:
        for (*before, last), added in bias:
            if _ends_with(so_far, before):
                scores[last] += added
        return scores

    def punishes(so_far: Sequence[int], scores: Tensor, _: int) -> Tensor:
        for token in set(so_far):
            scores[token] = scores[token] * 1.5 if scores[token] < 0 else scores[token] / 1.5
        return scores

    def repeats_no_pair(so_far: Sequence[int], scores: Tensor, _: int) -> Tensor:
        return _without(scores, [then for one, then in pairwise(so_far) if one == so_far[-1]])

    def bans(so_far: Sequence[int], scores: Tensor, _: int) -> Tensor:
        return _without(scores, [last for *before, last in words if _ends_with(so_far, before)])

    def goes_on(_: Sequence[int], scores: Tensor, step: int) -> Tensor:
        return _without(scores, [ends] if step < options["min_new_tokens"] else [])

    def ends_at_last(_: Sequence[int], scores: Tensor, step: int) -> Tensor:
        if step == _STEPS - 1:
            scores.fill_(-torch.inf)[ends] = 0
        return scores

    def ends_sooner(_: Sequence[int], scores: Tensor, step: int) -> Tensor:
        if scores[ends].isfinite():
            scores[ends] += scores[ends].abs() * (1.5**step - 1)
        return scores

    def suppresses(_: Sequence[int], scores: Tensor, step: int) -> Tensor:
        return _without(scores, [never, not_first] if step == 0 else [never])

    return options, [biases, punishes, repeats_no_pair, bans, goes_on, ends_at_last, ends_sooner, suppresses]


def _by_row(prompts: Sequence[Sequence[int]], ordinary: Sequence[int]) -> tuple[dict[str, Any], Definitions]:
    """Return options that look at the text that was given, or at its row, and what they do, in the order of generate.

    The last row is allowed one token only, which is forbidden: then that must be written all the same.
    """
    forbidden, *rest = ordinary

    def allowed(row: int, _: Any) -> list[int]:
        return [forbidden] if row == len(prompts) - 1 else rest[::2]

    def of_row(row: int) -> list[Definition]:
        prompt = prompts[row]

        def holds_to_it(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
            for token in set(prompt):
                scores[token] = scores[token] / 1.25 if scores[token] < 0 else scores[token] * 1.25
            return scores

        def repeats_no_pair_of_it(so_far: Sequence[int], scores: Tensor, _: int) -> Tensor:
            return _without(scores, [then for one, then in pairwise(prompt) if one == so_far[-1]])

        def forbids(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
            return _without(scores, [forbidden])

        def allows(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
            others = torch.full_like(scores, -torch.inf)
            others[allowed(row, None)] = 0
            return scores + others if (scores + others).isfinite().any() else others

        return [holds_to_it, repeats_no_pair_of_it, forbids, allows]

    options: dict[str, Any] = {
        "encoder_repetition_penalty": 1.25,
        "encoder_no_repeat_ngram_size": 2,
        "bad_words_ids": [[forbidden]],
        "prefix_allowed_tokens_fn": allowed,
    }
    return options, of_row


def _warpers() -> Iterator[tuple[dict[str, Any], list[Definition]]]:
    """Yield options that cut what is sampled from, and what each does, in the order of generate.

    Those that are set together cut one after another, each something of what the others leave.
    """

    def cools(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
        return scores / 0.7

    def keeps_the_best(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
        return scores.masked_fill(scores < scores.sort(descending=True).values[19], -torch.inf)

    def keeps_a_mass(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
        best, where = scores.softmax(-1).sort(descending=True)
        before = best.cumsum(-1) - best
        return _without(scores, where[before >= 0.9].tolist())

    def keeps_the_likely(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
        chances = scores.softmax(-1)
        return scores.masked_fill(chances < 0.05 * chances.max(), -torch.inf)

    def keeps_the_typical(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
        surprise = -scores.log_softmax(-1)
        where = (surprise - _entropy(scores)).abs().argsort()
        chances = scores.softmax(-1)[where]
        return _without(scores, where[chances.cumsum(-1) - chances >= 0.8].tolist())

    def keeps_from_a_chance(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
        return scores.masked_fill(scores.softmax(-1) < 0.005, -torch.inf)

    def keeps_by_the_entropy(_: Sequence[int], scores: Tensor, __: int) -> Tensor:
        least = min(0.05, 0.05**0.5 * float(torch.exp(-_entropy(scores))))
        return scores.masked_fill(scores.softmax(-1) < least, -torch.inf)

    together = {"temperature": 0.7, "top_k": 20, "top_p": 0.9, "min_p": 0.05}
    yield together, [cools, keeps_the_best, keeps_a_mass, keeps_the_likely]
    yield {"typical_p": 0.8, "epsilon_cutoff": 0.005, "top_k": 0}, [keeps_the_typical, keeps_from_a_chance]
    yield {"eta_cutoff": 0.05, "top_k": 0}, [keeps_by_the_entropy]


def _always(definitions: Sequence[Definition]) -> Definitions:
    """Return what gives them for each row."""
    return lambda _: definitions


def _entropy(scores: Tensor) -> Tensor:
    chances = scores.softmax(-1)
    return -torch.xlogy(chances, chances).sum()


def _ends_with(text: Sequence[int], end: Sequence[int]) -> bool:
    return len(text) >= len(end) and list(text[len(text) - len(end) :]) == list(end)


def _without(scores: Tensor, tokens: Sequence[int]) -> Tensor:
    scores[list(tokens)] = -torch.inf
    return scores


def _generate(tiny: TinyModel, inputs: Mapping[str, Tensor], padding: int, **options: Any) -> Iterator[_Step]:
    """Yield the steps of generate with these options and no others; StageError (`forward`) where it does not end."""
    recorder = _Recorder()
    settings = GenerationConfig(pad_token_id=padding)  # type: ignore[no-untyped-call]
    generated = generate(
        tiny, inputs, recorder, settings=settings, output_scores=True, max_new_tokens=_STEPS, **options
    )
    for step, (texts, made) in enumerate(recorder.steps):
        logits = generated.logits[step].float().to(made.device)
        if options.get("num_beams", 1) > 1:
            logits = logits.log_softmax(-1)
        yield _Step(texts, logits, generated.scores[step] if options.get("do_sample") else made)


def _differences(
    steps: Iterator[_Step],
    definitions: Definitions,
    hidden: Sequence[int],
    ends: int | None = None,
) -> list[str]:
    """Return at which steps, and of which tokens, the scores of a row that goes on are others than its definitions say.

    Of each row the first `hidden` places are padding; `ends` is the token behind which a row is over.
    """
    differences = []
    prompt: int | None = None
    for number, step in enumerate(steps):
        prompt = step.texts.shape[1] if prompt is None else prompt
        for row, text in enumerate(step.texts.tolist()):
            if ends in text[prompt:]:
                continue
            wanted = step.said[row].clone()
            for definition in definitions(row):
                wanted = definition(text[hidden[row] :], wanted, number)
            other = ~torch.isclose(step.made[row], wanted, rtol=_ROUNDING, atol=_ROUNDING)
            if tokens := other.nonzero().flatten().tolist():
                differences.append(f"at step {number} row {row} of tokens {tokens[:5]}")
    return differences
