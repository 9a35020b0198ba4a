"""Every smoke check is green on whole models."""

from __future__ import annotations

import pytest

from hfci.tiny import build_tiny

from .breaking import reds


@pytest.mark.parametrize("model_type", ["bert", "gpt2", "vit", "t5", "resnet", "mamba"])
def test_every_smoke_check_is_green(model_type: str) -> None:
    assert reds(build_tiny(model_type)) == {}


def test_a_tied_head_is_green() -> None:
    assert reds(build_tiny("gpt2", "GPT2LMHeadModel")) == {}
