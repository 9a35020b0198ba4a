"""Bisection: of candidates whose verdicts are known, and of commits of a checkout, with real runs."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from hfci.errors import NothingToDo, UsageError
from hfci.origin import find_transformers
from hfci.releases import candidates as listing
from hfci.releases.bisection import Verdict, bisect
from hfci.releases.candidates import commits_between, releases_between, releases_listed
from hfci.releases.environments import Store
from hfci.releases.sides import Side, SideKind, parse_side
from hfci.releases.suspects import failing_cases, of_case, parse_suspect, reproducing
from tests.releases.test_compatibility import write
from tests.releases.wheels import make_wheel, only_index


@given(st.integers(2, 300), st.data())
def test_it_finds_the_first_bad_one_in_log2_and_two_runs(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, count - 1))
    told: list[object] = []
    found = bisect(range(count), lambda at: (Verdict.BAD if at >= first else Verdict.GOOD, ""), told.append)
    assert (found.good, found.bad, found.between) == (first - 1, first, ())
    assert found.runs == len(told) <= math.ceil(math.log2(count)) + 2
    assert len({one.candidate for one in found.tried}) == found.runs


@given(st.integers(3, 60), st.data())
def test_what_cannot_be_tested_is_left_out_and_told_where_it_may_be_the_first(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, count - 1))
    skipped = data.draw(st.sets(st.integers(1, count - 2)))

    def test(at: int) -> tuple[Verdict, str]:
        if at in skipped:
            return Verdict.UNTESTABLE, "does not import"
        return (Verdict.BAD if at >= first else Verdict.GOOD), ""

    found = bisect(range(count), test, lambda _: None)
    good = max(at for at in range(first) if at not in skipped)
    bad = min(at for at in range(first, count) if at not in skipped)
    assert (found.good, found.bad) == (good, bad)
    assert set(found.between) == set(range(good + 1, bad)) <= skipped


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        ("bb", "0 is not good: it is bad"),
        ("gg", "1 is not bad: it is good"),
        ("gu", "1 is not bad: it cannot be tested"),
    ],
)
def test_both_ends_are_verified_before_anything_else(verdicts: str, why: str) -> None:
    kinds = {"g": Verdict.GOOD, "b": Verdict.BAD, "u": Verdict.UNTESTABLE}
    runs: list[object] = []
    with pytest.raises(UsageError, match=why):
        bisect(range(2), lambda at: (kinds[verdicts[at]], ""), runs.append)
    with pytest.raises(UsageError, match="the same"):
        bisect([1], lambda _: (Verdict.BAD, ""), runs.append)


@pytest.mark.parametrize(
    "text", ["", "bert", "a b/c/d", "bert/BertModel/no_such_check", "-x/y/z", "../../x/y\n/z", "a/b/c/d"]
)
def test_what_is_no_case_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError):
        parse_suspect(text)


def test_a_case_is_read_as_reports_write_it() -> None:
    suspect = parse_suspect("bert/BertModel/half_precision_stays_close[device=cuda:1,dtype=bfloat16]")
    assert (suspect.model_type, suspect.architecture, suspect.device) == ("bert", "BertModel", "cuda:1")
    assert str(suspect.variant) == "half_precision_stays_close[dtype=bfloat16]"
    assert parse_suspect("bert/BertModel").variant is None


def test_the_command_is_that_of_a_run(tmp_path: Path) -> None:
    releases = [parse_side(text) for text in ("5.20.0", "5.21.0")]
    suspect = parse_suspect("bert/BertForMaskedLM/half_precision_stays_close[device=cuda:1,dtype=bfloat16]")
    assert reproducing(suspect, *releases)[1] == (
        "pip install transformers==5.21.0 && hfci run BertForMaskedLM --check "
        "'half_precision_stays_close[dtype=bfloat16]' --device cuda:1 --tier functional"
    )
    plain = parse_suspect("bert/BertModel/forward_is_finite[device=cpu]")
    place = tmp_path / "a checkout"
    commit = Side("x", SideKind.COMMIT, path=place, commit="c" * 40)
    assert reproducing(plain, commit, commit)[0] == (
        f"git -C '{place}' checkout {'c' * 40} && "
        f"hfci run bert --check forward_is_finite --device cpu --source '{place}'"
    )
    numbers = parse_suspect("bert/BertModel")
    assert reproducing(numbers, *releases) == ["hfci compare 5.20.0 5.21.0 BertModel"]


def test_the_releases_between_two_are_those_of_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("5.20.0", "5.20.1", "5.21.0rc1", "5.21.0", "5.22.0"):
        make_wheel(tmp_path, "transformers", version)
    only_index(tmp_path, monkeypatch)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert [str(version) for version in releases_listed()] == ["5.20.0", "5.20.1", "5.21.0", "5.22.0"]
    there = [str(side) for side in releases_between(Version("5.20.0"), Version("5.22.0"))]
    assert there == ["5.20.0", "5.20.1", "5.21.0", "5.22.0"]
    back = [str(side) for side in releases_between(Version("5.21.0"), Version("5.20.0"))]
    assert back == ["5.21.0", "5.20.1", "5.20.0"]
    with pytest.raises(UsageError, match=r"no index lists transformers 5\.20\.9; there are 5\.20\.0, 5\.20\.1"):
        releases_between(Version("5.20.9"), Version("5.22.0"))


def test_of_each_cause_one_case_is_bisected(tmp_path: Path) -> None:
    write(
        tmp_path / "now",
        "5.24.0",
        {"bert": ("failed", "passed"), "vit": ("failed", "known-failure"), "t5": ("passed",)},
    )
    write(tmp_path / "before", "5.23.0", {"bert": ("passed",), "vit": ("failed",)})
    assert failing_cases(tmp_path / "now") == ["bert/Model/check_0[device=cpu]"]  # both failed of one cause
    assert failing_cases(tmp_path / "now", tmp_path / "before") == ["bert/Model/check_0[device=cpu]"]
    with pytest.raises(NothingToDo, match="no case failed"):
        failing_cases(tmp_path / "before", tmp_path / "now")


def test_an_index_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from hfci.errors import EnvironmentUnfit

    monkeypatch.setattr(listing, "pip_command", list)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "file:///etc")
    with pytest.raises(EnvironmentUnfit, match="no address of an index"):
        releases_listed()


def test_the_commit_that_broke_a_model_is_found_with_its_lines(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    skipped = shutil.ignore_patterns("__pycache__", "*.so", "*.cu", "*.cuh", "*.cpp", "*.h")
    shutil.copytree(find_transformers(), clone / "src" / "transformers", ignore=skipped)
    modeling = clone / "src" / "transformers" / "models" / "vit" / "modeling_vit.py"
    good = modeling.read_text(encoding="utf-8")
    line = "sequence_output = self.layernorm(hidden_states)"
    assert line in good
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    bad = good.replace(line, f"{line} * float('nan')")
    commits = []
    for number, text in enumerate((good, bad, f"{bad}\n# more\n")):
        modeling.write_text(text, encoding="utf-8")
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", str(number)], check=True)
        told = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        commits.append(told.stdout.strip())
    assert [side.commit for side in commits_between(clone, commits[0], "HEAD")] == commits
    with pytest.raises(UsageError, match="no ancestor"):
        commits_between(clone, "HEAD", commits[0])
    case = "vit/ViTModel"
    command = [
        sys.executable,
        "-m",
        "hfci",
        "bisect",
        case,
        "--good",
        commits[0],
        "--bad",
        "HEAD",
        "--source",
        str(clone),
    ]
    variables = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, env=variables, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["bad"].endswith(commits[1])
    assert found["good"].endswith(commits[0])
    assert found["runs"] == 3
    (source,) = found["sources"]
    assert source["name"] == "ViTModel.forward"
    assert "float('nan')" in source["diff"]
    assert commits[1] in found["commands"][0]


def test_a_case_is_good_where_it_passes(tmp_path: Path) -> None:
    suspect = parse_suspect("vit/ViTModel/forward_is_finite[device=cpu]")
    test = of_case(Store(tmp_path, 2**30), suspect)
    assert test(parse_side("installed")) == (Verdict.GOOD, "")
    assert suspect.tier == "smoke"
