# Rendered from templates/audio_language.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate vibevoice_asr`.
"""vibevoice_asr: smoke tests of VibeVoiceAsrModel.

Family: language model that listens.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="vibevoice_asr",
    architecture="VibeVoiceAsrModel",
    family="audio_language",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import VibeVoiceAsrModel

    assert type(tiny.model) is VibeVoiceAsrModel
    assert tiny.config.model_type == tiny.model_type == "vibevoice_asr"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny, use_cache=True)
    text = tiny.config.get_text_config(decoder=True)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, text.hidden_size)
    assert outputs.cache.get_seq_length() == length
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
