"""Memory, as measured, decides where a file runs, how many run at once, and what no runner can take."""

from __future__ import annotations

from collections.abc import Mapping

from hfci.configuration import Runner
from hfci.errors import NothingToDo
from hfci.planning import select
from hfci.planning.estimates import USUAL_MEMORY
from hfci.planning.plan import Plan
from hfci.planning.plan_text import describe
from hfci.planning.planner import Request, make_plan
from hfci.planning.requirements import Need, Requirements
from hfci.planning.requirements import RunnerNeeds as Measured

from .test_select import MANIFEST

GIB = 2**30
SMALL = Runner(name="small", runs_on="x", memory=16, tiers=("smoke",))
LARGE = Runner(name="large", runs_on="x", memory=64, cost=4, tiers=("smoke",))


def plan_of(*runners: Runner, **gib: float) -> Plan:
    """Plan the smoke tier, in which model types need as much."""
    needs = {
        case.id: [Need(1.0, int(gib[case.model_type] * GIB))]
        for case in select(MANIFEST).cases
        if case.model_type in gib
    }
    known = Requirements(runners={"small": Measured([], needs)})
    return make_plan(MANIFEST, Request(run="r", runners={one.name: one for one in runners}, requirements=known))


def where(plan: Plan) -> Mapping[str, str]:
    return {group.model_type: shard.runner for shard in plan.shards for group in shard.groups}


def test_the_cheapest_runner_that_has_the_memory_gets_a_file() -> None:
    plan = plan_of(LARGE, SMALL, bert=16, qwen2=17, qwen3=1, vit=1)
    assert where(plan) == {"bert": "small", "qwen2": "large", "qwen3": "small", "vit": "small"}
    assert plan.unavailable == ()


def test_what_no_runner_can_take_is_unavailable_and_the_rest_runs() -> None:
    plan = plan_of(SMALL, LARGE, bert=80, qwen2=72.5, qwen3=1, vit=1)
    assert where(plan) == {"qwen3": "small", "vit": "small"}
    assert [(batch.reason, {case.model_type for case in batch.cases}) for batch in plan.unavailable] == [
        ("needs 80 GiB, the largest runner has 64", {"bert"}),
        ("needs 72.5 GiB, the largest runner has 64", {"qwen2"}),
    ]
    assert sum("bert" in line and "needs 80 GiB" in line for line in describe(plan)) == 1


def test_nothing_but_what_is_unavailable_is_nothing_to_do() -> None:
    try:
        plan_of(SMALL, bert=40, qwen2=40, qwen3=40, vit=40)
    except NothingToDo as error:
        assert str(error) == "no case can run: needs 40 GiB, the largest runner has 16"  # noqa: PT017
    else:
        raise AssertionError


def test_large_files_leave_fewer_workers() -> None:
    (shard,) = plan_of(SMALL, bert=12, qwen2=8, qwen3=1, vit=1).shards
    assert (shard.workers, shard.memory) == (1, 12 * GIB)
    (shard,) = plan_of(SMALL, bert=4, qwen2=4, qwen3=4, vit=4).shards
    assert (shard.workers, shard.memory) == (4, 16 * GIB)
    (shard,) = plan_of(SMALL, bert=10, qwen2=2, qwen3=2, vit=2).shards
    assert (shard.workers, shard.memory) == (4, 16 * GIB)


def test_what_was_not_measured_is_guessed_and_a_guess_keeps_nothing_from_running() -> None:
    plan = plan_of(SMALL)
    assert plan.shards[0].memory == 4 * USUAL_MEMORY
    tiny = Runner(name="tiny", runs_on="x", memory=0.5, tiers=("smoke",))
    (shard,) = plan_of(tiny).shards
    assert (shard.count, shard.workers, shard.memory) == (8, 1, GIB // 2)


def test_a_guess_is_the_largest_of_its_family() -> None:
    (shard,) = plan_of(SMALL, qwen2=7, vit=1).shards
    # qwen3 as qwen2, of its family; bert as the largest of all: two of 7, no third beside them.
    assert (shard.workers, shard.memory) == (2, 14 * GIB)
