"""The tasks that read a text."""

from __future__ import annotations

import string
from collections import defaultdict
from collections.abc import Iterator
from itertools import permutations
from numbers import Real
from typing import Any

import torch

from hfci.catalog.facts import forward_parameters
from hfci.checks.pipelines.comparing import difference
from hfci.checks.pipelines.forms import entries, has_numbers, largest, probabilities, ranked, top
from hfci.checks.pipelines.serving import Parameter, Served, Task
from hfci.checks.running import seeded
from hfci.tiny.processors.chat import chat_template

__all__ = ["TEXTS", "TEXT_TASKS"]

# No two are as long.
TEXTS = ("the cat sat on the mat", "two birds", "a small dog ran home")

# In some of their orders they are as many tokens as in others.
_WORDS = ("the", "cat", "sat", "on", "a", "mat")

# Some two of them are as many tokens.
_NAMES = ("cat", "dog", "mat", "bird", "home", "animals", "weather")

# As many answers has a question at most.
_OPTIONS = 3


def texts(served: Served) -> tuple[str, ...]:
    """Return texts of unequal lengths, or of equal ones for a model that is not told what of a batch is padding."""
    return TEXTS if "attention_mask" in forward_parameters(type(served.tiny.model)) else equal_texts(served)


def equal_texts(served: Served) -> tuple[str, ...]:
    """Return three texts of as many tokens each."""
    by_length: dict[int, list[str]] = defaultdict(list)
    for words in permutations(_WORDS):
        text = " ".join(words)
        of_length = by_length[len(served.pipe.tokenizer(text)["input_ids"])]
        of_length.append(text)
        if len(of_length) == len(TEXTS):
            return tuple(of_length)
    raise AssertionError(f"no three orders of {' '.join(_WORDS)!r} are of as many tokens")


def outputs_of_text(served: Served, *texts: str, **options: Any) -> Any:
    """Return what the model itself gives for texts that its tokenizer has made of tokens."""
    with torch.no_grad(), seeded(served.tiny):
        return served.tiny.model(**tokens(served, *texts, **options))


def tokens(served: Served, *texts: str, **options: Any) -> dict[str, Any]:
    """Return what the tokenizer makes of texts, without what the model does not take."""
    made = served.pipe.tokenizer(*texts, return_tensors="pt", **options)
    return {name: tensor.to(served.tiny.device) for name, tensor in made.items()}


# text-classification


def _classes(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"label": str, "score": float})
    yield from probabilities([one["score"] for one in output])


def _of_largest_logit(served: Served, given: str, output: Any) -> Iterator[str]:
    logits = outputs_of_text(served, given).logits[0].tolist()
    yield from largest("label", output[0]["label"], dict(zip(served.labels, logits, strict=True)))


def _all_classes(served: Served, _: Any, __: Any, output: Any) -> Iterator[str]:
    if sorted(one["label"] for one in output) != sorted(served.labels):
        yield f"it gives {', '.join(one['label'] for one in output)}, of the classes {', '.join(served.labels)}"
    yield from ranked([one["score"] for one in output])
    yield from probabilities([one["score"] for one in output], of_all=True)


def _each_class(_: Served, __: Any, ___: Any, output: Any) -> Iterator[str]:
    yield from probabilities([one["score"] for one in output])


def _logits(served: Served, given: str, _: Any, output: Any) -> Iterator[str]:
    logits = outputs_of_text(served, given).logits[0].tolist()
    wanted = sorted(logits, reverse=True)
    if (said := difference(wanted, [one["score"] for one in output])) is not None:
        yield f"the scores are not the logits: {said}"


# token-classification


def _tokens_of_text(_: Served, given: str, output: Any) -> Iterator[str]:
    kinds = {"entity": str, "score": Real, "index": int, "word": str, "start": int | None, "end": int | None}
    yield from entries(output, kinds)
    yield from probabilities([float(one["score"]) for one in output])
    yield from _spans(given, output)


def _spans(given: str, output: Any) -> Iterator[str]:
    for one in output:
        if one["start"] is not None and not 0 <= one["start"] <= one["end"] <= len(given):
            yield f"{one['word']!r} is said to stand at {one['start']}-{one['end']} of {len(given)} letters"


def _class_of_each_token(served: Served, given: str, output: Any) -> Iterator[str]:
    logits = outputs_of_text(served, given).logits[0]
    for one in output:
        scores = dict(zip(served.labels, logits[one["index"]].softmax(-1).tolist(), strict=True))
        yield from largest(f"the entity of token {one['index']}", one["entity"], scores)


def _groups(served: Served, given: str, _: Any, output: Any) -> Iterator[str]:
    yield from entries(
        output, {"entity_group": str, "score": Real, "word": str, "start": int | None, "end": int | None}
    )
    yield from _spans(given, output)
    if unknown := {one["entity_group"] for one in output} - {name.removeprefix("B-") for name in served.labels}:
        yield f"there is no class {', '.join(sorted(unknown))}"


# fill-mask


def _masked(served: Served) -> list[str]:
    mask = served.pipe.tokenizer.mask_token
    return [text.replace(text.split()[1], f"{mask}", 1) for text in texts(served)]


def _fillings(served: Served, _: Any, output: Any) -> Iterator[str]:
    yield from entries(output, {"score": float, "token": int, "token_str": str, "sequence": str})
    yield from probabilities([one["score"] for one in output])
    yield from ranked([one["score"] for one in output])
    size = max(len(served.pipe.tokenizer), served.pipe.model.config.get_text_config().vocab_size)
    if unknown := [one["token"] for one in output if not 0 <= one["token"] < size]:
        yield f"there is no token {unknown[0]}"


def _most_likely(served: Served, given: str, output: Any) -> Iterator[str]:
    ids = tokens(served, given)["input_ids"][0]
    place = int((ids == served.pipe.tokenizer.mask_token_id).nonzero()[0])
    scores = outputs_of_text(served, given).logits[0, place].softmax(-1).tolist()
    yield from largest("the token", output[0]["token"], dict(enumerate(scores)))


def _only_of(words: tuple[str, ...]) -> Any:
    def holds(served: Served, _: Any, __: Any, output: Any) -> Iterator[str]:
        allowed = {served.pipe.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words}
        allowed |= {served.pipe.tokenizer.get_vocab().get(word) for word in words}
        if unasked := {one["token"] for one in output} - allowed:
            yield f"the tokens {sorted(unasked)} are none of {', '.join(words)}"

    return holds


# feature-extraction


def _features(_: Served, __: Any, output: Any) -> Iterator[str]:
    yield from has_numbers(output)


def _first_output(served: Served, given: str, output: Any) -> Iterator[str]:
    first = outputs_of_text(served, given)[0]
    if (said := difference(first, torch.tensor(output))) is not None:
        yield f"the features are not what the model gives first: {said}"


def _a_tensor(_: Served, __: Any, plain: Any, output: Any) -> Iterator[str]:
    if not isinstance(output, torch.Tensor):
        yield f"it gives a {type(output).__name__}"
    elif (said := difference(torch.tensor(plain), output)) is not None:
        yield said


# zero-shot-classification


def _candidates_of(served: Served) -> list[str]:
    """Return two labels of as many tokens: none of their hypotheses is padded in a batch of both."""
    by_length: dict[int, list[str]] = defaultdict(list)
    for name in _NAMES:
        of_length = by_length[len(served.pipe.tokenizer(f"This example is {name}.")["input_ids"])]
        of_length.append(name)
        if len(of_length) == 2:
            return of_length
    raise AssertionError(f"no two of {', '.join(_NAMES)} are of as many tokens")


def _candidates(served: Served, given: str, output: Any) -> Iterator[str]:
    yield from entries([output], {"sequence": str, "labels": list, "scores": list})
    if output["sequence"] != given or sorted(output["labels"]) != sorted(_candidates_of(served)):
        yield f"it gives {output['labels']} of {output['sequence']!r}"
    yield from ranked(output["scores"])
    yield from probabilities(output["scores"], of_all=True)


def _entailment(served: Served, given: str, output: Any) -> Iterator[str]:
    logits = [
        outputs_of_text(served, given, f"This example is {label}.").logits[0, served.pipe.entailment_id]
        for label in output["labels"]
    ]
    wanted = torch.stack(logits).softmax(-1).tolist()
    if (said := difference(wanted, output["scores"])) is not None:
        yield f"the scores are not those of entailment: {said}"


def _each_candidate(served: Served, given: str, _: Any, output: Any) -> Iterator[str]:
    """Each alone: entailment against contradiction."""
    yield from ranked(output["scores"])
    entailment = served.pipe.entailment_id
    contradiction = -1 if entailment == 0 else 0
    for label, score in zip(output["labels"], output["scores"], strict=True):
        logits = outputs_of_text(served, given, f"This example is {label}.").logits[0]
        wanted = float(logits[[contradiction, entailment]].softmax(-1)[1])
        if (said := difference(wanted, float(score))) is not None:
            yield f"the score of {label!r} is not that of entailment against contradiction: {said}"


# decision


def _can_be_asked(served: Served) -> None:
    """Give the tokenizer a chat template where it has none, and the answers names of one token each."""
    tokenizer = served.pipe.tokenizer
    names: list[str] = []
    for name in (*string.ascii_letters, *sorted(tokenizer.get_vocab())):
        ids = tokenizer(name, add_special_tokens=False)["input_ids"]
        if len(ids) == 1 and ids[0] != tokenizer.unk_token_id:
            names.append(name)
        if len(names) == _OPTIONS:
            break
    served.pipe.decision_config.labels = dict.fromkeys(("noul", "choice", "score"), names)
    for one in (served.pipe.processor, served.pipe.tokenizer):
        if one is not None and one.chat_template is None:
            one.chat_template = chat_template({})


def _requests(_: Served) -> list[dict[str, Any]]:
    """One question of a kind each."""
    questions: tuple[dict[str, Any], ...] = (
        {"type": "noul", "instructions": "Is it a cat?"},
        {"type": "choice", "instructions": "Who?", "criteria": {"cat": None, "bird": None}},
        {"type": "score", "instructions": "How many?", "criteria": ["one", "two", "more"]},
    )
    return [{"state": text, "questions": {"it": question}} for text, question in zip(TEXTS, questions, strict=True)]


def _answers(_: Served, given: dict[str, Any], output: Any) -> Iterator[str]:
    if output.keys() != given["questions"].keys():
        yield f"it answers {', '.join(output)}"
        return
    question, answer = given["questions"]["it"], output["it"]
    kind = question["type"]
    if answer.get("type") != kind:
        yield f"it answers a {answer.get('type')}, and was asked a {kind}"
    elif kind == "noul":
        yield from probabilities([answer["noul"]])
    else:
        options = (
            list(question["criteria"]) if kind == "choice" else [str(at) for at in range(len(question["criteria"]))]
        )
        if list(answer["probabilities"]) != options:
            yield f"the probabilities are of {', '.join(answer['probabilities'])}, of the options {', '.join(options)}"
        yield from probabilities([*answer["probabilities"].values()], of_all=True)
        yield from probabilities([answer["confidence"]])


def _most_probable(_: Served, __: Any, output: Any) -> Iterator[str]:
    answer = output["it"]
    if answer["type"] == "choice":
        yield from largest("the choice", answer["choice"], answer["probabilities"])
    elif answer["type"] == "score":
        mean = sum(int(level) * part for level, part in answer["probabilities"].items())
        if (said := difference(float(mean), float(answer["score"]))) is not None:
            yield f"the score is not the mean of the levels: {said}"


# table-question-answering

_TABLE = {"animal": ["cat", "bird", "dog"], "number": ["2", "31", "5"]}


def _questions(_: Served) -> list[dict[str, Any]]:
    return [{"table": _TABLE, "query": query} for query in ("how many birds", "which animal is it", "two")]


def _cells(_: Served, __: Any, output: Any) -> Iterator[str]:
    kinds = {"answer": str, "coordinates": list, "cells": list, "aggregator": str}
    yield from entries([output], kinds, optional=("aggregator",))
    columns = list(_TABLE.values())
    for (row, column), cell in zip(output["coordinates"], output["cells"], strict=True):
        if not 0 <= row < len(columns[0]) or not 0 <= column < len(columns) or columns[column][row] != cell:
            yield f"the cell {cell!r} is said to stand in row {row} and column {column}"
    answer = ", ".join(output["cells"])
    if output["answer"] not in (answer, f"{output.get('aggregator')} > {answer}"):
        yield f"the answer is {output['answer']!r}, of the cells {output['cells']}"


def _nothing(_: Served, __: Any, ___: Any) -> Iterator[str]:
    """What the model gives is not in the output as it is."""
    yield from ()


TEXT_TASKS = {
    "table-question-answering": Task(_questions, _cells, _nothing, iterates=False),
    "text-classification": Task(
        texts,
        _classes,
        _of_largest_logit,
        lambda _: {"top_k": 1},
        parameters=(
            Parameter({"top_k": None, "function_to_apply": "softmax"}, _all_classes),
            Parameter({"top_k": None, "function_to_apply": "sigmoid"}, _each_class),
            Parameter({"top_k": None, "function_to_apply": "none"}, _logits),
        ),
    ),
    "token-classification": Task(
        texts,
        _tokens_of_text,
        _class_of_each_token,
        parameters=(Parameter({"aggregation_strategy": "simple"}, _groups),),
    ),
    "fill-mask": Task(
        _masked,
        _fillings,
        _most_likely,
        parameters=(
            Parameter({"top_k": 2}, top(2)),
            Parameter({"targets": ["the", "cat"]}, _only_of(("the", "cat"))),
        ),
    ),
    "feature-extraction": Task(
        equal_texts, _features, _first_output, parameters=(Parameter({"return_tensors": True}, _a_tensor),)
    ),
    "zero-shot-classification": Task(
        texts,
        _candidates,
        _entailment,
        lambda served: {"candidate_labels": _candidates_of(served)},
        parameters=(Parameter({"multi_label": True}, _each_candidate),),
    ),
    # Its class says that it makes no batches yet.
    "decision": Task(_requests, _answers, _most_probable, prepare=_can_be_asked, batches=False),
}
