from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfci.cases.manifest import Manifest
from hfci.configuration import Runner
from hfci.errors import NothingToDo, UsageError
from hfci.imports import Imported
from hfci.planning import select
from hfci.planning.estimates import START_UP
from hfci.planning.fingerprinting.reuse import Reuse
from hfci.planning.github import outputs
from hfci.planning.plan import SCHEMA_FILE, Plan, load_plan, parse_shard, require_imports, select_shard, write_plan
from hfci.planning.plan_accuracy import plan_accuracy
from hfci.planning.plan_text import describe
from hfci.planning.planner import Request, make_plan
from hfci.planning.requirements import Need, Requirements
from hfci.planning.requirements import RunnerNeeds as Measured

from .test_select import MANIFEST, row

GIB = 2**30
SMALL = Runner(name="small", runs_on="ubuntu-24.04", tiers=("smoke",), workers=1)
TIERS = ("smoke", "functional")


def plan_of(shards: int, manifest: Manifest = MANIFEST, names: tuple[str, ...] = (), **fields: Any) -> Plan:
    request = Request(run="r1", runners={"small": SMALL}, names=names, shards=shards, **fields)
    return make_plan(manifest, request)


def needs_of(**seconds: float) -> Requirements:
    """Return what the checks of the smoke tier need on the runner `small`, by model type."""
    cases = [(case, seconds.get(case.model_type)) for case in select(MANIFEST).cases]
    return Requirements(
        runners={"small": Measured([], {case.id: [Need(s, GIB)] for case, s in cases if s is not None})}
    )


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 8])
def test_every_case_is_in_one_shard_and_every_file_whole(shards: int) -> None:
    plan = plan_of(shards)
    cases = [case.id for shard in plan.shards for case in shard.cases]
    assert sorted(cases) == sorted(case.id for case in select(MANIFEST).cases)
    files = [group.file for shard in plan.shards for group in shard.groups]
    assert len(files) == len(set(files))
    assert len(plan.shards) == min(shards, 4)
    assert all(shard.groups for shard in plan.shards)
    assert [row.model_type for shard in plan.shards for row in shard.untested] == ["nougat"]
    assert [shard.name for shard in plan.shards] == [
        f"smoke on small {n}/{min(shards, 4)}" for n in range(1, len(plan.shards) + 1)
    ]


def test_measured_seconds_decide_and_starting_counts() -> None:
    plan = plan_of(2, requirements=needs_of(bert=1.0, qwen2=2.0, qwen3=4.0, vit=4.0))
    assert [[group.model_type for group in shard.groups] for shard in plan.shards] == [
        ["qwen3", "qwen2"],
        ["vit", "bert"],
    ]
    assert [shard.work_s for shard in plan.shards] == [12.0, 10.0]
    assert [shard.predicted_s for shard in plan.shards] == [START_UP + 12, START_UP + 10]
    assert (plan.predicted_s, plan.bound_s, plan.start_up_s) == (START_UP + 12, START_UP + 11, START_UP)


def test_as_few_shards_as_hardly_make_it_longer() -> None:
    def count(seconds: float, cost: float = 1.0) -> int:
        runner = msgspec.structs.replace(SMALL, cost=cost)
        known = needs_of(bert=seconds, qwen2=seconds, qwen3=seconds, vit=seconds)
        return len(make_plan(MANIFEST, Request(run="r", runners={"small": runner}, requirements=known)).shards)

    assert [count(seconds) for seconds in (0.1, 2.0, 10.0, 1000.0)] == [1, 2, 3, 4]
    assert [count(10.0, cost) for cost in (0.1, 4.0, 8.0)] == [4, 2, 1]


def test_tiers_and_devices_of_one_plan() -> None:
    runners = {
        "cpu": Runner(name="cpu", runs_on="ubuntu-24.04", tiers=TIERS),
        "gpu": Runner(
            name="gpu", runs_on=("self-hosted", "gpu"), device="cuda", tiers=("functional",), shards=1, workers=2
        ),
    }
    plan = make_plan(MANIFEST, Request(run="r1", runners=runners, shards=4))
    assert {(shard.tier, shard.device, shard.runner) for shard in plan.shards} == {
        ("smoke", "cpu", "cpu"),
        ("functional", "cpu", "cpu"),
        ("functional", "cuda", "gpu"),
    }
    expected = {
        case.id
        for tier, device in (("smoke", "cpu"), ("functional", "cpu"), ("functional", "cuda"))
        for case in select(MANIFEST, tier=tier, device=device).cases
    }
    found = [case.id for shard in plan.shards for case in shard.cases]
    assert sorted(found) == sorted(expected)
    assert [(shard.tier, shard.device) for shard in plan.shards if shard.untested] == [
        ("smoke", "cpu"),
        ("functional", "cpu"),
        ("functional", "cuda"),
    ]
    assert [shard.runs_on for shard in plan.shards if shard.device == "cuda"] == [("self-hosted", "gpu")]
    assert [(one.runner, one.device) for one in plan.absent] == [(None, "mps"), (None, "xpu"), (None, "tpu")]
    assert "of the 4 shards asked for, runner gpu allows 1" in plan.notes


def test_a_runner_with_fewer_shards_than_tiers_is_wrong_use() -> None:
    runners = {"one": Runner(name="one", runs_on="x", shards=1)}
    with pytest.raises(UsageError, match=r"runner one may have 1 of shards.*smoke, functional.*runners\.one\]"):
        make_plan(MANIFEST, Request(run="r", runners=runners))
    assert len(make_plan(MANIFEST, Request(run="r", runners=runners, tiers=("smoke",))).shards) == 1


def test_more_than_256_shards_are_256_and_that_is_said() -> None:
    rows = tuple(row(f"m{number:03}", "M", "text", "MForX") for number in range(300))
    runners = {
        name: Runner(name=name, runs_on="x", tiers=(tier,), shards=300)
        for name, tier in (("a", "smoke"), ("b", "functional"))
    }
    plan = make_plan(Manifest("5.23.0", rows), Request(run="r", runners=runners, shards=300))
    assert len(plan.shards) == 256
    assert [shard.index for shard in plan.shards] == list(range(256))
    assert sum(shard.runner == "a" for shard in plan.shards) == 128
    assert plan.notes == ("600 shards were wanted; a run has at most 256",)
    assert sum(shard.count for shard in plan.shards) == 300 * 3


def test_what_is_reused_is_not_planned_and_not_lost() -> None:
    cases = select(MANIFEST).cases
    green = {case.id: "r0" for case in cases if case.model_type == "vit" or case.check == "builds_tiny"}
    known = {case.id: f"fp-{case.model_type}" for case in cases}
    plan = plan_of(2, reuse=Reuse(known, green))
    assert {case.id for shard in plan.shards for case in shard.cases} == {case.id for case in cases} - green.keys()
    (reused,) = plan.reused
    assert (reused.run, reused.tier, reused.device) == ("r0", "smoke", "cpu")
    assert {case.id for case in reused.cases} == green.keys()
    assert reused.count == len(green)
    assert reused.fingerprints == {case: known[case] for case in green}
    assert {case: fp for shard in plan.shards for case, fp in shard.fingerprints.items()} == {
        case: known[case] for case in known.keys() - green.keys()
    }


def test_everything_reused_is_a_plan_without_shards() -> None:
    plan = plan_of(2, reuse=Reuse({}, {case.id: "r0" for case in select(MANIFEST).cases}))
    assert (plan.shards, plan.predicted_s, plan.bound_s) == ((), 0.0, 0.0)
    assert sum(batch.count for batch in plan.reused) == len(select(MANIFEST).cases)


def test_what_is_assumed_green_is_named_and_counted_apart() -> None:
    cases = select(MANIFEST).cases
    same = {case.id: "0123456789abcdef" for case in cases if case.model_type == "vit"}
    plan = plan_of(2, reuse=Reuse({}, {}, same))
    assert plan.reused == ()
    (assumed,) = plan.assumed
    assert (assumed.commit, assumed.count) == ("0123456789abcdef", len(same))
    assert {case.id for shard in plan.shards for case in shard.cases} == {case.id for case in cases} - same.keys()
    (told,) = [line for line in describe(plan) if "green" in line]
    assert told.startswith(
        "Assumed green: vit (2 cases, smoke on cpu, not executed: nothing has changed since 0123456789ab"
    )
    assert outputs(plan)["reused"] == "0"
    whole = plan_of(2, reuse=Reuse({}, {}, {case.id: "abc" for case in cases}))
    assert whole.shards == ()
    assert next(describe(whole)) == "No shard: every case is assumed green."


def test_only_model_types_without_a_test_are_one_shard_for_each_device() -> None:
    runners = {"c": Runner(name="c", runs_on="x"), "d": Runner(name="d", runs_on="x", device="cuda")}
    plan = make_plan(MANIFEST, Request(run="r", runners=runners, names=("nougat",)))
    assert [(shard.tier, shard.device, shard.groups) for shard in plan.shards] == [
        ("smoke", "cpu", ()),
        ("smoke", "cuda", ()),
    ]
    assert [row.model_type for shard in plan.shards for row in shard.untested] == ["nougat", "nougat"]


@st.composite
def situations(draw: st.DrawFn) -> tuple[Manifest, Request]:
    """Draw a manifest of measured files, and what a plan of them is asked for."""
    rows, needs, green = [], {}, {}
    for number in range(draw(st.integers(1, 12))):
        made = row(f"m{number}", f"M{number}", "text", *["X"] * draw(st.booleans()))
        rows.append(made)
        for tier in TIERS:
            for case in select(Manifest("5", (made,)), tier=tier).cases:
                if draw(st.booleans()):
                    needs[case.id] = [Need(draw(st.integers(0, 40)), draw(st.integers(0, 40)) * GIB)]
                elif draw(st.integers(0, 3)) == 0:
                    green[case.id] = "r0"
    names = draw(st.sampled_from([("a",), ("a", "b")]))
    runners = {
        name: Runner(
            name=name,
            runs_on="x",
            memory=draw(st.sampled_from([8.0, 16.0, 32.0])),
            workers=draw(st.integers(1, 4)),
            shards=draw(st.integers(2, 5)),
            cost=draw(st.sampled_from([1.0, 3.0])),
        )
        for name in names
    }
    return Manifest("5", tuple(rows)), Request(
        run="r",
        runners=runners,
        requirements=Requirements(runners={"a": Measured([], needs)}),
        reuse=Reuse({}, green),
        shards=draw(st.sampled_from([None, 2, 9])),
        budget=draw(st.sampled_from([None, START_UP + 15, START_UP + 60])),
    )


@given(situations(), st.randoms())
def test_a_plan_keeps_its_promises(situation: tuple[Manifest, Request], random: Any) -> None:
    manifest, request = situation
    expected = {case.id for tier in TIERS for case in select(manifest, tier=tier).cases}
    try:
        plan = make_plan(manifest, request)
    except NothingToDo as error:
        assert "no case can run: " in str(error)  # noqa: PT017
        return
    batches = (*plan.shards, *plan.reused, *plan.left_out, *plan.unavailable)
    found = [case.id for batch in batches for case in batch.cases]
    assert len(found) == len(set(found))
    assert set(found) == expected
    files = [group.file for shard in plan.shards for group in {group.file: group for group in shard.groups}.values()]
    assert len(files) == len(set(files))
    for name, runner in request.runners.items():
        own = [shard for shard in plan.shards if shard.runner == name]
        assert len(own) <= min(runner.shards, request.shards or runner.shards)
        for shard in own:
            assert shard.groups
            assert 1 <= shard.workers <= runner.workers
            assert shard.memory <= runner.memory * GIB
            assert shard.predicted_s <= (request.budget or math.inf) + 1e-3
    assert plan.predicted_s >= plan.bound_s - 1e-3
    assert bool(plan.left_out) <= (request.budget is not None)
    mixed = list(manifest.model_types)
    random.shuffle(mixed)
    again = make_plan(Manifest("5", tuple(mixed)), request)
    assert again.shards == plan.shards
    assert {case.id for batch in again.left_out for case in batch.cases} == {
        case.id for batch in plan.left_out for case in batch.cases
    }


def test_a_plan_is_written_and_read_and_fits_its_schema(tmp_path: Path) -> None:
    needs = needs_of(bert=0.1, vit=1.0, qwen3=1.0)
    needs.runners["small"].cases["vit/ViTModel/builds_tiny[device=cpu]"] = [Need(1.0, 40 * GIB)]
    green = dict.fromkeys((case.id for case in select(MANIFEST, ["qwen2"]).cases), "r0")
    same = dict.fromkeys((case.id for case in select(MANIFEST, ["bert"], checks=["builds_tiny"]).cases), "abc")
    names = ("qwen*", "vit", "bert", "nougat")
    plan = plan_of(2, names=names, requirements=needs, reuse=Reuse(green, green, same), budget=START_UP + 1.0)
    assert all((plan.shards, plan.reused, plan.assumed, plan.left_out, plan.unavailable, plan.absent, plan.budget_s))
    write_plan(plan, tmp_path / "deep" / "plan.json")
    assert load_plan(tmp_path / "deep" / "plan.json") == plan
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads((tmp_path / "deep" / "plan.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, schema)
    data["shards"][0]["tier"] = "some"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema)


def test_a_shard_of_a_plan_is_a_selection(tmp_path: Path) -> None:
    path = tmp_path / "a:b.json"
    write_plan(plan_of(2), path)
    plan, shard = parse_shard(f"{path}:0")
    selection = select_shard(MANIFEST, plan, shard)
    assert {case.id for case in selection.cases} == {case.id for case in shard.cases}
    assert [case.model_type for case in selection.untested] == ["nougat"]
    assert {case.file for case in selection.cases} == {group.file for group in shard.groups}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plan.json", "a shard is PLAN:INDEX, such as plan.json:0, not 'plan.json'"),
        ("plan.json:-1", "a shard is PLAN:INDEX"),
        ("plan.json:²", "a shard is PLAN:INDEX"),
        ("plan.json:2", "has 2 shards, 0 to 1; there is no shard 2"),
        ("none.json:0", "cannot read the plan .*none.json: No such file"),
    ],
)
def test_what_is_no_shard_is_refused(tmp_path: Path, text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_plan(plan_of(2), Path("plan.json"))
    with pytest.raises(UsageError, match=said):
        parse_shard(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no plan: Input data was truncated"),
        ("[]", "is no plan: Expected `object`, got `array`"),
        ("{}", "a plan of schema None, this hfci reads 1, 2, 3, 4, 5, 6"),
        (
            '{"schema": 7, "hfci": "9.1"}',
            r"plan.json \(written by hfci 9.1\): a plan of schema 7, this hfci reads 1, 2, 3, 4, 5, 6;",
        ),
        ('{"schema": 6}', "is no plan: it lacks run: a plain name"),
        (
            '{"schema": 6, "run": "x", "transformers": "5", "more": 1}',
            "is no plan: unknown key 'more'. Did you mean source",
        ),
        (
            '{"schema": 6, "run": "x", "transformers": "5", "shards": '
            '[{"index": 3, "runner": "a", "device": "cpu", "tier": "smoke"}]}',
            "its shards are not numbered 0 to 0",
        ),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_plan(path)


@pytest.mark.parametrize("kept", ["shards", "reused", "assumed", "left_out", "unavailable"])
def test_a_plan_names_no_file_outside_its_tests(tmp_path: Path, kept: str) -> None:
    needs = needs_of(bert=0.1, vit=1.0, qwen3=1.0)
    needs.runners["small"].cases["vit/ViTModel/builds_tiny[device=cpu]"] = [Need(1.0, 40 * GIB)]
    green = dict.fromkeys((case.id for case in select(MANIFEST, ["qwen2"]).cases), "r0")
    same = dict.fromkeys((case.id for case in select(MANIFEST, ["bert"], checks=["builds_tiny"]).cases), "abc")
    names = ("qwen*", "vit", "bert", "nougat")
    plan = plan_of(2, names=names, requirements=needs, reuse=Reuse(green, green, same), budget=START_UP + 1.0)
    write_plan(plan, tmp_path / "plan.json")
    data = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    next(batch for batch in data[kept] if batch["groups"])["groups"][0]["file"] = "../test_bert.py"
    (tmp_path / "plan.json").write_text(json.dumps(data), encoding="utf-8")
    where = rf"{kept}\[\d\] \(smoke\): groups\[0\] \(\w+\): file"
    with pytest.raises(UsageError, match=rf"is no plan: {where} must be a path within .*, not '\.\./test_bert\.py'"):
        load_plan(tmp_path / "plan.json")


@pytest.mark.parametrize("run", ["../../x", "/tmp/x", "a/b", "C:x", ""])
def test_the_run_of_a_plan_is_a_plain_name_as_its_records_bear_it(tmp_path: Path, run: str) -> None:
    write_plan(msgspec.structs.replace(plan_of(2), run=run), tmp_path / "plan.json")
    with pytest.raises(UsageError, match=r"is no plan: run must be a plain name, .*, not "):
        load_plan(tmp_path / "plan.json")


def test_a_plan_of_other_tests_is_refused() -> None:
    plan = plan_of(1)
    with pytest.raises(UsageError, match=r"for transformers 5\.23\.0, the tests are for 5\.17\.0"):
        select_shard(Manifest("5.17.0", MANIFEST.model_types), plan, plan.shards[0])
    fewer = Manifest("5.23.0", MANIFEST.model_types[1:])
    with pytest.raises(UsageError, match="2 planned cases are none of these tests, such as bert/BertModel/builds_tiny"):
        select_shard(fewer, plan, plan.shards[0])


def test_what_a_plan_is_to_have_imported_is_what_is_imported(tmp_path: Path) -> None:
    mine = Imported(name="my_package", path="/here/my_package", digest="a" * 64, version="1.0", model_types=("mine",))
    coded = Imported(name="my-code", path="/here/my-code", digest="b" * 64, custom=True)
    write_plan(msgspec.structs.replace(plan_of(2), imports=(mine, coded)), tmp_path / "plan.json")
    plan = load_plan(tmp_path / "plan.json")
    assert plan.imports == (mine, coded)
    elsewhere = msgspec.structs.replace(mine, path="/there/my_package", version="1.0.dev3")
    require_imports(plan, (elsewhere, coded, msgspec.structs.replace(mine, name="another")))
    with pytest.raises(UsageError, match="for what my-code, my_package registers, and in shard 1 that is not imported"):
        require_imports(plan, (), "in shard 1")
    edited = msgspec.structs.replace(coded, digest="c" * 64)
    with pytest.raises(UsageError, match=r"for my-code \(digest b{12}\), and here is my-code \(digest c{12}\)"):
        require_imports(plan, (mine, edited))


def test_a_plan_needs_shards_and_something_to_do() -> None:
    with pytest.raises(UsageError, match="at least one shard, not 0"):
        plan_of(0)
    with pytest.raises(NothingToDo, match="no case was selected"):
        plan_of(1, manifest=Manifest("5.23.0", ()))
    with pytest.raises(NothingToDo, match="no case was selected"):
        plan_of(1, names=("BertForMaskedLM",))  # of the functional tier
    with pytest.raises(
        NothingToDo, match="no runner can take any case: runner small: it runs smoke, and deep was asked"
    ):
        plan_of(1, tiers=("deep",))
    with pytest.raises(UsageError, match="Did you mean bert"):
        plan_of(1, names=("brt",))


def test_a_plan_of_the_schema_before_is_read(tmp_path: Path) -> None:
    """There, what had not changed since a commit was said to be reused, of that commit."""
    plan = plan_of(2)
    data = msgspec.to_builtins(plan)
    del data["assumed"]
    reused = {"tier": "smoke", "device": "cpu", "groups": data["shards"][0]["groups"]}
    both = [{**reused, "run": run} for run in ("20261128T000000Z-0a1b2c3d", "c" * 40)]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({**data, "schema": 1, "reused": both}))
    found = load_plan(path)
    assert (found.schema, found.shards) == (6, plan.shards)
    assert [one.run for one in found.reused] == ["20261128T000000Z-0a1b2c3d"]
    assert [one.commit for one in found.assumed] == ["c" * 40]
    for wrong in (["x"], 5, None):
        path.write_text(json.dumps({**data, "schema": 1, "reused": wrong}))
        with pytest.raises(UsageError, match="is no plan: reused"):
            load_plan(path)


def test_how_long_jobs_took_to_begin_is_what_they_are_expected_to_take() -> None:
    needs = needs_of(bert=1.0, qwen2=2.0, qwen3=4.0, vit=4.0)
    needs.runners["small"].start_up = [30.0, 20.0, 25.0]
    plan = plan_of(2, requirements=needs)
    assert [shard.predicted_s for shard in plan.shards] == [25 + 12, 25 + 10]
    assert (plan.bound_s, plan.start_up_s) == (25 + 11, 25)
    counts = []
    for seconds in (5.0, 500.0):
        needs.runners["small"].set_up = [seconds]
        request = Request(run="r", runners={"small": msgspec.structs.replace(SMALL, shards=8)}, requirements=needs)
        counts.append(len(make_plan(MANIFEST, request).shards))
    assert counts == [3, 1]  # that took too long for another job to be worth it


def test_what_came_of_a_plan_is_beside_what_was_predicted() -> None:
    plan = plan_of(2, requirements=needs_of(bert=1.0, qwen2=2.0, qwen3=4.0, vit=4.0))
    first, second = plan_accuracy(plan, {0: 12.5, 7: 1.0}, {})
    assert (first.predicted_s, first.actual_s) == (START_UP + 12, START_UP + 12.5)
    assert first.ratio == pytest.approx((START_UP + 12.5) / (START_UP + 12))
    assert (second.actual_s, second.ratio) == (None, None)
    # Its records say how long its workers took to start.
    assert plan_accuracy(plan, {0: 12.5}, {0: 4.25})[0].actual_s == 16.75
