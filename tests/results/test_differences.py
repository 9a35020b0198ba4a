"""What differs from the run that one compares with."""

from __future__ import annotations

from typing import Any

from hfci.cases.records import Header
from hfci.origin import Origin
from hfci.results.differences import Difference, differences


def head(**fields: Any) -> Header:
    return Header(**{"run": "x", "started": "", "device": "cpu", "planned": 0, **fields})


def test_two_runs_on_one_machine_do_not_differ() -> None:
    same = {"commit": "c0ffee", "threads": 1, "versions": {"torch": "2.9"}}
    assert differences([head(**same)], [head(**same, workers=4), head(**same, shard=2, runner="big")]) == ()


def test_what_differs_is_told_in_the_order_in_which_one_asks() -> None:
    before = head(
        commit="a" * 40,
        capability="AVX2",
        threads=1,
        versions={"torch": "2.9", "numpy": "2.1", "timm": None},
        source=Origin(path="p", digest="d1"),
    )
    now = head(
        commit="b" * 40,
        capability="AVX512",
        threads=2,
        versions={"torch": "2.10", "numpy": "2.1", "timm": "1.0"},
        packages={"numpy": "git+https://x/numpy@1"},
        source=Origin(path="q", digest="d2", commit="c"),
        variables={"ATEN_CPU_CAPABILITY": "default"},
        seed=3,
    )
    assert differences([before], [now]) == (
        Difference("commit", "a" * 12, "b" * 12),
        Difference("transformers imported", "digest d1", "c digest d2"),
        Difference("capability", "AVX2", "AVX512"),
        Difference("threads", "1", "2"),
        Difference("variables", "-", "ATEN_CPU_CAPABILITY=default"),
        Difference("seed", "-", "3"),
        Difference("numpy", "2.1", "2.1 from git+https://x/numpy@1"),
        Difference("timm", "-", "1.0"),
        Difference("torch", "2.9", "2.10"),
    )


def test_machines_of_several_jobs_are_all_named() -> None:
    kinds = [head(processor="EPYC"), head(processor="Xeon")]
    assert differences(kinds[:1], kinds) == (Difference("processor", "EPYC", "EPYC, Xeon"),)
