# Rendered from templates/audio_text_dual.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate pe_audio`.
"""pe_audio: smoke tests of PeAudioModel.

Family: audio and text encoder pair.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="pe_audio",
    architecture="PeAudioModel",
    family="audio_text_dual",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import PeAudioModel

    assert type(tiny.model) is PeAudioModel
    assert tiny.config.model_type == tiny.model_type == "pe_audio"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["input_ids"].shape[0]
    assert outputs.audio_embeds.shape[0] == batch
    assert outputs.text_audio_embeds.shape == outputs.audio_embeds.shape
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
