"""What outputs of several tasks have in common: entries with keys of certain types, scores that are probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["entries", "has_numbers", "largest", "probabilities", "probable", "ranked", "score_above", "top"]

# How far probabilities, which a pipeline may round, may be from what they should be.
ROUNDING = 2e-4


def entries(output: Any, kinds: Mapping[str, Any], *, optional: Collection[str] = ()) -> Iterator[str]:
    """Yield what is wrong with a list of dicts that have these keys, of these types, and no other."""
    if not isinstance(output, list) or not output:
        yield f"a list with something in it is documented, and it is {output!r:.100}"
        return
    for entry in output:
        if not isinstance(entry, dict):
            yield f"an entry is no dict but {entry!r:.100}"
        elif entry.keys() - set(optional) != kinds.keys() - set(optional):
            yield f"an entry has the keys {', '.join(entry)}, and {', '.join(kinds)} are documented"
        else:
            wrong = [name for name, value in entry.items() if not isinstance(value, kinds[name])]
            yield from (f"{name} is a {type(entry[name]).__name__}: {entry[name]!r:.60}" for name in wrong)


def probabilities(scores: Sequence[float], *, of_all: bool = False) -> Iterator[str]:
    """Yield what is wrong with probabilities, of all that there is where they must sum to one."""
    if outside := [score for score in scores if not -ROUNDING <= score <= 1 + ROUNDING]:
        yield f"{outside[0]:.4g} is no probability"
    if of_all and not math.isclose(sum(scores), 1, abs_tol=len(scores) * ROUNDING):
        yield f"the probabilities of all sum to {sum(scores):.4g}"


def ranked(scores: Sequence[float]) -> Iterator[str]:
    """Yield that scores are not in order, the largest first."""
    if list(scores) != sorted(scores, reverse=True):
        yield f"the largest score is not the first: {', '.join(f'{score:.3g}' for score in scores[:5])}"


def largest(name: str, said: Any, scores: Mapping[Any, float]) -> Iterator[str]:
    """Yield that what is said to be the most likely is not, by more than float error."""
    best = max(scores.values())
    if said not in scores:
        yield f"{name} is {said!r:.60}, which the model has no score for"
    elif not math.isclose(scores[said], best, abs_tol=ROUNDING, rel_tol=ROUNDING):
        first = max(scores, key=scores.__getitem__)
        yield f"{name} is {said!r}, of {scores[said]:.4g}, and the model gives {first!r} {best:.4g}"


def probable(output: Sequence[Mapping[str, Any]], wanted: Mapping[str, float]) -> Iterator[str]:
    """Yield that the score of a label is not what is wanted."""
    for one in output:
        by_model = wanted.get(one["label"], math.nan)
        if not math.isclose(one["score"], by_model, abs_tol=ROUNDING, rel_tol=1e-3):
            yield f"the score of {one['label']!r} is {one['score']:.4g}, and by the model {by_model:.4g}"


def has_numbers(output: Any) -> Iterator[str]:
    """Yield that a nested list of numbers holds none, or one that is not finite."""
    flat = [output]
    while flat and isinstance(flat[0], list):
        flat = [part for one in flat for part in one]
    if not flat or not all(isinstance(number, float | int) and math.isfinite(number) for number in flat):
        yield f"a nested list of numbers is documented, and it is {output!r:.100}"


def top(count: int) -> Callable[[Any, Any, list[Any], list[Any]], Iterator[str]]:
    """Return what `top_k` must do: the first so many of what there is without, or of all."""

    def holds(_: Any, __: Any, plain: list[Any], output: list[Any]) -> Iterator[str]:
        if len(output) > count or output[0] != plain[0]:
            yield f"the {count} most likely are not the first of {plain!r:.100}, but {output!r:.100}"

    return holds


def score_above(threshold: float) -> Callable[[Any, Any, Any, Any], Iterator[str]]:
    """Return what a `threshold` must do: no score is below it."""

    def holds(_: Any, __: Any, ___: Any, output: list[Any]) -> Iterator[str]:
        yield from (f"a score of {one['score']:.3g}" for one in output if one["score"] < threshold)

    return holds
