# Rendered from templates/audio_generation.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate bark`.
"""bark: smoke tests of BarkModel.

Family: text to audio model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="bark",
    architecture="BarkModel",
    family="audio_generation",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import BarkModel

    assert type(tiny.model) is BarkModel
    assert tiny.config.model_type == tiny.model_type == "bark"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    for part in ("semantic", "coarse_acoustics", "fine_acoustics"):
        batch, length = inputs[part]["input_ids"].shape[:2]
        config = getattr(tiny.config, part + "_config")
        assert outputs[part].logits.shape == (batch, length, config.output_vocab_size)
    assert outputs["codec_model"].audio_values.shape == inputs["codec_model"]["input_values"].shape
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
