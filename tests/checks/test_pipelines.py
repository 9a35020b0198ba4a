"""The table of pipeline tasks is transformers' own, and what the checks of them say is what there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.pipelines import SUPPORTED_TASKS

from hfci.catalog.requirements import absent_packages
from hfci.checks import NotApplicable
from hfci.checks.asking import assert_holds
from hfci.checks.pipelines.comparing import difference
from hfci.checks.pipelines.forms import entries, has_numbers, largest, probabilities, ranked
from hfci.checks.pipelines.serving import _parts_of_others, load
from hfci.checks.pipelines.tasks import TASKS
from hfci.checks.table import CHECKS
from hfci.errors import StageError
from hfci.tiny import TinyModel, build_tiny
from hfci.tiny.processors import VOCABULARY

PICTURE = Image.fromarray(np.zeros((4, 6, 3), np.uint8))


def test_each_task_of_transformers_has_a_row() -> None:
    assert TASKS.keys() == SUPPORTED_TASKS.keys()
    with_parameters = {name for name, task in TASKS.items() if task.parameters}
    assert set(CHECKS["pipeline_follows_its_parameters"].axes["task"]) == with_parameters


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ([{"a": 1.0}], [{"a": 1.00001}], None),
        ([{"a": 1.0}], [{"a": 1.1}], "[0]['a'] differs by 0.1"),
        ([{"a": 1}], [{"b": 1}], "[0] has a, and b"),
        ([1, 2], [1], "it has 2 entries, and 1"),
        ("cat", "dog", "it is 'cat', and 'dog'"),
        (np.float32(1), np.float32(1.0001), None),
        (torch.zeros(2, 3), torch.zeros(3, 2), "it is of (2, 3), and of (3, 2)"),
        (PICTURE, PICTURE.copy(), None),
        (PICTURE, PICTURE.resize((3, 3)), "it is of (4, 6, 3), and of (3, 3, 3)"),
        ({"a": PICTURE}, {"a": "no picture"}, "['a'] is <PIL.Image.Image"),
    ],
)
def test_where_two_outputs_differ_is_told(one: Any, other: Any, said: str | None) -> None:
    found = difference(one, other)
    assert found is None if said is None else found is not None and found.startswith(said)


@pytest.mark.parametrize(
    ("problems", "said"),
    [
        (entries([{"a": 1}], {"a": int}), None),
        (entries({"a": 1}, {"a": int}), "a list with something in it is documented"),
        (entries([], {"a": int}), "a list with something in it is documented"),
        (entries(["a"], {"a": int}), "an entry is no dict"),
        (entries([{"b": 1}], {"a": int}), "an entry has the keys b, and a are documented"),
        (entries([{"a": "1"}], {"a": int}), "a is a str"),
        (probabilities([0.5, 0.5], of_all=True), None),
        (probabilities([1.5]), "1.5 is no probability"),
        (probabilities([0.5, 0.4], of_all=True), "the probabilities of all sum to 0.9"),
        (ranked([0.5, 0.4]), None),
        (ranked([0.4, 0.5]), "the largest score is not the first"),
        (largest("it", "a", {"a": 1.0, "b": 0.5}), None),
        (largest("it", "b", {"a": 1.0, "b": 0.5}), "it is 'b', of 0.5, and the model gives 'a' 1"),
        (largest("it", "c", {"a": 1.0}), "it is 'c', which the model has no score for"),
        (has_numbers([[[0.5, 1.0]]]), None),
        (has_numbers([[[float("nan")]]]), "a nested list of numbers is documented"),
    ],
)
def test_what_is_wrong_with_an_output_is_told(problems: Any, said: str | None) -> None:
    told = list(problems)
    assert told == [] if said is None else told[0].startswith(said)


def served(model_type: str, architecture: str) -> TinyModel:
    return build_tiny(model_type, architecture, vocabulary=VOCABULARY)


def test_a_pipeline_is_loaded_once_and_of_the_architecture() -> None:
    tiny = served("bert", "BertForMaskedLM")
    pipe = load(tiny, "fill-mask")
    assert load(tiny, "fill-mask") is pipe
    assert type(pipe.model).__name__ == "BertForMaskedLM"
    assert all(torch.equal(a, b) for a, b in zip(pipe.model.parameters(), tiny.model.parameters(), strict=True))


def test_a_pipeline_is_handed_parts_of_another_architectures_configuration_alone() -> None:
    assert _parts_of_others(served("sam3_video", "Sam3TrackerModel"), "mask-generation") == {}
    assert _parts_of_others(served("qwen3_5_text", "Qwen3_5ForCausalLM"), "decision").keys() == {"text_config"}


def test_a_check_is_told_its_task() -> None:
    tiny = served("bert", "BertForMaskedLM")
    assert_holds(tiny, "pipeline_runs[task=fill-mask]")
    assert "pipeline_runs" in tiny.checked


def test_what_an_exception_says_is_not_asked() -> None:
    with pytest.raises(NotApplicable, match="codes of several codebooks"):
        assert_holds(served("musicgen", "MusicgenForCausalLM"), "pipeline_runs[task=text-generation]")


def test_a_processor_that_wants_a_package_is_told_by_the_package() -> None:
    tiny = served("videomae", "VideoMAEForVideoClassification")
    with pytest.raises(StageError) as told:
        assert_holds(tiny, "pipeline_runs[task=video-classification]")
    assert told.value.stage == "pipeline"
    assert absent_packages(told.value)


def test_an_architecture_of_another_task_is_told() -> None:
    with pytest.raises(AssertionError, match=r"loads a BertModel of the checkpoint of BertForMaskedLM"):
        assert_holds(served("bert", "BertForMaskedLM"), "pipeline_runs[task=feature-extraction]")
