# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate pocket_tts_audio_tokenizer_encoder`.
"""pocket_tts_audio_tokenizer_encoder: smoke tests of PocketTTSAudioTokenizerEncoderModel.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="pocket_tts_audio_tokenizer_encoder",
    architecture="PocketTTSAudioTokenizerEncoderModel",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import PocketTTSAudioTokenizerEncoderModel

    assert type(tiny.model) is PocketTTSAudioTokenizerEncoderModel
    assert tiny.config.model_type == tiny.model_type == "pocket_tts_audio_tokenizer_encoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, samples = inputs["input_values"].shape
    frames = -(-samples // tiny.config.frame_size)  # the last one is filled up
    assert outputs.latents.shape == (batch, tiny.config.latent_dim, frames)
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
