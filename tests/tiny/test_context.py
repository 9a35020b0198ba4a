"""Counting the features that media become."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from hfci.tiny import build_tiny
from hfci.tiny.inputs.context import Context


class Seer(torch.nn.Module):
    """A model whose features want, beside the pictures, to be told how many to leave out."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))  # which tells where it lies

    def get_image_features(self, pixel_values: torch.Tensor, skipped: int) -> torch.Tensor:
        return pixel_values[:, skipped:]


def seer(**fields: Any) -> Context:
    return Context(Seer(), SimpleNamespace(**fields), row=0, seed=0, made={"pixel_values": torch.zeros(1, 5, 3)})


def test_what_a_method_demands_beside_the_media_is_read_from_the_configuration() -> None:
    assert seer(skipped=2).feature_count("get_image_features", "pixel_values") == 3


def test_what_no_configuration_says_is_still_missing() -> None:
    with pytest.raises(TypeError, match="skipped"):
        seer().feature_count("get_image_features", "pixel_values")


@pytest.mark.parametrize("model_type", ["kosmos-2", "kosmos-2.5"])
def test_where_an_image_stands_is_said_whichever_form_it_has(model_type: str) -> None:
    places = build_tiny(model_type).inputs()["image_embeds_position_mask"]
    assert places.any(dim=1).all()
