"""The tiny model that the cases of a file share."""

from __future__ import annotations

import pytest
from torch import nn

from hfci.cases.case import Case
from hfci.testing.subject import _TinyModels


@pytest.fixture(scope="module")
def models() -> _TinyModels:
    return _TinyModels(device="cpu", seed=0, layout="natural")


def case(check: str) -> Case:
    return Case("bert", "BertModel", "text_encoder", check, "smoke", "cpu")


def test_cases_share_a_model(models: _TinyModels) -> None:
    assert models.get(case("forward_is_finite")) is models.get(case("batch_is_independent"))


@pytest.mark.parametrize("place", ["pooler.activation", "encoder.layer.0.attention", "new"])
def test_the_next_case_has_its_own_where_one_has_put_in_another_module(models: _TinyModels, place: str) -> None:
    before = models.get(case("forward_is_finite"))
    before.model.set_submodule(place, nn.Identity())
    after = models.get(case("batch_is_independent"))
    assert after is not before
    assert "Identity" not in {type(module).__name__ for module in after.model.modules()}
