from __future__ import annotations

import pytest

from hfci.configuration import DEVICES, RUNNERS, Runner
from hfci.errors import NothingToDo, UsageError
from hfci.planning.plan_text import describe
from hfci.planning.planner import Request, make_plan
from hfci.planning.runners import find_places, is_hosted, pick
from hfci.planning.shard_count import Share, share_out, within_limit

from .test_select import MANIFEST

GPU = Runner(name="gpu", runs_on="gpu-l4", device="cuda", tiers=("functional", "deep"))
BARE = Runner(name="bare", runs_on=("self-hosted", "linux"))


@pytest.mark.parametrize(
    ("runs_on", "device", "hosted"),
    [
        ("ubuntu-24.04", "cpu", True),
        ("ubuntu-latest", "cpu", True),
        ("ubuntu-24.04-arm", "cpu", True),
        ("windows-2025", "cpu", True),
        ("macos-15", "cpu", True),
        (("ubuntu-22.04",), "cpu", True),
        ("ubuntu-24.04", "cuda", False),
        ("macos-15", "mps", False),
        ("ubuntu-24.04-16core", "cpu", False),
        ("my-ubuntu-24.04", "cpu", False),
        ("ubuntu-24.04\nself-hosted", "cpu", False),
        ("self-hosted", "cpu", False),
        (("self-hosted", "ubuntu-24.04"), "cpu", False),
        ("macos-15-xlarge", "cpu", False),
    ],
)
def test_githubs_own_are_those_with_its_labels(runs_on: str | tuple[str, ...], device: str, hosted: bool) -> None:
    assert is_hosted(Runner(name="x", runs_on=runs_on, device=device)) is hosted


def test_without_configuration_there_is_one_place_for_each_tier() -> None:
    places, absent = find_places(RUNNERS.values())
    assert [(place.tier, place.device, place.runners) for place in places] == [
        (tier, "cpu", (RUNNERS["cpu"],)) for tier in ("smoke", "functional", "deep")
    ]
    assert [(one.runner, one.device) for one in absent] == [(None, device) for device in DEVICES[1:]]
    assert absent[0].reason == "no runner for cuda: GPU cases are absent"


def test_the_cheapest_is_first_then_the_one_with_most_memory() -> None:
    runners = [
        Runner(name="dear", runs_on="x", cost=3, memory=99),
        Runner(name="b", runs_on="x", memory=16),
        Runner(name="a", runs_on="x", memory=16),
        Runner(name="roomy", runs_on="x", memory=32),
    ]
    places, _ = find_places(runners, ("deep",))
    assert [[runner.name for runner in place.runners] for place in places] == [["roomy", "a", "b", "dear"]]


def test_a_fork_runs_on_githubs_cpu_runners_and_the_others_are_said_to_be_absent() -> None:
    places, absent = find_places([RUNNERS["cpu"], GPU, BARE], fork=True)
    assert {runner.name for place in places for runner in place.runners} == {"cpu"}
    assert [one.reason for one in absent if one.runner] == [
        f"runner {name}: a fork's code runs on GitHub's standard CPU runners only" for name in ("gpu", "bare")
    ]
    assert "cuda" not in [one.device for one in absent if one.runner is None]
    runners = {"gpu": GPU, "bare": BARE}
    with pytest.raises(NothingToDo, match="no runner can take any case: runner gpu: a fork's code"):
        make_plan(MANIFEST, Request(run="r", runners=runners, fork=True))
    told = list(describe(make_plan(MANIFEST, Request(run="r", runners={**RUNNERS, **runners}, fork=True))))
    assert "Absent: runner gpu: a fork's code runs on GitHub's standard CPU runners only." in told


def test_a_runner_of_other_tiers_is_absent() -> None:
    places, absent = find_places([RUNNERS["cpu"], GPU], ("smoke",))
    assert [(place.tier, place.device) for place in places] == [("smoke", "cpu")]
    assert absent[0].reason == "runner gpu: it runs functional, deep, and smoke was asked for"


def test_runners_are_picked_by_name() -> None:
    runners = {"cpu": RUNNERS["cpu"], "gpu": GPU}
    assert pick(runners, []) == runners
    assert pick(runners, ["gpu"]) == {"gpu": GPU}
    with pytest.raises(UsageError, match=r"no runner 'gpus' is configured: .* has cpu, gpu\. Did you mean gpu"):
        pick(runners, ["gpus"])


def test_the_slowest_gets_the_next_shard() -> None:
    shares = [Share(50, 1000.0, 10.0, 1), Share(50, 3000.0, 10.0, 1), Share(1, 5.0, 5.0, 1)]
    assert share_out(shares, 9, set_up=60, exact=True) == [2, 6, 1]
    assert share_out(shares, 3, set_up=60, exact=True) == [1, 1, 1]
    assert share_out(shares, 500, set_up=60, exact=True) == [50, 50, 1]


def test_no_more_shards_than_are_worth_it() -> None:
    share = Share(100, 600.0, 30.0, 1)
    assert share_out([share], 50, set_up=60, exact=True) == [50]
    counts = []
    for set_up in (10.0, 60.0, 300.0):
        (few,) = share_out([share], 50, set_up=set_up)
        assert set_up + share.seconds(few) <= 1.1 * (set_up + share.seconds(50)) < set_up + share.seconds(few - 1)
        counts.append(few)
    assert counts == sorted(set(counts), reverse=True)  # the longer a job takes to begin, the fewer there are
    assert share_out([share], 50, set_up=60, within=31.0) == [20]
    assert share_out([share], 50, set_up=60, within=1.0) == [50]


def test_a_limit_cuts_the_largest_first_and_leaves_each_its_least() -> None:
    assert within_limit({"a": 300, "b": 100, "c": 2}, {"a": 1, "b": 1, "c": 2}, 256) == {"a": 154, "b": 100, "c": 2}
    assert within_limit({"a": 3, "b": 3}, {"a": 3, "b": 3}, 4) == {"a": 3, "b": 3}
