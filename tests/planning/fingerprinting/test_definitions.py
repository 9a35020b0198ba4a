"""What counts of a file for one definition in it."""

from __future__ import annotations

import pytest

from hfci.planning.fingerprinting.definitions import definition_facts, definitions_of
from hfci.planning.fingerprinting.normalize import Facts

SOURCE = """
from __future__ import annotations
import os
import numpy as np
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

LIMIT = 4
SMALL, LARGE = LIMIT, 2 * LIMIT
pytestmark = "smoke"


def wanted(x: torch.Tensor):
    return helper(x) + SMALL


def helper(x):
    import json
    return np.abs(x), json


def other(x):
    return os.name


class TestA:
    KIND = 1

    @pytest.mark.parametrize("check", ["a"])
    def test_one(self):
        return self.KIND

    def test_two(self):
        return other(2)
"""


def facts(source: str = SOURCE, definition: str = "wanted") -> Facts:
    found = definition_facts(source.encode(), definition)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("helper(x) + SMALL", "helper(x) - SMALL"),
        ("np.abs(x)", "np.sum(x)"),
        ("2 * LIMIT", "3 * LIMIT"),
        ("LIMIT = 4", "LIMIT = 5"),
        ("import numpy as np", "import cupy as np"),
        ('pytestmark = "smoke"', 'pytestmark = "deep"'),
        ("LIMIT = 4\n", "LIMIT = 4\nprint(LIMIT)\n"),
        ("LIMIT = 4\n", "LIMIT = 4\nLIMIT += 1\n"),
    ],
)
def test_what_it_names_and_what_the_module_runs_count(old: str, new: str) -> None:
    assert old in SOURCE
    assert facts(SOURCE.replace(old, new)).digest != facts().digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("os.name", "os.sep"),
        ("import os", "import os as os, sys"),
        ("import torch", "import jax as torch"),
        ("self.KIND", "self.SORT"),
        ("def helper(x):\n", 'def helper(x):\n    """Help."""\n'),
        ("LIMIT = 4", "LIMIT = 4  # at most"),
    ],
)
def test_what_it_does_not_name_does_not(old: str, new: str) -> None:
    assert old in SOURCE
    assert facts(SOURCE.replace(old, new)).digest == facts().digest


def test_imports_are_those_of_what_counts() -> None:
    assert {statement.module for statement in facts().imports} == {"numpy", "json"}
    assert {statement.module for statement in facts(definition="other").imports} == {"os"}


def test_a_method_counts_with_its_class_but_without_the_others_and_what_parametrizes_it() -> None:
    one = facts(definition="TestA.test_one").digest
    assert facts(SOURCE.replace("other(2)", "other(3)"), "TestA.test_one").digest == one
    assert facts(SOURCE.replace('["a"]', '["a", "b"]'), "TestA.test_one").digest == one
    assert facts(SOURCE.replace("KIND = 1", "KIND = 2"), "TestA.test_one").digest != one
    assert (
        facts(SOURCE.replace("os.name", "os.sep"), "TestA.test_two").digest != facts(definition="TestA.test_two").digest
    )


def test_what_a_file_defines() -> None:
    assert definitions_of(SOURCE.encode()) == ("wanted", "helper", "other", "TestA.test_one", "TestA.test_two")


def test_to_ask_for_one_changes_nothing_of_the_others() -> None:
    every = definitions_of(SOURCE.encode())
    forth, back = ([facts(definition=name) for name in names] for names in (every, reversed(every)))
    assert forth == back[::-1]
    assert len({each.digest for each in forth}) == len(every)


@pytest.mark.parametrize("definition", ["nowhere", "TestA.nowhere", "TestB.test_one", "LIMIT", "", "test_one"])
def test_of_none_that_is_there_nothing_is_told(definition: str) -> None:
    assert definition_facts(SOURCE.encode(), definition) is None


@pytest.mark.parametrize("source", [b"def wanted(:", b"\0", b"\xff", b"(" * 100_000])
def test_of_what_is_no_python_nothing_is_told(source: bytes) -> None:
    assert definition_facts(source, "wanted") is None
    assert definitions_of(source) == ()
