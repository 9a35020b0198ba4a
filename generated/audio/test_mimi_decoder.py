# Rendered from templates/audio.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate mimi_decoder`.
"""mimi_decoder: smoke tests of MimiDecoderModel.

Family: audio encoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="mimi_decoder",
    architecture="MimiDecoderModel",
    family="audio",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import MimiDecoderModel

    assert type(tiny.model) is MimiDecoderModel
    assert tiny.config.model_type == tiny.model_type == "mimi_decoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, frames = inputs["latents"].shape
    assert outputs.audio_values.shape == (batch, tiny.config.audio_channels, frames * tiny.config.frame_size)
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
