"""What was planned, or is in the manifest, and left no record."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec
import pytest

from hfci.cases.records import Record
from hfci.configuration import Runner
from hfci.errors import UsageError
from hfci.imports import Imported
from hfci.planning import select
from hfci.planning.plan import Assumed, Plan, Reused, Unavailable
from hfci.planning.planner import Request, make_plan
from hfci.results import read_results, summarize
from hfci.results.completeness import absent_from_manifest, absent_from_plan, settled_by_plan

from ..planning.test_select import MANIFEST
from .support import save

CASES = select(MANIFEST).cases
VERSIONS = {"transformers": MANIFEST.transformers}


@pytest.fixture
def plan() -> Plan:
    small = Runner(name="small", runs_on="ubuntu-24.04", workers=1, tiers=("smoke",))
    return make_plan(MANIFEST, Request(run="x", runners={"small": small}, shards=2))


@pytest.fixture
def files(tmp_path: Path, plan: Plan) -> list[Path]:
    """Write the records of each shard, all passed."""
    found = []
    for shard in plan.shards:
        records = [Record.of(case, "passed") for case in shard.cases]
        records += [Record.of(case, "not-applicable", reason="none of its own") for case in shard.rows]
        found.append(save(tmp_path, "x", *records, shard=shard.index, versions=VERSIONS, runner="small"))
    return found


def test_nothing_is_absent_from_a_whole_run(files: list[Path], plan: Plan) -> None:
    results = read_results(files)
    assert list(absent_from_plan(results, plan)) == []
    assert list(absent_from_manifest(results, MANIFEST)) == []
    assert summarize(results).is_green


@pytest.mark.parametrize("lost", [0, 1])
def test_a_shard_that_left_nothing_is_not_run_and_red(files: list[Path], plan: Plan, lost: int) -> None:
    files[lost].unlink()
    results = read_results([files[1 - lost]])
    results = results.lacking(absent_from_plan(results, plan))
    expected = {case.id for case in (*plan.shards[lost].cases, *plan.shards[lost].rows)}
    found = [record for record in results if record.outcome == "not-run"]
    assert {record.case for record in found} == expected
    assert {record.reason for record in found} == {f"shard {lost} of 2 (small) left no records"}
    summary = summarize(results)
    assert summary.is_red
    assert summary.outcomes["not-run"] == len(expected)
    assert summary.planned == len(CASES) + 1  # and the row without a test
    assert all(failure.reproduce for failure in summary.failures)


def test_a_shard_that_was_cut_off_is_counted_once(files: list[Path], plan: Plan) -> None:
    lines = files[0].read_bytes().splitlines(keepends=True)
    files[0].write_bytes(b"".join(lines[:-2]) + lines[-2][:20])
    results = read_results(files)
    assert (results.torn, results.missing) == (1, 2)
    results = results.lacking(absent_from_plan(results, plan))
    assert results.missing == 0
    absent = [record for record in results if record.outcome == "not-run"]
    assert {record.reason for record in absent} == {"shard 0 of 2 (small) was cut off before it"}
    assert summarize(results).outcomes["not-run"] == 2


def test_what_a_whole_run_lacks_of_the_manifest_is_not_run(tmp_path: Path) -> None:
    some = [Record.of(case, "passed") for case in CASES if case.model_type != "vit"]
    path = save(tmp_path, "x", *some, versions=VERSIONS)
    absent = list(absent_from_manifest(read_results([path]), MANIFEST))
    assert {record.case for record in absent} == {
        "vit/ViTModel/builds_tiny[device=cpu]",
        "vit/ViTModel/forward_is_finite[device=cpu]",
        MANIFEST["nougat"].untested("smoke", "cpu")[0].id,
    }
    assert [record.reproduce for record in absent if record.check is None] == ["hfci generate nougat"]


@pytest.mark.parametrize(
    ("fields", "lacks"),
    [
        ({"names": ("bert",)}, {"bert/BertModel/forward_is_finite[device=cpu]"}),
        ({"names": ("bert",), "checks": ("builds_tiny",)}, set()),
        ({"names": None}, set()),
        ({"tier": None}, set()),
        ({"versions": {"transformers": "5.17.0"}}, set()),
    ],
)
def test_only_what_was_asked_for_is_missed(tmp_path: Path, fields: dict[str, object], lacks: set[str]) -> None:
    path = save(tmp_path, "x", Record.of(CASES[0], "passed"), **{"versions": VERSIONS, **fields})
    if None in fields.values():
        # `save` leaves what is None at its usual value: unknown is what records of schema 1 are.
        lines = path.read_bytes().splitlines(keepends=True)
        head = {**msgspec.json.decode(lines[0]), **fields}
        path.write_bytes(msgspec.json.encode(head) + b"\n" + b"".join(lines[1:]))
    assert {record.case for record in absent_from_manifest(read_results([path]), MANIFEST)} == lacks


def test_the_command_of_what_did_not_run_asks_for_what_was_imported(tmp_path: Path, plan: Plan) -> None:
    mine = Imported(name="my_package", path="/here/my_package", digest="a")
    coded = Imported(name="my-code", path="/here/my code", digest="b", custom=True)
    asking = ["--import", "my_package", "--import", "/here/my code", "--trust-remote-code"]
    plan = msgspec.structs.replace(plan, imports=(mine, coded))
    heavy = Unavailable(tier="smoke", device="cpu", groups=plan.shards[0].groups, reason="too large")
    settled = settled_by_plan(msgspec.structs.replace(plan, unavailable=(heavy,)))
    path = save(tmp_path, "x", Record.of(CASES[0], "passed"), versions=VERSIONS, imports=(mine, coded))
    absent = absent_from_manifest(read_results([path]), MANIFEST)
    for found in (absent_from_plan(read_results([], run=plan.run), plan), settled, absent):
        commands = [shlex.split(record.reproduce or "") for record in found]
        assert commands
        assert all(words[-len(asking) :] == asking for words in commands)


def test_a_name_that_the_manifest_lacks_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, "x", Record.of(CASES[0], "passed"), versions=VERSIONS, names=("brt",))
    with pytest.raises(UsageError, match=r"'brt'.*Did you mean bert"):
        list(absent_from_manifest(read_results([path]), MANIFEST))


def test_what_needs_no_job_is_settled_and_never_executed(plan: Plan) -> None:
    first, second = plan.shards
    batch = {"tier": "smoke", "device": "cpu"}
    reused = Reused(**batch, groups=first.groups, run="yesterday")
    whole = msgspec.structs.replace(plan, shards=(), reused=(reused,))
    nothing = read_results([], run=plan.run)
    summary = summarize(nothing.settled(settled_by_plan(whole)))
    count = len(first.cases)
    assert (summary.is_green, summary.executed, summary.outcomes["reused"]) == (True, 0, count)
    assert summary.verdict == f"Green: nothing was executed; {count} planned, {count} reused"
    same = Assumed(**batch, groups=first.groups, commit="abc")
    summary = summarize(nothing.settled(settled_by_plan(msgspec.structs.replace(plan, shards=(), assumed=(same,)))))
    assert (summary.is_green, summary.is_red, summary.executed) == (False, False, 0)
    assert (summary.outcomes["assumed"], summary.outcomes["reused"]) == (count, 0)
    assert summary.verdict == f"Nothing was executed; {count} planned, {count} assumed"
    heavy = Unavailable(**batch, groups=second.groups, reason="needs 40 GiB, the largest runner has 16")
    none = msgspec.structs.replace(plan, shards=(), unavailable=(heavy,))
    summary = summarize(nothing.settled(settled_by_plan(none)))
    assert not summary.is_green
    assert summary.reasons == {heavy.reason: len(second.cases)}
