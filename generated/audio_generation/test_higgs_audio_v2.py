# Rendered from templates/audio_generation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate higgs_audio_v2`.
"""higgs_audio_v2: smoke tests of HiggsAudioV2ForConditionalGeneration.

Family: text to audio model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="higgs_audio_v2",
    architecture="HiggsAudioV2ForConditionalGeneration",
    family="audio_generation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import HiggsAudioV2ForConditionalGeneration

    assert type(tiny.model) is HiggsAudioV2ForConditionalGeneration
    assert tiny.config.model_type == tiny.model_type == "higgs_audio_v2"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    assert outputs.logits.shape == (batch, length, tiny.config.num_codebooks * tiny.config.codebook_size)
    checks.forward_is_finite(tiny)


@pytest.mark.parametrize(
    "check",
    [
        "forward_is_deterministic",
        "batch_is_independent",
        "save_load_roundtrip",
        "gradients_reach_every_parameter",
        "golden_output",
    ],
)
def test_invariant(tiny: TinyModel, check: str) -> None:
    checks.assert_holds(tiny, check)
