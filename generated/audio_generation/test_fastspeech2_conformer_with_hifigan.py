# Rendered from templates/audio_generation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate fastspeech2_conformer_with_hifigan`.
"""fastspeech2_conformer_with_hifigan: smoke tests of FastSpeech2ConformerWithHifiGan.

Family: text to audio model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="fastspeech2_conformer_with_hifigan",
    architecture="FastSpeech2ConformerWithHifiGan",
    family="audio_generation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import FastSpeech2ConformerWithHifiGan

    assert type(tiny.model) is FastSpeech2ConformerWithHifiGan
    assert tiny.config.model_type == tiny.model_type == "fastspeech2_conformer_with_hifigan"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    frames = outputs.spectrogram.shape[1]  # as many as it says itself, in the durations of the longest row
    config = tiny.config.model_config
    assert outputs.spectrogram.shape == (batch, frames, config.num_mel_bins)
    assert outputs.encoder_last_hidden_state.shape == (batch, length, config.hidden_size)
    assert outputs.duration_outputs.shape == (batch, length)
    assert outputs.pitch_outputs.shape == outputs.energy_outputs.shape == (batch, length, 1)
    samples = frames
    for rate in tiny.config.vocoder_config.upsample_rates:
        samples *= rate
    assert outputs.waveform.shape == (batch, samples)
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
