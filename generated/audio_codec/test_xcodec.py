# Rendered from templates/audio_codec.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate xcodec`.
"""xcodec: smoke tests of XcodecModel.

Family: audio codec.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="xcodec",
    architecture="XcodecModel",
    family="audio_codec",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import XcodecModel

    assert type(tiny.model) is XcodecModel
    assert tiny.config.model_type == tiny.model_type == "xcodec"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["input_values"].shape[0]
    assert outputs.audio_values.shape[0] == batch
    samples = inputs["input_values"].shape[-1]
    assert outputs.audio_values.shape[-1] == samples
    assert outputs.audio_codes.shape == (batch, tiny.config.num_quantizers, samples // tiny.config.hop_length)
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
