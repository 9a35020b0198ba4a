"""Tensors are found wherever they are nested, named by where they are, and compared as stated."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from hfci.checks.tensors import floating, named_tensors, relative_difference, same_bits

ONE = torch.ones(1, 1, 1, 1)


def filled_cache() -> DynamicCache:
    cache = DynamicCache()
    cache.update(ONE, ONE, 0)
    return cache


@dataclass
class Holder:
    held: Any


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (ONE, [""]),
        ((ONE, [None, {"a": ONE}]), ["[0]", "[1][1].a"]),
        (BaseModelOutput(last_hidden_state=ONE, hidden_states=(ONE, ONE)),
         ["last_hidden_state", "hidden_states[0]", "hidden_states[1]"]),
        ({"cache": filled_cache()}, ["cache.layers[0].keys", "cache.layers[0].values"]),
        (
            EncoderDecoderCache(filled_cache(), DynamicCache()),
            ["self_attention_cache.layers[0].keys", "self_attention_cache.layers[0].values"],
        ),
        (Holder(ONE), ["held"]),
        (namedtuple("Pair", "left right")(ONE, 3), ["left"]),
        ({"array": np.zeros(3)}, ["array"]),
        ({"nothing": None, "text": "x", "number": 1.0, "kind": torch.float32}, []),
    ],
)  # fmt: skip
def test_tensors_are_found_and_named(value: Any, names: list[str]) -> None:
    assert list(named_tensors(value)) == names


def test_something_that_cannot_be_looked_into_is_named() -> None:
    with pytest.raises(TypeError, match=r"outputs\.strange holds a object"):
        named_tensors({"strange": object()}, "outputs")


def test_a_structure_that_holds_itself_ends() -> None:
    loop: list[Any] = [ONE]
    loop.append(loop)
    assert list(named_tensors(loop)) == ["[0]"]


def test_only_numbers_count_as_floating() -> None:
    tensors = {
        "ids": torch.ones(1, dtype=torch.long),
        "empty": torch.ones(0),
        "wave": torch.ones(1) * 1j,
        "x": ONE,
    }
    assert list(floating(tensors)) == ["wave", "x"]


def test_bits_tell_nan_and_signed_zero_apart() -> None:
    nan = torch.tensor([float("nan")])
    assert same_bits(nan, nan.clone())
    assert not same_bits(torch.tensor([0.0]), torch.tensor([-0.0]))
    assert not same_bits(torch.ones(1), torch.ones(1, dtype=torch.float64))
    assert not same_bits(torch.ones(2), torch.ones(1, 2))


@pytest.mark.parametrize(
    ("left", "right", "difference"),
    [
        ([1.0, 100.0], [2.0, 100.0], 0.01),
        ([0.0], [0.0], 0.0),
        ([float("nan"), 1.0], [float("nan"), 1.0], 0.0),
        ([float("inf"), 1.0], [float("inf"), 2.0], 0.5),
        ([torch.finfo(torch.float32).min, 1.0], [torch.finfo(torch.float32).min, 2.0], 0.5),
        ([torch.finfo(torch.float32).min, 1.0], [1.0, 1.0], 1.0),
        ([float("inf")], [float("-inf")], float("inf")),
        ([float("nan")], [1.0], float("inf")),
        ([], [], 0.0),
    ],
)
def test_differences_are_relative_to_the_largest_value(
    left: list[float], right: list[float], difference: float
) -> None:
    assert relative_difference(torch.tensor(left), torch.tensor(right)) == pytest.approx(difference)


def test_whole_numbers_differ_or_do_not() -> None:
    assert relative_difference(torch.tensor([1]), torch.tensor([1])) == 0.0
    assert relative_difference(torch.tensor([1]), torch.tensor([2])) == float("inf")
