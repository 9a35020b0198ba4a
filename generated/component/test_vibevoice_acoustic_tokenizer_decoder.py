# Rendered from templates/component.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate vibevoice_acoustic_tokenizer_decoder`.
"""vibevoice_acoustic_tokenizer_decoder: smoke tests of VibeVoiceAcousticTokenizerDecoderModel.

Family: part of another model, fed by it.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="vibevoice_acoustic_tokenizer_decoder",
    architecture="VibeVoiceAcousticTokenizerDecoderModel",
    family="component",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import VibeVoiceAcousticTokenizerDecoderModel

    assert type(tiny.model) is VibeVoiceAcousticTokenizerDecoderModel
    assert tiny.config.model_type == tiny.model_type == "vibevoice_acoustic_tokenizer_decoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, frames = inputs["hidden_states"].shape
    assert outputs.audio.shape == (batch, tiny.config.channels, frames * tiny.config.hop_length)
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
