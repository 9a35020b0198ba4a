# Rendered from templates/audio_codec.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate xcodec2`.
"""xcodec2: smoke tests of Xcodec2Model.

Family: audio codec.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="xcodec2",
    architecture="Xcodec2Model",
    family="audio_codec",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Xcodec2Model

    assert type(tiny.model) is Xcodec2Model
    assert tiny.config.model_type == tiny.model_type == "xcodec2"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["input_values"].shape[0]
    assert outputs.audio_values.shape[0] == batch
    samples = inputs["input_values"].shape[-1]
    assert outputs.audio_values.shape[-1] == samples
    assert outputs.audio_codes.shape == (batch, 1, samples // tiny.config.hop_length)
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
