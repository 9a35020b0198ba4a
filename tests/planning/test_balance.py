from __future__ import annotations

import heapq
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfci.planning.balance import Load, Work, balance, lower_bound, pack

SECONDS = st.integers(0, 50).map(float)
NAMES = st.text("abcdef", min_size=1, max_size=3)
WORKS = st.dictionaries(NAMES, SECONDS, max_size=7).map(lambda found: [Work(*item) for item in found.items()])

# Files of up to 16, where a worker's share of what a shard has is 4.
LARGE = st.dictionaries(NAMES, st.tuples(SECONDS, st.integers(0, 16)), min_size=1, max_size=30).map(
    lambda found: [Work(name, seconds, memory) for name, (seconds, memory) in found.items()]
)


def makespan(loads: tuple[Load, ...]) -> float:
    return max(load.seconds for load in loads)


def best(works: list[Work], places: int) -> float:
    """Return the best makespan, by trying everything."""
    return min(
        max(sum(work.seconds for work, at in zip(works, place, strict=True) if at == one) for one in range(places))
        for place in itertools.product(range(places), repeat=len(works))
    )


def longest_first(works: list[Work], places: int) -> float:
    """Return the makespan of longest first alone."""
    loads = [0.0] * places
    for seconds in sorted((work.seconds for work in works), reverse=True):
        heapq.heapreplace(loads, loads[0] + seconds)
    return max(loads)


@given(WORKS, st.integers(1, 3))
def test_everything_once_and_within_four_thirds_of_the_best(works: list[Work], shards: int) -> None:
    found = balance(works, shards)
    assert len(found) == shards
    assert sorted(work.name for load in found for work in load.works) == sorted(work.name for work in works)
    assert makespan(found) <= best(works, shards) * (4 / 3 - 1 / (3 * shards)) + 1e-9
    assert makespan(found) == max(sum(work.seconds for work in load.works) for load in found)


@given(LARGE, st.integers(1, 5), st.integers(1, 3))
def test_never_longer_than_longest_first_alone_nor_shorter_than_the_bound(
    works: list[Work], shards: int, workers: int
) -> None:
    took = makespan(balance(works, shards, workers=workers))
    assert took <= longest_first(works, shards * workers) + 1e-9
    assert took >= lower_bound(works, shards, workers) - 1e-9


@given(LARGE, st.randoms(), st.integers(1, 5), st.integers(1, 4))
def test_the_order_of_the_works_does_not_matter(works: list[Work], random: object, shards: int, workers: int) -> None:
    mixed = list(works)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    options = {"workers": workers, "memory": 16}
    assert balance(works, shards, **options) == balance(mixed, shards, **options)


@given(LARGE, st.integers(1, 5), st.integers(1, 4))
def test_the_largest_files_of_a_shard_fit_at_once(works: list[Work], shards: int, workers: int) -> None:
    for load in balance(works, shards, workers=workers, memory=16):
        assert 1 <= load.workers <= workers
        assert sum(sorted((work.memory for work in load.works), reverse=True)[: load.workers]) <= 16


@given(LARGE, st.integers(1, 4))
def test_a_shard_takes_what_its_workers_take(works: list[Work], workers: int) -> None:
    load = pack(works, workers)
    assert load.works == tuple(sorted(works, key=lambda work: (-work.seconds, work.name)))
    assert load.seconds == longest_first(works, workers)


def test_large_files_cost_no_more_workers_than_they_must() -> None:
    small = [Work(f"s{number:02}", 1.0, 1) for number in range(40)]
    # Beside 12, three workers may have 1 each: nobody need wait.
    assert [load.workers for load in balance([*small, Work("large", 5.0, 12)], 2, workers=4, memory=16)] == [4, 4]
    # Beside 14, two may.
    loads = balance([*small, Work("larger", 5.0, 14)], 2, workers=4, memory=16)
    assert sorted(load.workers for load in loads) == [3, 4]
    loads = balance([*small, Work("a", 5.0, 13), Work("b", 5.0, 13)], 2, workers=4, memory=16)
    assert [load.workers for load in loads] == [4, 4]


def test_an_exchange_mends_what_longest_first_misses() -> None:
    works = [Work(name, seconds) for name, seconds in zip("abcde", (3.0, 3.0, 2.0, 2.0, 2.0), strict=True)]
    assert longest_first(works, 2) == 7.0
    assert makespan(balance(works, 2)) == 6.0 == lower_bound(works, 2)


@pytest.mark.parametrize(
    ("seconds", "shards", "workers", "bound"), [([4, 2], 1, 2, 4.0), ([2, 2, 2], 1, 2, 3.0), ([], 3, 2, 0.0)]
)
def test_the_bound_is_the_longest_or_an_even_share(seconds: list[int], shards: int, workers: int, bound: float) -> None:
    assert lower_bound([Work(str(at), one) for at, one in enumerate(seconds)], shards, workers) == bound
