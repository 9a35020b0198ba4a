from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hfci.configuration import Runner
from hfci.errors import EnvironmentUnfit
from hfci.planning.github import append, format_outputs, matrix, outputs, page
from hfci.planning.plan import Group, LeftOut, Plan, Reused, Shard
from hfci.planning.plan_text import time
from hfci.planning.planner import Request, make_plan
from hfci.results.text import code

from .test_select import MANIFEST

# What a runner of GitHub must not find at the beginning of a line.
HOSTILE = "x\n::error::no\nshards=9\nmatrix<<EOF\n$(touch pwned)`touch pwned`|<script>[a](http://b)@who"


def parse(text: str) -> dict[str, str]:
    """Read outputs as GitHub's runner does: `NAME=VALUE`, or `NAME<<DELIMITER`, lines, DELIMITER."""
    lines = iter(text.split("\n"))
    found: dict[str, str] = {}
    for line in lines:
        if not line:
            continue
        heredoc = re.fullmatch(r"([^=<]+)<<(.+)", line)
        if heredoc is None:
            name, _, value = line.partition("=")
            found[name] = value
            continue
        value_lines = []
        for part in lines:
            if part == heredoc[2]:
                break
            value_lines.append(part)
        found[heredoc[1]] = "\n".join(value_lines)
    return found


def test_a_matrix_has_an_entry_for_each_shard() -> None:
    runners = {
        "cpu": Runner(name="cpu", runs_on="ubuntu-24.04", tiers=("smoke",)),
        "gpu": Runner(name="gpu", runs_on=("self-hosted", "gpu"), device="cuda", tiers=("functional",)),
    }
    plan = make_plan(MANIFEST, Request(run="r1", runners=runners, shards=2))
    plain = {"container": "", "packages": "", "index": "", "concurrency": ""}
    cpu = {"runs-on": "ubuntu-24.04", "device": "cpu", "runner": "cpu", "tier": "smoke", **plain}
    gpu = {"runs-on": ["self-hosted", "gpu"], "device": "cuda", "runner": "gpu", "tier": "functional", **plain}
    assert matrix(plan)["include"] == [
        {"shard": 0, "name": "smoke on cpu 1/2", **cpu},
        {"shard": 1, "name": "smoke on cpu 2/2", **cpu},
        {"shard": 2, "name": "functional on gpu 1/2", **gpu},
        {"shard": 3, "name": "functional on gpu 2/2", **gpu},
    ]
    found = parse(format_outputs(outputs(plan)))
    assert json.loads(found.pop("matrix")) == matrix(plan)
    assert found == {"shards": "4", "reused": "0", "run": "r1"}


def test_no_shard_is_an_empty_matrix() -> None:
    group = Group(model_type="a", architecture="A", file="a.py", checks=("x", "y"))
    plan = Plan(run="r1", transformers="5", reused=(Reused(tier="smoke", device="cpu", run="r0", groups=(group,)),))
    assert outputs(plan) == {"matrix": '{"include":[]}', "shards": "0", "reused": "2", "run": "r1"}
    told = page(plan, code)
    assert "- No shard: every case is reused." in told
    assert "2 cases, green on the same fingerprint in <code>r0</code>" in told
    assert "|" not in told


def test_no_value_can_begin_another_output() -> None:
    values = {"matrix": HOSTILE, "shards": "1", "run": "a\nb=c\n\nhfci-0000\n"}
    first, second = format_outputs(values), format_outputs(values)
    assert parse(first) == parse(second) == values
    assert set(re.findall("hfci-[0-9a-f]{32}", first)).isdisjoint(re.findall("hfci-[0-9a-f]{32}", second))


def test_names_are_inert_on_the_page() -> None:
    group = Group(model_type=HOSTILE, architecture=HOSTILE, family=HOSTILE, file=HOSTILE, checks=("x",))
    shard = Shard(
        index=0, name=HOSTILE, runner="a", runs_on=("a|b", HOSTILE), device="cpu", tier="smoke", groups=(group,)
    )
    left = LeftOut(tier="smoke", device="cpu", runner=HOSTILE, work_s=1.0, groups=(group,))
    told = page(Plan(run=HOSTILE, transformers="5", shards=(shard,), left_out=(left,), budget_s=5.0), code)
    assert not re.search(r"^\s*(::|shards=|matrix<<)", told, re.MULTILINE)
    for part in ("<script>", "`touch", "$(touch", "[a](", "@who"):
        assert part not in told
    table = [line for line in told.splitlines() if line.startswith("|")]
    assert len(table) == 3
    assert {line.count("|") for line in table} == {9}


def test_a_page_has_a_row_for_each_shard_and_says_what_is_absent() -> None:
    plan = make_plan(
        MANIFEST,
        Request(run="r1", runners={"cpu": Runner(name="cpu", runs_on="ubuntu-24.04", tiers=("smoke",))}, shards=3),
    )
    told = page(plan, str)
    assert len(re.findall(r"^\| smoke on cpu \d/3 \|", told, re.MULTILINE)) == 3
    assert f"predicted to take {time(plan.predicted_s)}; no division could take less than {time(plan.bound_s)}" in told
    assert "- Absent: no runner for cuda: GPU cases are absent." in told


def test_what_is_appended_stays_behind_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "out"
    append(path, "a=1\n")
    append(path, "b=2")
    append(path, "c=3\n")
    assert path.read_text() == "a=1\nb=2\nc=3\n"
    with pytest.raises(EnvironmentUnfit, match="cannot append to"):
        append(tmp_path, "x")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (60, "1 min"), (245, "4 min 5 s"), (3600, "1 h"), (5400, "1 h 30 min")],
)
def test_times_are_told_as_a_person_would(seconds: float, told: str) -> None:
    assert time(seconds) == told
