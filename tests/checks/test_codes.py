"""Models that give codes only: the checks read those, and believe the recipe no further than it is true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import WavTokenizerEncoderModel

from hfci import checks
from hfci.checks.applicability import NotApplicable
from hfci.tiny import TinyModel, build_tiny

from .breaking import broken, reds, with_exception


@pytest.fixture
def codec() -> TinyModel:
    return build_tiny("wavtokenizer_encoder")


def edited(edit: Any) -> Any:
    """Return a forward that edits the codes before they are returned."""

    def forward(self: WavTokenizerEncoderModel, *arguments: Any, **inputs: Any) -> Any:
        outputs = WavTokenizerEncoderModel.forward(self, *arguments, **inputs)
        outputs.audio_codes = edit(outputs.audio_codes)
        return outputs

    return forward


def test_codes_are_checked_and_have_no_gradient(codec: TinyModel) -> None:
    checks.forward_is_finite(codec)
    checks.batch_is_independent(codec)
    with pytest.raises(NotApplicable, match="no gradient"):
        checks.gradients_reach_every_parameter(codec)


def test_without_a_reason_codes_are_not_enough(codec: TinyModel) -> None:
    found = reds(replace(codec, config_type="of whom no exception is"))
    assert "no floating tensor" in found["forward_is_finite"]
    assert "no floating output" in found["batch_is_independent"]


def test_codes_that_are_all_the_same(codec: TinyModel) -> None:
    with pytest.raises(AssertionError, match="no codes that differ"):
        checks.forward_is_finite(broken(codec, forward=edited(torch.zeros_like)))


def test_a_code_of_another_row(codec: TinyModel) -> None:
    with pytest.raises(AssertionError, match="audio_codes row 0"):
        checks.batch_is_independent(broken(codec, forward=edited(lambda codes: codes.flip(0))))


def test_a_model_that_gives_more_than_codes() -> None:
    found = reds(with_exception(build_tiny("bert", "BertModel"), codes_only="it gives nothing but codes"))
    assert "these are none: last_hidden_state" in found["forward_is_finite"]
    assert "a gradient starts at last_hidden_state" in found["gradients_reach_every_parameter"]
