from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hfci.planning.balance import balance

WEIGHTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 50).map(float), max_size=7)


def makespan(shards: tuple[frozenset[str], ...], weights: dict[str, float]) -> float:
    return max((sum(weights[name] for name in names) for names in shards), default=0.0)


def best(weights: dict[str, float], shards: int) -> float:
    """Return the best makespan, by trying everything."""
    places = itertools.product(range(shards), repeat=len(weights))
    return min(
        max(sum(w for w, at in zip(weights.values(), place, strict=True) if at == shard) for shard in range(shards))
        for place in places
    )


@given(WEIGHTS, st.integers(1, 3))
def test_everything_once_and_within_four_thirds_of_the_best(weights: dict[str, float], shards: int) -> None:
    found = balance(weights, shards)
    assert len(found) == shards
    assert sorted(itertools.chain(*found)) == sorted(weights)
    assert makespan(found, weights) <= best(weights, shards) * (4 / 3 - 1 / (3 * shards)) + 1e-9


def test_the_order_of_the_weights_does_not_matter() -> None:
    weights = {name: float(weight) for name, weight in zip("abcdefg", (5, 5, 4, 3, 3, 3, 1), strict=True)}
    backwards = dict(reversed(weights.items()))
    assert balance(weights, 3) == balance(backwards, 3)
