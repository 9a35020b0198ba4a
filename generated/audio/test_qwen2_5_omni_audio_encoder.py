# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate qwen2_5_omni_audio_encoder`.
"""qwen2_5_omni_audio_encoder: smoke tests of Qwen2_5OmniAudioEncoder.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="qwen2_5_omni_audio_encoder",
    architecture="Qwen2_5OmniAudioEncoder",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniAudioEncoder

    assert type(tiny.model) is Qwen2_5OmniAudioEncoder
    assert tiny.config.model_type == tiny.model_type == "qwen2_5_omni_audio_encoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    outputs = checks.reference_forward(tiny)
    # The frames of all sounds, cut into windows, one after the other.
    assert outputs.last_hidden_state.ndim == 2
    assert outputs.last_hidden_state.shape[1] == tiny.config.hidden_size
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
