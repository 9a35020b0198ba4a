# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate qwen2_5_omni_token2wav`.
"""qwen2_5_omni_token2wav: smoke tests of Qwen2_5OmniToken2WavModel.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="qwen2_5_omni_token2wav",
    architecture="Qwen2_5OmniToken2WavModel",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Qwen2_5OmniToken2WavModel

    assert type(tiny.model) is Qwen2_5OmniToken2WavModel
    assert tiny.config.model_type == tiny.model_type == "qwen2_5_omni_token2wav"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    states = inputs["code2wav_dit_model"]["hidden_states"]
    assert outputs["code2wav_dit_model"].shape == states.shape
    batch, _, samples = inputs["code2wav_bigvgan_model"]["mel_spectrogram"].shape
    for rate in tiny.config.bigvgan_config.upsample_rates:
        samples *= rate
    assert outputs["code2wav_bigvgan_model"].shape == (batch, samples)
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
