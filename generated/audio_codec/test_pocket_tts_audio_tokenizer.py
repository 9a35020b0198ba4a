# Rendered from templates/audio_codec.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate pocket_tts_audio_tokenizer`.
"""pocket_tts_audio_tokenizer: smoke tests of PocketTTSAudioTokenizerModel.

Family: audio codec.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="pocket_tts_audio_tokenizer",
    architecture="PocketTTSAudioTokenizerModel",
    family="audio_codec",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import PocketTTSAudioTokenizerModel

    assert type(tiny.model) is PocketTTSAudioTokenizerModel
    assert tiny.config.model_type == tiny.model_type == "pocket_tts_audio_tokenizer"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["input_values"].shape[0]
    assert outputs.audio_values.shape[0] == batch
    frames = -(-inputs["input_values"].shape[-1] // tiny.config.frame_size)  # the last one is filled up
    assert outputs.audio_values.shape == (batch, tiny.config.audio_channels, frames * tiny.config.frame_size)
    assert outputs.latents.shape == (batch, frames, tiny.config.latent_dim)
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
