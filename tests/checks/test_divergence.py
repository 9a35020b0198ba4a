"""The first module whose outputs differ, of models broken there on purpose."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hfci import checks
from hfci.checks.divergence import are_far_apart, first_different, first_not_finite
from hfci.errors import Differs
from hfci.tiny import TinyModel, build_tiny


@pytest.fixture(scope="module")
def bert() -> TinyModel:
    return build_tiny("bert")


def broken(tiny: TinyModel, name: str, hook: Any) -> Any:
    return tiny.model.get_submodule(name).register_forward_hook(hook)


def test_a_model_that_draws_names_the_module_that_does(bert: TinyModel) -> None:
    name = "encoder.layer.1.output.dense"
    hook = broken(bert, name, lambda _, __, output: output + torch.rand(()))
    try:
        with pytest.raises(Differs, match="two forwards of the same inputs differ") as found:
            checks.forward_is_deterministic(bert)
    finally:
        hook.remove()
    assert found.value.module == name


def test_a_model_with_a_number_that_is_none_names_where_it_begins(bert: TinyModel) -> None:
    name = "encoder.layer.0.attention.self.value"
    hook = broken(bert, name, lambda _, __, output: output * float("nan"))
    try:
        assert first_not_finite(bert) == name
    finally:
        hook.remove()
    assert first_not_finite(bert) is None


def test_what_agrees_or_stops_has_no_such_module(bert: TinyModel) -> None:
    assert first_different(bert, bert, are_far_apart) is None

    def stop(*_: Any) -> None:
        raise RuntimeError("no")

    hook = broken(bert, "pooler", stop)
    try:
        assert first_different(bert, bert, are_far_apart) is None
    finally:
        hook.remove()
