# Rendered from templates/audio_text_dual.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate omniasr`.
"""omniasr: smoke tests of OmniASRModel.

Family: audio and text encoder pair.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="omniasr",
    architecture="OmniASRModel",
    family="audio_text_dual",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import OmniASRModel

    assert type(tiny.model) is OmniASRModel
    assert tiny.config.model_type == tiny.model_type == "omniasr"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    text = tiny.config.get_text_config(decoder=True)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, text.hidden_size)
    assert outputs.audio_features.shape[::2] == (batch, tiny.config.audio_config.hidden_size)
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
