from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hfci.configuration import Runner
from hfci.errors import NothingToDo, UsageError
from hfci.planning import select
from hfci.planning.balance import Work, pack
from hfci.planning.budget import fill, parse_duration, trim
from hfci.planning.estimates import START_UP
from hfci.planning.plan import Plan
from hfci.planning.plan_text import describe
from hfci.planning.planner import Request, make_plan
from hfci.planning.popularity import Popularity, Use
from hfci.planning.requirements import Need, Requirements
from hfci.planning.requirements import RunnerNeeds as Measured

from .test_select import MANIFEST

GIB = 2**30
ONE = Runner(name="one", runs_on="x", workers=1, shards=1, tiers=("smoke",))
USED = Popularity(fetched="2026-01-01", model_types={"vit": Use(9, 0, 1), "bert": Use(8, 0, 1), "qwen2": Use(7, 0, 1)})


def plan_of(seconds: float, measured: dict[str, float], **fields: Any) -> Plan:
    """Plan the smoke tier within so many seconds after the start; each file of what was measured takes so long."""
    needs = {
        case.id: [Need(measured[case.model_type] / 2, 0)]
        for case in select(MANIFEST).cases
        if case.model_type in measured
    }
    known = Requirements(runners={"one": Measured([], needs)})
    request = Request(run="r", runners={"one": ONE}, requirements=known, budget=START_UP + seconds, **fields)
    return make_plan(MANIFEST, request)


def planned(plan: Plan) -> set[str]:
    return {case.model_type for shard in plan.shards for case in shard.cases}


ALL = {"bert": 10.0, "qwen2": 10.0, "qwen3": 10.0, "vit": 10.0}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h", 7200), ("1m0.5s", 60.5), (" 5s ", 5)]
)
def test_times(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "0s", "0h0m", "m", "-5m", "5m1h", "1d", "1.5h", "٣m", "10m\nx", "1e3s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a time is such as 90s, 10m or 1h30m"):
        parse_duration(text)


def test_the_most_used_fill_the_time_and_the_rest_is_told() -> None:
    plan = plan_of(25, ALL, popularity=USED)
    assert planned(plan) == {"vit", "bert"}
    (left,) = plan.left_out
    assert [group.model_type for group in left.groups] == ["qwen2", "qwen3"]
    assert (left.runner, left.work_s, left.count) == ("one", 20.0, 4)
    assert plan.predicted_s == START_UP + 20
    (told,) = [line for line in describe(plan) if line.startswith("Left out")]
    budget = f"Left out for want of time ({START_UP + 25} s)"
    assert told == f"{budget}, smoke on one: 4 cases, 20.0 s in one worker: qwen2, qwen3."


def test_a_short_one_takes_what_a_longer_one_leaves() -> None:
    plan = plan_of(25, {**ALL, "bert": 20.0}, popularity=USED)
    assert planned(plan) == {"vit", "qwen2"}
    assert [group.model_type for batch in plan.left_out for group in batch.groups] == ["bert", "qwen3"]


def test_what_was_red_is_first_then_what_was_never_green() -> None:
    red = frozenset({"qwen3/Qwen3Model/builds_tiny[device=cpu]"})
    assert planned(plan_of(15, ALL, popularity=USED, red=red)) == {"qwen3"}
    measured = {name: seconds for name, seconds in ALL.items() if name != "qwen2"}
    assert planned(plan_of(25, measured, popularity=USED)) == {"qwen2", "vit"}
    assert planned(plan_of(25, measured, popularity=USED, red=red)) == {"qwen3", "qwen2"}
    assert planned(plan_of(15, measured, popularity=USED, red=red)) == {"qwen3"}


def test_enough_time_leaves_nothing_out() -> None:
    plan = plan_of(40, ALL)
    assert planned(plan) == set(ALL)
    assert plan.left_out == ()


def test_what_a_cheap_runner_has_no_time_for_is_the_next_ones() -> None:
    needs = {case.id: [Need(5.0, 0)] for case in select(MANIFEST).cases}
    runners = {
        "dear": structs.replace(ONE, name="dear", cost=5.0),
        "small": structs.replace(ONE, name="small", cost=3.0, memory=1.0),
        "one": ONE,
    }
    needs |= {case.id: [Need(5.0, 2 * GIB)] for case in select(MANIFEST, ["qwen2"]).cases}
    known = Requirements(runners={"one": Measured([], needs)})
    request = Request(run="r", runners=runners, requirements=known, popularity=USED, budget=START_UP + 15)
    plan = make_plan(MANIFEST, request)
    # The most used is on the cheapest; of the rest, small lacks the memory for qwen2.
    assert {shard.runner: {group.model_type for group in shard.groups} for shard in plan.shards} == {
        "one": {"vit"},
        "small": {"bert"},
        "dear": {"qwen2"},
    }
    assert [group.model_type for batch in plan.left_out for group in batch.groups] == ["qwen3"]
    none = dataclasses.replace(request, budget=None)
    assert {shard.runner for shard in make_plan(MANIFEST, none).shards} == {"one"}


def test_no_time_for_anything_is_nothing_to_do() -> None:
    with pytest.raises(NothingToDo, match=f"no case can run: {START_UP:g} s are needed to start, and then"):
        plan_of(5, ALL)
    with pytest.raises(NothingToDo, match="there is no time"):
        plan_of(-10, ALL)


WORKS = st.lists(st.integers(0, 30), max_size=20).map(
    lambda found: [Work(f"w{at:02}", s) for at, s in enumerate(found)]
)


@given(WORKS, st.integers(0, 60), st.integers(1, 4))
def test_what_fits_is_taken_and_what_matters_more_never_yields(works: list[Work], seconds: float, workers: int) -> None:
    taken = fill(works, seconds, workers, lambda name: name)
    assert sum(work.seconds for work in works if work.name in taken) <= seconds * workers
    # The one that matters most is left out only if it is too long by itself.
    assert not works or (works[0].name in taken) == (works[0].seconds <= seconds)
    for at, work in enumerate(works):
        if work.name not in taken:  # what matters more leaves no worker so much time
            before = sum(one.seconds for one in works[:at] if one.name in taken)
            assert before > workers * (seconds - work.seconds)


@given(WORKS, st.integers(0, 60), st.integers(1, 4))
def test_what_is_trimmed_is_within_the_time(works: list[Work], seconds: float, workers: int) -> None:
    load = trim(pack(works, workers), seconds, lambda name: name)
    assert load.seconds <= seconds or not load.works
    kept = sorted(work.name for work in load.works)
    assert kept == [work.name for work in works[: len(kept)]]
