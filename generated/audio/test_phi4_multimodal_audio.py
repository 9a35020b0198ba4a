# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate phi4_multimodal_audio`.
"""phi4_multimodal_audio: smoke tests of Phi4MultimodalAudioModel.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="phi4_multimodal_audio",
    architecture="Phi4MultimodalAudioModel",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Phi4MultimodalAudioModel

    assert type(tiny.model) is Phi4MultimodalAudioModel
    assert tiny.config.model_type == tiny.model_type == "phi4_multimodal_audio"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, frames, _ = inputs["hidden_states"].shape
    assert outputs.shape == (batch, -(-frames // tiny.config.time_reduction), tiny.config.hidden_size)
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
