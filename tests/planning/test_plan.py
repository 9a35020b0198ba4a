from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from hfci.errors import NothingToDo, UsageError
from hfci.planning import select
from hfci.planning.make import make_plan
from hfci.planning.plan import SCHEMA_FILE, Plan, load_plan, parse_shard, select_shard, write_plan
from hfci.planning.requirements import Need, Requirements, Runner
from hfci.testing.manifest import Manifest

from .test_select import MANIFEST

ABOUT = Plan(run="r1", transformers="5.23.0")


def plan_of(
    shards: int, needs: Requirements | None = None, manifest: Manifest = MANIFEST, names: tuple[str, ...] = ()
) -> Plan:
    selection = select(manifest, names)
    about = Plan(run="r1", transformers="5.23.0", names=names)
    known = needs or Requirements()
    return make_plan(selection, known, shards=shards, runner="small", about=about, tier="smoke", device="cpu")


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 9])
def test_every_case_is_in_one_shard_and_every_file_whole(shards: int) -> None:
    plan = plan_of(shards)
    cases = [case.id for shard in plan.shards for case in shard.cases]
    assert sorted(cases) == sorted(case.id for case in select(MANIFEST).cases)
    files = [group.file for shard in plan.shards for group in shard.groups]
    assert len(files) == len(set(files))
    assert len(plan.shards) == min(shards, 4)
    assert all(shard.groups for shard in plan.shards)
    assert [row.model_type for shard in plan.shards for row in shard.untested] == ["nougat"]


def test_the_same_plan_every_time() -> None:
    assert plan_of(3) == plan_of(3)


def test_measured_seconds_decide() -> None:
    measured = {"qwen3/Qwen3Model": [9.0, 1.0, 8.0], "bert/BertModel": [1.0]}
    needs = {f"{name}/builds_tiny[device=cpu]": [Need(n) for n in seconds] for name, seconds in measured.items()}
    plan = plan_of(2, Requirements(runners={"small": Runner([], needs)}))
    # 8 and 1 are the medians, 4.5 is that of them: the estimate for builds_tiny where nothing was measured.
    assert [[group.model_type for group in shard.groups] for shard in plan.shards] == [
        ["bert", "qwen3"],
        ["qwen2", "vit"],
    ]
    assert [shard.predicted_s for shard in plan.shards] == [9.2, 9.2]


def test_what_was_measured_elsewhere_says_nothing() -> None:
    slow = {"qwen3/Qwen3Model/builds_tiny[device=cpu]": [Need(9.0)]}
    assert plan_of(2, Requirements(runners={"large": Runner([], slow)})) == plan_of(2)


def test_a_plan_is_written_and_read_and_fits_its_schema(tmp_path: Path) -> None:
    plan = plan_of(2, names=("qwen*", "nougat"))
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
    assert [row.model_type for row in selection.untested] == ["nougat"]
    assert selection.cases[0].file == shard.groups[0].file


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
        ("{}", "a plan of schema None, this hfci reads 1"),
        ('{"schema": 7}', "a plan of schema 7"),
        ('{"schema": 1}', "is no plan: Object missing required field `run`"),
        ('{"schema": 1, "run": "x", "transformers": "5", "more": 1}', "contains unknown field `more`"),
        (
            '{"schema": 1, "run": "x", "transformers": "5", "shards": '
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


def test_a_plan_of_other_tests_is_refused() -> None:
    plan = plan_of(1)
    with pytest.raises(UsageError, match=r"for transformers 5\.23\.0, the tests are for 5\.17\.0"):
        select_shard(Manifest("5.17.0", MANIFEST.model_types), plan, plan.shards[0])
    fewer = Manifest("5.23.0", MANIFEST.model_types[1:])
    with pytest.raises(UsageError, match="2 planned cases are none of these tests, such as bert/BertModel/builds_tiny"):
        select_shard(fewer, plan, plan.shards[0])


def test_a_plan_needs_shards_and_something_to_do() -> None:
    with pytest.raises(UsageError, match="at least one shard, not 0"):
        plan_of(0)
    with pytest.raises(NothingToDo):
        plan_of(1, manifest=Manifest("5.23.0", ()))
